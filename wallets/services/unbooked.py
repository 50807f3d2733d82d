"""Changes of wallets that are decided and wait for billing, for `not_yet_booked`."""

from django.conf import settings
from django.db import connection

from billing.booking import BILLING
from core.money import Money
from wallets.models import UnbookedChange

_PURGE = """
WITH booked AS (
    SELECT c.id FROM wallets_unbookedchange c
    WHERE NOT EXISTS (
        SELECT FROM events_delivery d WHERE d.consumer = %(consumer)s AND d.event_id = c.event_id
    )
    ORDER BY c.id LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
DELETE FROM wallets_unbookedchange c USING booked WHERE c.id = booked.id
"""


def note_unbooked_change(*, event_id: int, owner_id: int, amount: Money) -> None:
    """
    Note that an event will change its owner's wallet once billing has booked it.

    To be called in the transaction that emits the event. `amount` is signed; zero is not noted.
    """
    if amount.minor:
        UnbookedChange.objects.create(
            event_id=event_id, owner_id=owner_id, amount_minor=amount.minor, currency=amount.currency
        )


def purge_booked_changes() -> int:
    """
    Delete a bounded number of notes whose event billing has booked; return how many.

    Nobody counts them any more: readers look for the delivery. A repeat finds fewer.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PURGE, {"consumer": BILLING, "limit": settings.UNBOOKED_CHANGES_PURGE_MAX})
        return cursor.rowcount
