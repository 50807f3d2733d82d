"""Tills: made, given new keys and taken out of service by the seller whose store they stand in."""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from accounts.errors import SessionEnded
from accounts.models import Account
from accounts.services import hold_open
from catalog.errors import StoreClosed
from catalog.selectors import get_own_store
from core.errors import NotFound
from orders.counter.errors import TerminalRevoked
from orders.counter.keys import digest_key, new_key
from orders.counter.models import Terminal


@transaction.atomic
def create_terminal(
    *, store: str, name: str, institution: str = "", actor: Actor, now: datetime
) -> tuple[Terminal, str]:
    """
    Make a till of a store of the acting seller; return its row and its key, which is not kept.

    :raises SessionEnded: the seller is closed.
    :raises NotFound: the seller has no such store.
    :raises StoreClosed: the store is closed.
    """
    if not hold_open([actor.acting.pk]):  # Whoever closes it takes this till out of service, too.
        raise SessionEnded
    own = get_own_store(store, seller=actor.acting)
    if own.closed_at is not None:
        raise StoreClosed
    key = new_key()
    terminal = Terminal.objects.create(
        store=own,
        name=name,
        institution=institution,
        key_digest=digest_key(key),
        created_by=actor.login,
        created_at=now,
    )
    return terminal, key


@transaction.atomic
def rotate_terminal_key(*, terminal: str, actor: Actor, now: datetime) -> tuple[Terminal, str]:
    """
    Give a till of the acting seller a new key; the old one stops at once. Return the row and the key.

    :raises NotFound: the seller has no such till.
    :raises TerminalRevoked: it is out of service.
    """
    rotated = _lock(terminal, actor)
    if rotated.revoked_at is not None:
        raise TerminalRevoked
    key = new_key()
    rotated.key_digest, rotated.rotated_at = digest_key(key), now
    rotated.save(update_fields=["key_digest", "rotated_at"])
    return rotated, key


@transaction.atomic
def revoke_terminal(*, terminal: str, actor: Actor, now: datetime) -> None:
    """
    Take a till of the acting seller out of service, at once and for good; what it did stays. Doing it twice is fine.

    :raises NotFound: the seller has no such till.
    """
    revoked = _lock(terminal, actor)
    if revoked.revoked_at is None:
        revoked.revoked_at = now
        revoked.save(update_fields=["revoked_at"])


def close_tills(seller: Account, now: datetime) -> None:
    """
    Take all tills of a seller who closes out of service.

    It waits for the trades and refunds that they are making, and is waited for by those that come now, which
    then find the till gone.
    """
    in_service = Terminal.objects.filter(store__seller=seller, revoked_at=None)
    locked = in_service.select_for_update(no_key=True, of=("self",)).order_by("id").values_list("pk", flat=True)
    Terminal.objects.filter(pk__in=list(locked)).update(revoked_at=now)


def _lock(public_id: str, actor: Actor) -> Terminal:
    own = Terminal.objects.select_for_update(no_key=True, of=("self",)).select_related("store")
    terminal = own.filter(public_id=public_id, store__seller=actor.acting).first()
    if terminal is None:
        raise NotFound
    return terminal
