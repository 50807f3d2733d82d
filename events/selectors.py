"""What other rooms and the metrics may ask of the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from events.models import Delivery, EventRecord


@dataclass(frozen=True, slots=True)
class QueueState:
    """How one consumer's queue stands; ages in seconds by the database's clock."""

    consumer: str
    waiting: int
    parked: int
    oldest_age_seconds: float


def queue_states() -> list[QueueState]:
    """Return the queues that are not empty."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT d.consumer, count(*) FILTER (WHERE d.parked_at IS NULL), count(d.parked_at),
                   COALESCE(EXTRACT(epoch FROM clock_timestamp() - min(e.recorded_at)), 0)
            FROM events_delivery d JOIN events_eventrecord e ON e.id = d.event_id
            GROUP BY d.consumer ORDER BY d.consumer
            """
        )
        return [QueueState(name, waiting, parked, float(age)) for name, waiting, parked, age in cursor.fetchall()]


def events_of_subject(subject: str) -> list[EventRecord]:
    """Return everything that happened to one subject, oldest first."""
    return list(EventRecord.objects.filter(subject=subject).order_by("id"))


def subject_waits(subject: str, consumers: Sequence[str]) -> bool:
    """Say whether one of these consumers has yet to hear an event of the subject (parked ones count)."""
    return Delivery.objects.filter(consumer__in=consumers, subject=subject).exists()


def waiting_event_ids(subject: str, consumer: str) -> frozenset[int]:
    """Return which events of a subject one consumer has yet to hear (parked ones too)."""
    waiting = Delivery.objects.filter(consumer=consumer, subject=subject)
    return frozenset(waiting.values_list("event_id", flat=True))
