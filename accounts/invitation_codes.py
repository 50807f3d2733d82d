"""Invitation codes: ten characters that can be read aloud, kept as keyed digests only."""

import secrets

from django.utils.crypto import salted_hmac

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U.
CODE_LENGTH = 10  # 50 random bits, for a quarter of an hour.
_FORGIVEN = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})


def new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def digest_code(code: str) -> str:
    """Return what is kept of a code, however it was typed: case, dashes, O for 0, I and L for 1 are forgiven."""
    plain = code.upper().translate(_FORGIVEN)
    return salted_hmac("accounts.invitation_codes", plain, algorithm="sha256").hexdigest()
