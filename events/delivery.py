"""
Delivering: claim in order, hear, delete, in one transaction; nothing is lost or heard twice.

Within a subject a delivery is claimed only after, or in one batch together with, all older ones of the
same consumer. Three things hold it back: an older one that is parked or backing off, an older one that
another worker has locked, and (`after`) an event that other consumers have yet to hear. What those have
parked holds back its own subject only: one bad event must not stop everybody's.
"""

import json
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from django.conf import settings
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection, transaction

from core import clock
from core.arrays import plain_array
from core.errors import Refusal
from core.garbage import no_garbage_collection
from core.ids import encode_key
from events.consumers import Consumer, get_consumer
from events.models import EventRecord

log = structlog.get_logger(__name__)

PERMANENT = (Refusal, IntegrityError, DataError)  # The event's own data makes it impossible: parked.
TRANSIENT = (OperationalError, InterfaceError)  # Deadlock, lost connection, time-out: tried again.
_BIGINT_MAX = 2**63 - 1

# Nearly always nothing is held up: one look for all then saves one for each delivery.
_CLAIMABLE = """
FROM events_delivery d
JOIN events_eventrecord e ON e.id = d.event_id
WHERE d.consumer = %(consumer)s AND d.event_id >= %(from)s
  AND d.parked_at IS NULL AND (d.not_before IS NULL OR d.not_before <= clock_timestamp())
  AND d.event_id < COALESCE(
        (SELECT min(before.event_id) FROM events_delivery before
         WHERE before.consumer = ANY(%(after)s) AND before.parked_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM events_delivery stuck
            WHERE stuck.consumer = before.consumer AND stuck.subject = before.subject
              AND stuck.event_id < before.event_id AND stuck.parked_at IS NOT NULL)), %(no_event)s)
  AND NOT EXISTS (
        SELECT 1 FROM events_delivery before
        WHERE before.consumer = ANY(%(after)s) AND before.subject = d.subject AND before.event_id <= d.event_id)
  AND (NOT EXISTS (
        SELECT 1 FROM events_delivery held_up
        WHERE held_up.consumer = %(consumer)s AND (held_up.parked_at IS NOT NULL OR held_up.not_before IS NOT NULL))
    OR NOT EXISTS (
        SELECT 1 FROM events_delivery held
        WHERE held.consumer = d.consumer AND held.subject = d.subject AND held.event_id < d.event_id
          AND (held.parked_at IS NOT NULL OR held.not_before > clock_timestamp())))
ORDER BY d.event_id LIMIT %(limit)s
"""
_COLUMNS = (
    "e.id, e.type, e.key, e.subject, e.payload::text, e.occurred_at::text, e.recorded_at::text, d.attempts,"
    " d.retried_at, date_part('epoch', clock_timestamp() - e.recorded_at)"
)
_HEADS = f"SELECT {_COLUMNS} {_CLAIMABLE}"
_CLAIM = f"SELECT {_COLUMNS} {_CLAIMABLE} FOR UPDATE OF d SKIP LOCKED"
_COUNT = f"SELECT type, count(*) FROM (SELECT e.type {_CLAIMABLE}) AS waiting GROUP BY type"  # noqa: S608

# OFFSET 0 keeps the planner from turning the look-ups into one read of all that waits. The ids come out of
# subqueries: of a constant it would estimate, one by one, how often each of ten thousand is there.
_OVERTAKING = """
SELECT d.event_id FROM events_delivery d
WHERE d.consumer = %(consumer)s AND d.event_id = ANY((SELECT %(found)s::bigint[])::bigint[]) AND EXISTS (
    SELECT 1 FROM events_delivery older
    WHERE older.consumer = d.consumer AND older.subject = d.subject AND older.event_id < d.event_id
      AND older.event_id NOT IN (SELECT unnest(%(claimed)s::bigint[])) OFFSET 0)
"""


class ClaimedEvent(NamedTuple):
    """An event as it was recorded: what a delivery reads of it, without the weight of a model."""

    id: int
    type: str
    key: str
    subject: str
    payload: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime

    @property
    def public_id(self) -> str:
        return encode_key("evt", self.id)

    def as_record(self) -> EventRecord:
        return EventRecord(**self._asdict())


RecordedEvent = EventRecord | ClaimedEvent


class Claimed(NamedTuple):
    """An event that this transaction delivers to one consumer."""

    event: ClaimedEvent
    attempts: int
    retried_at: datetime | None
    age_seconds: float


class LowWater:
    """
    The lowest event a consumer may still find, remembered by this process.

    Rows deleted under an old snapshot stay in the index until vacuum; starting behind them keeps the
    claim fast. A margin covers events that take their id early and commit late; every few seconds one
    look starts from the beginning.
    """

    def __init__(self) -> None:
        self._marks: dict[str, int] = {}
        self._looked_at: dict[str, float] = {}

    def mark(self, consumer: str) -> int:
        now = time.monotonic()
        if now - self._looked_at.get(consumer, 0) > settings.DELIVERY_LOW_WATER_RESCAN_SECONDS:
            self._looked_at[consumer] = now
            self._marks[consumer] = 0
        return self._marks.get(consumer, 0)

    def found(self, consumer: str, lowest_id: int) -> None:
        self._marks[consumer] = max(self._marks.get(consumer, 0), lowest_id - settings.DELIVERY_LOW_WATER_MARGIN)

    def forget(self) -> None:
        """Start from the beginning: another database, or a parked event that was put back."""
        self._marks.clear()


low_water = LowWater()


def deliver_due(name: str) -> float | None:
    """
    Deliver what one consumer can hear now; return in how many seconds to look again, None for "when rung".

    Ends its turn after a while, so that no consumer starves the others.
    """
    consumer = get_consumer(name)
    with clock.read_once():
        if consumer.run is not None:
            return consumer.run()
        turn_ends = time.monotonic() + settings.DELIVERY_TURN_SECONDS
        while deliver_batch(consumer):
            if time.monotonic() > turn_ends:
                return 0.0
    return None


def deliver_batch(consumer: Consumer) -> int:
    """
    Deliver one batch; return how many deliveries it settled (heard or parked).

    A transient error puts the batch back with back-off; an unforeseen one does too, and is raised.
    """
    claimed: Sequence[Claimed] = ()
    try:
        with no_garbage_collection(), transaction.atomic():
            claimed = _batch_of(claim(consumer, settings.DELIVERY_BATCH_MAX))
            heard, parked = _hear(consumer, [delivery.event.as_record() for delivery in claimed])
            finish(consumer.name, [event.id for event in heard])
            park(consumer.name, parked)
            return len(heard) + len(parked)
    except TRANSIENT as error:
        put_back(consumer.name, [delivery.event.id for delivery in claimed], error)
        return 0
    except Exception as error:
        put_back(consumer.name, [delivery.event.id for delivery in claimed], error)
        raise


def heads(consumer: Consumer, limit: int) -> list[Claimed]:
    """Return what could be claimed now, oldest first, without locking anything."""
    return _read(_HEADS, _asked(consumer, limit))


def count_heads(consumer: Consumer, limit: int) -> dict[str, int]:
    """Count what could be claimed now, by event type, up to a limit in all."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, _asked(consumer, limit))
        return dict(cursor.fetchall())


def claim(consumer: Consumer, limit: int) -> list[Claimed]:
    """Lock up to `limit` deliveries, oldest first, and return those that overtake nobody."""
    return Claim(consumer).more(limit)


class Claim:
    """What one transaction claims of one consumer's deliveries, piece by piece, oldest first."""

    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self.event_ids: list[int] = []
        self._behind_id = 0
        self._all_found = False

    def more(self, limit: int) -> list[Claimed]:
        """
        Lock up to `limit` further deliveries, and return those that overtake nobody.

        Lock, then look: a row that another worker holds was skipped, and only the next statement's
        snapshot shows whether it is still there.
        """
        if self._all_found or limit < 1:
            return []
        found = _read(_CLAIM, _asked(self.consumer, limit, behind_id=self._behind_id))
        self._all_found = len(found) < limit
        if not found:
            return []
        if not self._behind_id:
            low_water.found(self.consumer.name, found[0].event.id)
        self._behind_id = found[-1].event.id
        overtaking = self._overtaking([delivery.event.id for delivery in found])
        claimed = [delivery for delivery in found if delivery.event.id not in overtaking] if overtaking else found
        self.event_ids += [delivery.event.id for delivery in claimed]
        return claimed

    def _overtaking(self, found_ids: list[int]) -> set[int]:
        parameters = {
            "consumer": self.consumer.name,
            "found": plain_array(found_ids),
            "claimed": plain_array(self.event_ids + found_ids),
        }
        with connection.cursor() as cursor:
            cursor.execute(_OVERTAKING, parameters)
            return {event_id for (event_id,) in cursor.fetchall()}


def _asked(consumer: Consumer, limit: int, *, behind_id: int = 0) -> dict[str, Any]:
    return {
        "consumer": consumer.name,
        "from": max(low_water.mark(consumer.name), behind_id + 1),
        "after": list(consumer.after),
        "no_event": _BIGINT_MAX,
        "limit": limit,
    }


def _read(statement: str, parameters: dict[str, Any]) -> list[Claimed]:
    """
    A raw cursor gives jsonb as text; all payloads are parsed in one go, which costs half.

    Moments come as text too: the driver would take seven times as long over each.
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
    payloads = json.loads(f"[{','.join([row[4] for row in rows])}]")
    moment = datetime.fromisoformat
    return [
        Claimed(ClaimedEvent(id_, type_, key, subject, payload, moment(at), moment(recorded)), attempts, retried, age)
        for (id_, type_, key, subject, _text, at, recorded, attempts, retried, age), payload in zip(
            rows, payloads, strict=True
        )
    ]


def _batch_of(claimed: Sequence[Claimed]) -> Sequence[Claimed]:
    """A delivery that failed before goes alone, so that it takes no others down with it again."""
    for place, delivery in enumerate(claimed):
        if delivery.attempts:
            return claimed[: max(place, 1)]
    return claimed


def _hear(
    consumer: Consumer, events: Sequence[EventRecord]
) -> tuple[list[EventRecord], list[tuple[EventRecord, Exception]]]:
    """
    Let the consumer hear a batch; a refusal halves it until the culprit is alone.

    Returns what was heard and what is to be parked; what stands behind a culprit in its subject is neither.
    """
    if not events:
        return [], []
    assert consumer.handle is not None
    try:
        with transaction.atomic():
            consumer.handle(events)
        return list(events), []
    except PERMANENT as error:
        if len(events) == 1:
            return [], [(events[0], error)]
    middle = len(events) // 2
    heard, parked = _hear(consumer, events[:middle])
    held_up = {event.subject for event, _error in parked}
    late_heard, late_parked = _hear(consumer, [event for event in events[middle:] if event.subject not in held_up])
    return heard + late_heard, parked + late_parked


def finish(name: str, event_ids: Sequence[int]) -> None:
    """Delete deliveries, in the transaction of what the consumer did with them."""
    if event_ids:
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM events_delivery WHERE consumer = %s AND event_id = ANY((SELECT %s::bigint[])::bigint[])",
                [name, plain_array(event_ids)],
            )


def park(name: str, refused: Sequence[tuple[RecordedEvent, Exception]]) -> None:
    """Set impossible deliveries aside, loudly; each holds back the later ones of its subject."""
    if not refused:
        return
    rows = [(event.id, str(getattr(error, "code", type(error).__name__))[:60], str(error)) for event, error in refused]
    for (event, _error), (_id, code, detail) in zip(refused, rows, strict=True):
        log.error("delivery_parked", consumer=name, event_id=event.public_id, type=event.type, code=code, detail=detail)
    event_ids, codes, details = zip(*rows, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE events_delivery d SET parked_at = clock_timestamp(), error_code = r.code, error_detail = r.detail
            FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS r(event_id, code, detail)
            WHERE d.consumer = %s AND d.event_id = r.event_id
            """,
            [list(event_ids), list(codes), list(details), name],
        )


def put_back(name: str, event_ids: Sequence[int], error: Exception) -> None:
    """After a rollback: count the attempt and wait longer each time."""
    if not event_ids:
        return
    log.warning("delivery_put_back", consumer=name, deliveries=len(event_ids), error=str(error))
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()  # The error may be that it was lost.
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE events_delivery SET attempts = least(attempts + 1, 1000), error_detail = %(error)s,
                not_before = clock_timestamp()
                    + make_interval(secs => least(%(first)s * power(2, least(attempts, 20)), %(most)s))
            WHERE consumer = %(consumer)s AND event_id = ANY(%(ids)s)
            """,
            {
                "consumer": name,
                "ids": list(event_ids),
                "error": f"{type(error).__name__}: {error}",
                "first": settings.DELIVERY_BACKOFF_SECONDS,
                "most": settings.DELIVERY_BACKOFF_SECONDS_MAX,
            },
        )


def retry_parked(name: str, event_id: int) -> bool:
    """Put a parked delivery back in its place; return whether there was one."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE events_delivery SET parked_at = NULL, not_before = NULL, attempts = 0, retried_at = %s,
                error_code = '', error_detail = ''
            WHERE consumer = %s AND event_id = %s AND parked_at IS NOT NULL
            """,
            [clock.now(), name, event_id],
        )
        found = cursor.rowcount == 1
    low_water.forget()
    return found
