"""Holds: money that is promised before it is booked, so that a booked event can never be short."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import F

from core.money import Money
from core.prepared import Prepared
from ledger.errors import InsufficientFunds
from ledger.models import LOCK_ORDER, Hold, LedgerAccount

_PLACE = Prepared(
    "place_hold",
    """
    WITH reserved AS (
        UPDATE ledger_ledgeraccount SET held_minor = held_minor + %(amount)s::bigint
        WHERE code = %(code)s AND currency = %(currency)s
          AND credits_minor - debits_minor - held_minor >= %(amount)s
        RETURNING id
    )
    INSERT INTO ledger_hold (account_id, amount_minor, key, expires_at)
    SELECT id, %(amount)s, %(key)s, %(expires_at)s FROM reserved
    RETURNING id
    """,
)


def place_hold(*, code: str, amount: Money, key: str, expires_at: datetime | None = None) -> int:
    """
    Reserve money of one ledger account; return the hold's id, which the event must name in `holds`.

    One conditional UPDATE, so that two at the same moment never promise the same money.
    `key`: the event's key; with `expires_at`, the public id of the business row that waits.

    :raises InsufficientFunds: less is available (an account never used has nothing).
    """
    placed = _PLACE.row(code=code, currency=amount.currency, amount=amount.minor, key=key, expires_at=expires_at)
    if placed is None:
        raise InsufficientFunds
    return placed[0]


def hold_up_to(*, code: str, amount: Money, key: str) -> tuple[int | None, int]:
    """
    Reserve as much of `amount` as is there; return the hold's id (None if nothing) and its minor units.

    Locks the account first and then looks, so that what it saw is what it takes.
    """
    locked = LedgerAccount.objects.select_for_update(no_key=True).filter(code=code, currency=amount.currency).first()
    available_minor = min(max(locked.available_minor, 0), amount.minor) if locked else 0
    if not available_minor:
        return None, 0
    return place_hold(code=code, amount=Money(available_minor, amount.currency), key=key), available_minor


def lock_in_order(*, codes: Collection[str], currency: str) -> None:
    """Lock ledger accounts of one currency in the order in which batches do, before several are held of."""
    locking = LedgerAccount.objects.select_for_update(no_key=True).filter(code__in=codes, currency=currency)
    list(locking.order_by(*LOCK_ORDER).values_list("id"))


def release_hold(*, hold_id: int) -> None:
    """Give a hold's money back; a hold that is gone was released or booked before."""
    hold = Hold.objects.select_for_update(no_key=True).filter(id=hold_id).first()
    if hold is None:
        return
    LedgerAccount.objects.filter(id=hold.account_id).update(held_minor=F("held_minor") - hold.amount_minor)
    hold.delete()
