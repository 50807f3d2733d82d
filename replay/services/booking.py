"""Having everything booked that waits, with or without workers beside us."""

import time

from django.db.models import Max, QuerySet

from billing import booking
from events.consumers import all_consumers
from events.delivery import deliver_batch
from events.models import Delivery
from replay.errors import NotBooked

PAUSE_SECONDS = 0.05
NO_PROGRESS_SECONDS_MAX = 60.0


def book_waiting() -> None:
    """
    Deliver everything that waits at this moment, to every consumer, and return when it is done.

    Workers may be at it too: what they have in hand is waited for. Parked deliveries stay parked.

    :raises NotBooked: for a long time nothing moves on.
    """
    newest_id = _waiting().aggregate(newest=Max("event_id"))["newest"]
    if newest_id is None:
        return
    moved_at = time.monotonic()
    left = None
    while waiting := _waiting().filter(event_id__lte=newest_id).count():
        if waiting != left:
            left, moved_at = waiting, time.monotonic()
        if not _deliver_once():
            time.sleep(PAUSE_SECONDS)
        if time.monotonic() - moved_at > NO_PROGRESS_SECONDS_MAX:
            raise NotBooked(
                f"{waiting} deliveries have waited for {NO_PROGRESS_SECONDS_MAX:.0f} s, see the workers' log."
            )


def _waiting() -> QuerySet[Delivery]:
    return Delivery.objects.filter(parked_at=None)


def _deliver_once() -> bool:
    """One batch for every consumer; whether any of them had something to do."""
    moved = False
    for consumer in all_consumers():
        moved |= bool(
            booking.book_batch(trigger=booking.MANUAL) if consumer.run is not None else deliver_batch(consumer)
        )
    return moved
