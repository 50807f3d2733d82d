"""The operators' tiles of the road: what waits to be heard and for how long, and what was set aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.admin import list_url
from core.cockpit import BAD, GOOD, WARN, Content, Figure, Look, Tile, add_tile, shown_age, shown_count
from events.consumers import all_consumers

# By index for each consumer (the order sees to it: else the planner reads the whole queue for those that have little
# in it), however much waits; a count ends where people stop telling numbers apart.
_QUEUES = """
SELECT c.consumer, waiting.count, parked.count,
       EXTRACT(epoch FROM clock_timestamp() - (SELECT recorded_at FROM events_eventrecord e WHERE e.id = first.event_id)),
       EXTRACT(epoch FROM clock_timestamp() - parked.since)
FROM unnest(%(consumers)s::text[]) AS c(consumer)
CROSS JOIN LATERAL (
    SELECT count(*) FROM (
        SELECT 1 FROM events_delivery d WHERE d.consumer = c.consumer AND d.parked_at IS NULL
        ORDER BY d.event_id LIMIT %(counted)s
    ) few
) waiting
CROSS JOIN LATERAL (
    SELECT min(d.event_id) AS event_id FROM events_delivery d
    WHERE d.consumer = c.consumer AND d.parked_at IS NULL
) first
CROSS JOIN LATERAL (
    SELECT count(*), min(few.parked_at) AS since FROM (
        SELECT d.parked_at FROM events_delivery d
        WHERE d.consumer = c.consumer AND d.parked_at IS NOT NULL ORDER BY d.event_id LIMIT %(counted)s
    ) few
) parked
ORDER BY c.consumer
"""  # noqa: E501


@dataclass(frozen=True, slots=True)
class Queue:
    """One consumer's queue: how much waits and is parked (counted to a limit), and since when, in seconds."""

    consumer: str
    waiting: int
    parked: int
    waits_seconds: float | None
    parked_seconds: float | None


def queues() -> list[Queue]:
    """Return the queue of every consumer, also where it is empty."""
    asked: dict[str, Any] = {
        "consumers": [consumer.name for consumer in all_consumers()],
        "counted": settings.COCKPIT_COUNTED_MAX + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUES, asked)
        return [
            Queue(name, waiting, parked, _seconds(waits), _seconds(since))
            for name, waiting, parked, waits, since in cursor.fetchall()
        ]


def _seconds(value: float | None) -> float | None:
    return None if value is None else float(value)


def road(look: Look) -> Content:
    """Queues and what is parked, of each consumer that has any of it."""
    found = queues()
    oldest = max((queue.waits_seconds or 0 for queue in found if queue.waiting), default=None)
    return Content(
        headline=Figure(
            title=_("age of the oldest") if oldest is not None else _("Everything has been heard"),
            value=shown_age(oldest) if oldest is not None else "0",
            tone=_tone(oldest),
        ),
        figures=[_waiting(queue) for queue in found if queue.waiting] + _parked(found),
        note=_("%(count)s consumers listen.") % {"count": len(found)},
    )


def _waiting(queue: Queue) -> Figure:
    return Figure(
        title=queue.consumer,
        value=shown_count(queue.waiting),
        note=_("waits %(age)s") % {"age": shown_age(queue.waits_seconds)},
        url=list_url("events.delivery", f"consumer={queue.consumer}&state=waiting"),
        tone=_tone(queue.waits_seconds),
    )


def _parked(found: Sequence[Queue]) -> list[Figure]:
    parked = [
        Figure(
            title=_("%(consumer)s: parked") % {"consumer": queue.consumer},
            value=shown_count(queue.parked),
            note=_("since %(age)s") % {"age": shown_age(queue.parked_seconds)},
            url=list_url("events.delivery", f"consumer={queue.consumer}&state=parked"),
            tone=BAD,
        )
        for queue in found
        if queue.parked
    ]
    return parked or [Figure(title=_("Parked"), value="0", url=list_url("events.delivery", "state=parked"), tone=GOOD)]


def _tone(seconds: float | None) -> str:
    if seconds is None or seconds < settings.COCKPIT_LAG_LATE_SECONDS:
        return GOOD
    return WARN if seconds < settings.COCKPIT_QUEUE_LATE_SECONDS else BAD


add_tile(
    Tile(
        name="queues",
        section="road",
        place=10,
        title=gettext_lazy("Queues"),
        permission="events.view_delivery",
        url=lambda: list_url("events.delivery"),
        read=road,
        live=True,
        width="quarter",
    )
)
