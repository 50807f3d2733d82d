"""Emitting: an event and its deliveries, in the transaction of what caused it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction

from core.arrays import plain_array, text_array
from core.ids import encode_key
from core.prepared import Prepared
from events.consumers import hearers, short_turns_first
from events.delivery import retry_parked
from events.doorbell import ring
from events.errors import EventKeyTaken, OutsideTransaction
from events.types import Event

_INSERT = Prepared(
    "record_events",
    """
    WITH given AS (
        SELECT * FROM unnest(%(types)s::text[], %(keys)s::text[], %(subjects)s::text[], %(payloads)s::text[]::jsonb[],
                             %(times)s::timestamptz[])
                      WITH ORDINALITY AS g(type, key, subject, payload, occurred_at, place)
    ), recorded AS (
        INSERT INTO events_eventrecord (type, key, subject, payload, occurred_at, recorded_at)
        SELECT type, key, subject, payload, occurred_at, clock_timestamp() FROM given ORDER BY place
        RETURNING id, type, key, subject
    ), delivered AS (
        INSERT INTO events_delivery (consumer, event_id, subject)
        SELECT hearer.consumer, recorded.id, recorded.subject
        FROM recorded JOIN unnest(%(heard)s::text[], %(consumers)s::text[]) AS hearer(type, consumer)
             ON hearer.type = recorded.type
    )
    SELECT id, key FROM recorded
    """,
)


@dataclass(frozen=True, slots=True)
class Emitted:
    """An event that is recorded with this transaction."""

    id: int
    key: str

    @property
    def public_id(self) -> str:
        return encode_key("evt", self.id)


@dataclass(frozen=True, slots=True)
class Fact:
    """An event in the form in which it is stored; what `emit` makes of an `Event`."""

    type: str
    key: str
    subject: str
    payload: dict[str, Any]
    occurred_at: datetime

    @classmethod
    def of(cls, event: Event, *, occurred_at: datetime) -> "Fact":
        return cls(event.type, event.key, event.subject, event.payload(), occurred_at)


def emit(event: Event, *, occurred_at: datetime) -> Emitted:
    """
    Record one event and a delivery per consumer, to commit with the caller's transaction.

    Emit the money events of one subject under that subject's row lock, so that ids follow commits.

    :raises OutsideTransaction: there is no transaction to commit with.
    :raises EventKeyTaken: an event of this key is recorded.
    """
    return emit_all([event], occurred_at=occurred_at)[0]


def emit_all(events: Iterable[Event], *, occurred_at: datetime) -> list[Emitted]:
    """Record several events, in the order given, with one statement."""
    return record_facts([Fact.of(event, occurred_at=occurred_at) for event in events])


def record_facts(facts: Sequence[Fact], *, also_heard_by: Sequence[str] = ()) -> list[Emitted]:
    """
    Record facts, in the order given, and ring the doorbell of those who hear them.

    `also_heard_by`: consumers that hear these whatever their type (event types declared at run time).
    """
    connection_ = transaction.get_connection()
    if not connection_.in_atomic_block:
        raise OutsideTransaction("emit() needs the transaction of what caused the event")
    if not facts:
        return []
    heard = [(type_, name) for type_ in {fact.type for fact in facts} for name in {*hearers(type_), *also_heard_by}]
    parameters: dict[str, Any] = {
        "types": text_array(fact.type for fact in facts),
        "keys": text_array(fact.key for fact in facts),
        "subjects": text_array(fact.subject for fact in facts),
        "payloads": text_array(json.dumps(fact.payload, cls=DjangoJSONEncoder) for fact in facts),
        "times": plain_array(fact.occurred_at.isoformat() for fact in facts),
        "heard": text_array(type_ for type_, _name in heard),
        "consumers": text_array(name for _type, name in heard),
    }
    try:
        with transaction.atomic(savepoint=False):
            id_by_key = {key: id_ for id_, key in _INSERT.rows(**parameters)}
    except IntegrityError as twice:
        raise EventKeyTaken from twice
    transaction.on_commit(partial(ring, *short_turns_first(name for _type, name in heard)), robust=True)
    return [Emitted(id_by_key[fact.key], fact.key) for fact in facts]


@transaction.atomic
def retry_deliveries(*, deliveries: Iterable[tuple[str, int]]) -> int:
    """Put parked deliveries (consumer, event id) back in their places and ring; return how many there were."""
    put_back = [name for name, event_id in deliveries if retry_parked(name, event_id)]
    transaction.on_commit(partial(ring, *short_turns_first(put_back)), robust=True)
    return len(put_back)
