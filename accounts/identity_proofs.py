"""
Proofs of external identities: a compact JWS, signed by the provider with EdDSA (RFC 8037), that says to
which account the identity may be bound: `{iss: provider, sub: external id, aud: account id, exp}`.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.conf import settings

from accounts.errors import IdentityProofInvalid

ALGORITHM = "EdDSA"
CLAIMS = ["iss", "sub", "aud", "exp"]
EXTERNAL_ID_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Proven:
    """What a proof says."""

    provider: str
    external_id: str


def read_proof(proof: str, *, provider: str, external_id: str, account: str) -> Proven:
    """
    Check that `provider` says that `external_id` may be bound to `account` (a public id), now.

    The end of a proof is machine time: others have signed it.

    :raises IdentityProofInvalid: whatever is wrong with it, or nobody knows the provider.
    """
    key = public_key_of(provider)
    if key is None:
        raise IdentityProofInvalid("Nobody here knows this provider.")
    try:
        claims = jwt.decode(
            proof, key, algorithms=[ALGORITHM], audience=account, issuer=provider, options={"require": CLAIMS}
        )
    except (jwt.PyJWTError, ValueError) as invalid:  # ValueError: what cannot even be taken apart.
        raise IdentityProofInvalid from invalid
    if claims["sub"] != external_id:
        raise IdentityProofInvalid("The proof is of another identity.")
    return Proven(provider, external_id)


def sign_proof(external_id: str, *, provider: str, account: str, expires_at: datetime) -> str:
    """Sign a proof as a demo provider does; of real ones nobody here has the key."""
    claims = {"iss": provider, "sub": external_id, "aud": account, "exp": expires_at}
    return jwt.encode(claims, demo_key(provider), algorithm=ALGORITHM)


def public_key_of(provider: str) -> Ed25519PublicKey | None:
    """Return the key with which a provider's proofs are checked, None for a provider nobody has set up."""
    if provider in settings.IDENTITY_PROVIDERS_DEMO:
        return demo_key(provider).public_key()
    pem = settings.IDENTITY_PROVIDERS.get(provider)
    if pem is None:
        return None
    key = load_pem_public_key(pem.encode())
    assert isinstance(key, Ed25519PublicKey), f"The key of {provider} is not for {ALGORITHM}."
    return key


def demo_key(provider: str) -> Ed25519PrivateKey:
    """A demo provider's key follows from this installation's secret, so that nothing has to be kept."""
    seed = hashlib.sha256(f"identity provider {provider}: {settings.SECRET_KEY}".encode()).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)
