"""Binding external identities: what a provider has signed, to the account that it was signed for."""

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.actor import Actor
from accounts.errors import IdentityBoundElsewhere, SessionEnded
from accounts.identity_proofs import read_proof
from accounts.models import ExternalIdentity
from accounts.services.closing import hold_open
from accounts.services.own_login import ensure_own_login
from core.errors import NotFound


@transaction.atomic
def bind_identity(*, provider: str, external_id: str, proof: str, actor: Actor, now: datetime) -> ExternalIdentity:
    """
    Bind an identity to the own account. Binding what is bound to it already returns that.

    :raises OwnLoginRequired: through a link.
    :raises IdentityProofInvalid: the provider has not signed that, not for this account, or too long ago.
    :raises IdentityBoundElsewhere: another account has it.
    :raises SessionEnded: the account is closed.
    """
    ensure_own_login(actor)
    proven = read_proof(proof, provider=provider, external_id=external_id, account=actor.login.public_id)
    if not hold_open([actor.login.pk]):  # Whoever closes it unbinds this identity, too.
        raise SessionEnded
    try:
        with transaction.atomic():
            return ExternalIdentity.objects.create(
                account=actor.login, provider=proven.provider, external_id=proven.external_id, bound_at=now
            )
    except IntegrityError as taken:
        bound = ExternalIdentity.objects.filter(provider=provider, external_id=external_id, unbound_at=None)
        own = bound.filter(account=actor.login).first()
        if own is None:
            raise IdentityBoundElsewhere from taken
        return own


def unbind_identity(*, identity: str, actor: Actor, now: datetime) -> None:
    """
    Unbind one of the own identities; it may be bound again, by whoever proves it. Doing it twice is fine.

    :raises OwnLoginRequired: through a link.
    :raises NotFound: the account has no such identity.
    """
    ensure_own_login(actor)
    own = ExternalIdentity.objects.filter(public_id=identity, account=actor.login)
    if not own.filter(unbound_at=None).update(unbound_at=now) and not own.exists():
        raise NotFound
