"""Having everything booked that waits, at once; for commands, with or without workers beside them."""

import time

from django.db.models import Exists, Max, OuterRef, QuerySet

from billing import booking
from core import clock
from events.consumers import all_consumers
from events.delivery import deliver_batch
from events.models import Delivery

PAUSE_SECONDS = 0.05
STANDSTILL_SECONDS_MAX = 60.0


class NobodyBooks(RuntimeError):
    """Events wait, and nobody can deliver them: not this process, and no worker."""


def catch_up() -> None:
    """
    Deliver everything that waits at this moment, to every consumer, and return when it is done.

    Workers may be at it too: what they have in hand is waited for. Parked deliveries stay parked, and
    what stands behind them waits with them.

    :raises NobodyBooks: for a long time nothing has moved on.
    """
    newest_id = _waiting().aggregate(newest=Max("event_id"))["newest"]
    if newest_id is None:
        return
    moved_at = time.monotonic()
    left = None
    while waiting := _waiting().filter(event_id__lte=newest_id).count():
        if waiting != left:
            left, moved_at = waiting, time.monotonic()
        with clock.read_once():
            moved = _deliver_once()
        if not moved:
            time.sleep(PAUSE_SECONDS)
        if time.monotonic() - moved_at > STANDSTILL_SECONDS_MAX:
            raise NobodyBooks(f"{waiting} deliveries have not moved for {STANDSTILL_SECONDS_MAX:.0f} seconds.")


def _waiting() -> QuerySet[Delivery]:
    """What is not set aside, and does not stand behind something that is."""
    parked = Delivery.objects.filter(subject=OuterRef("subject"), event_id__lte=OuterRef("event_id"))
    return Delivery.objects.filter(~Exists(parked.exclude(parked_at=None)), parked_at=None)


def _deliver_once() -> bool:
    """One batch for every consumer; whether any of them had something to do."""
    moved = False
    for consumer in all_consumers():
        takes_over = consumer.run is not None  # Billing: its own batches, here not waiting to be full.
        moved |= bool(booking.book_batch(trigger=booking.MANUAL) if takes_over else deliver_batch(consumer))
    return moved
