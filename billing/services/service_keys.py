"""Credentials of payment servers: shown once, kept as a digest, bound to external event types."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from billing.errors import EventTypeInternal, UnknownEventType
from billing.models import ServiceKey
from billing.types import find_type
from core.money import Money

KEY_BYTES = 32


@transaction.atomic
def create_service_key(
    *, name: str, types: Sequence[str], daily_limit: Money | None, actor: Actor
) -> tuple[ServiceKey, str]:
    """
    Make a key for these external event types; return its row and the key itself, which is not kept.

    :raises UnknownEventType, EventTypeInternal: one of the types cannot be sent from outside.
    """
    for type_ in types:
        spec = find_type(type_)
        if spec is None:
            raise UnknownEventType(f"No event type {type_[:80]} is declared.")
        if not spec.external:
            raise EventTypeInternal(f"Events of type {type_[:80]} are not sent from outside.")
    key = f"svc_{secrets.token_urlsafe(KEY_BYTES)}"
    row = ServiceKey.objects.create(
        name=name,
        key_digest=digest_of(key),
        types=sorted(set(types)),
        daily_limit_minor=daily_limit.minor if daily_limit else None,
        daily_limit_currency=daily_limit.currency if daily_limit else "",
        created_by=actor.acting,
    )
    return row, key


def revoke_service_key(*, key: ServiceKey, now: datetime) -> None:
    """End a key at once; ending it again changes nothing."""
    ServiceKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now)


def find_service_key(key: str) -> ServiceKey | None:
    """Return the living key with this secret."""
    return ServiceKey.objects.filter(key_digest=digest_of(key), revoked_at=None).first()


def digest_of(key: str) -> str:
    """Keys are 256 random bits: a plain digest cannot be reversed."""
    return hashlib.sha256(key.encode()).hexdigest()
