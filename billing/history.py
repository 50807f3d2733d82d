"""
The events of the past with the journals that stand for them now, in ranges of their ids.

Each range is two short statements, so no snapshot grows old, and only one range is in memory. What a
range of events finds never changes but by corrections, since events and journals are written once.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from billing.booking import draft_by
from billing.corrections import Legs
from billing.errors import NoRule
from billing.event_types import TypeSpec
from billing.rules import CompiledRuleSet
from billing.subjects import EXTERNAL
from billing.types import all_types
from billing.versions import compiled
from core.errors import Refusal
from events.models import EventRecord
from ledger.models import LEG_BITS, LEGS_MAX
from ledger.posting import JournalDraft


@dataclass(frozen=True, slots=True)
class Standing:
    """The journal that stands for an event: its own, or the last one that a repair booked in its place."""

    journal_id: int
    rule_set_id: int
    rule: str
    legs: Legs


@dataclass(frozen=True, slots=True)
class Past:
    """
    One event of the past; `standing` is None where it is not booked, or was taken back.

    `root`: the event that this one takes back, and `root_rule_set_id` the version that stands for that.
    """

    event: EventRecord
    standing: Standing | None
    waits: bool
    root: EventRecord | None = None
    root_rule_set_id: int | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """Events that happened from `since` on and before `until`, by the house's clock."""

    since: datetime
    until: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment < self.until


_EVENTS = """
SELECT e.id, e.type, e.key, e.subject, e.payload::text, e.occurred_at, e.recorded_at,
       root.id, root.type, root.key, root.subject, root.payload::text, root.occurred_at, root.recorded_at,
       root_j.rule_set_id, j.event_id, j.rule_set_id, j.rule,
       j.event_id IS NULL AND EXISTS (
           SELECT FROM events_delivery d WHERE d.consumer = 'billing' AND d.event_id = e.id)
FROM events_eventrecord e
LEFT JOIN events_eventrecord root ON root.key = e.payload ->> 'undoes'
LEFT JOIN LATERAL (
    SELECT r.event_id FROM billing_rebooking r WHERE r.stands_for_id = e.id ORDER BY r.event_id DESC LIMIT 1
) again ON true
LEFT JOIN ledger_journal j ON j.event_id = COALESCE(again.event_id, e.id)
    AND NOT EXISTS (SELECT FROM ledger_journal back WHERE back.reverses_id = j.event_id)
LEFT JOIN LATERAL (
    SELECT r.event_id FROM billing_rebooking r WHERE r.stands_for_id = root.id ORDER BY r.event_id DESC LIMIT 1
) root_again ON true
LEFT JOIN ledger_journal root_j ON root_j.event_id = COALESCE(root_again.event_id, root.id)
    AND NOT EXISTS (SELECT FROM ledger_journal back WHERE back.reverses_id = root_j.event_id)
WHERE {which} AND e.type = ANY(%(types)s)
ORDER BY e.id
"""
_IN_RANGE = """
e.id BETWEEN %(first)s AND %(last)s AND (
    (e.occurred_at >= %(since)s AND e.occurred_at < %(until)s)
    OR (root.occurred_at >= %(since)s AND root.occurred_at < %(until)s))
"""
_OF_SUBJECTS = "e.subject = ANY(%(subjects)s) AND e.payload ->> 'undoes' = ANY(%(keys)s)"
_BY_ID = "e.id = ANY(%(ids)s)"

# The limit is never reached; it keeps the planner from joining all transfers to all journals.
_LEGS = f"""
SELECT journal.id, d.code, c.code, t.amount_minor
FROM unnest(%s::bigint[]) AS journal(id)
CROSS JOIN LATERAL (
    SELECT * FROM ledger_transfer leg
    WHERE leg.id >= journal.id << {LEG_BITS} AND leg.id < (journal.id + 1) << {LEG_BITS}
    ORDER BY leg.id LIMIT {LEGS_MAX}
) t
JOIN ledger_ledgeraccount d ON d.id = t.debit_id JOIN ledger_ledgeraccount c ON c.id = t.credit_id
ORDER BY t.id
"""  # noqa: S608 - numbers of ours


def event_ids() -> tuple[int, int]:
    """Return the lowest and the highest event there is; (0, -1) where there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(min(id), 0), COALESCE(max(id), -1) FROM events_eventrecord")
        return cursor.fetchone()


def booked_types() -> dict[str, TypeSpec]:
    """Return the types that rules book: corrections of the book are no history of their own."""
    return {name: spec for name, spec in all_types().items() if not spec.corrects}


def past_events(first: int, last: int, period: Period) -> list[Past]:
    """
    Return the money events of a range of ids that a period reaches, oldest first.

    What takes back an event of the period is reached by it, whenever that happened.
    """
    return _read(_IN_RANGE, first=first, last=last, since=period.since, until=period.until)


def events_by_id(ids: Sequence[int]) -> list[Past]:
    """Return these events as they stand now."""
    return _read(_BY_ID, ids=list(ids))


def undone_by(roots: Sequence[EventRecord]) -> list[Past]:
    """
    Return what takes these events back, in whole or in part; it is of the same subject.

    Nothing takes back what came from outside, and a subject from there may have millions of events.
    """
    subjects = sorted({root.subject for root in roots if not root.subject.startswith(EXTERNAL)})
    return _read(_OF_SUBJECTS, subjects=subjects, keys=[root.key for root in roots])


def journal_by(rules: CompiledRuleSet, past: Past, period: Period) -> JournalDraft:
    """
    Decide the journal of an event as if these rules had been in force in the period.

    What takes another event back follows that one: by these rules where that one is of the period, and
    else by the version that booked it.

    :raises Refusal: it cannot be booked.
    """
    if past.root is None:
        return draft_by(rules, past.event)
    if past.root.occurred_at in period:
        draft_by(rules, past.root)  # What cannot be booked cannot be taken back either.
        return draft_by(rules, past.event)
    if past.root_rule_set_id is None:
        raise NoRule(f"The event it takes back, {past.root.key}, is not booked.")
    return draft_by(compiled(past.root_rule_set_id), past.event)


def refusal_reason(rules: CompiledRuleSet, past: Past, period: Period) -> tuple[JournalDraft | None, str]:
    """Return the journal, or why there is none: the code of the refusal; a draft may also name unknown parties."""
    try:
        return journal_by(rules, past, period), ""
    except Refusal as refusal:
        return None, refusal.code
    except KeyError:
        return None, "unknown_party"


def same_legs(one: Legs, other: Legs) -> bool:
    """Whether two journals move the same money; in which order their legs stand does not matter."""
    return list(one) == list(other) or sorted(one) == sorted(other)


def _read(which: str, **parameters: Any) -> list[Past]:
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS.format(which=which), {"types": list(booked_types()), **parameters})
        rows = cursor.fetchall()
    legs = legs_of_journals([row[15] for row in rows if row[15] is not None])
    return [_past(row, legs) for row in rows]


def _past(row: Sequence[Any], legs: Mapping[int, Legs]) -> Past:
    journal_id, rule_set_id, rule, waits = row[15:]
    return Past(
        event=_event(*row[:7]),
        standing=None if journal_id is None else Standing(journal_id, rule_set_id, rule, legs.get(journal_id, ())),
        waits=waits,
        root=None if row[7] is None else _event(*row[7:14]),
        root_rule_set_id=row[14],
    )


def _event(id_: int, type_: str, key: str, subject: str, payload: str, *times: datetime) -> EventRecord:
    return EventRecord(
        id=id_,
        type=type_,
        key=key,
        subject=subject,
        payload=json.loads(payload),
        occurred_at=times[0],
        recorded_at=times[1],
    )


def legs_of_journals(journal_ids: Sequence[int]) -> dict[int, list[tuple[str, str, int]]]:
    """Return the legs of journals as they are booked, by the journal's id."""
    legs: dict[int, list[tuple[str, str, int]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_LEGS, [list(journal_ids)])
        for journal_id, debit, credit, minor in cursor.fetchall():
            legs.setdefault(journal_id, []).append((debit, credit, minor))
    return legs


def id_ranges(first: int, last: int, width: int) -> Iterator[tuple[int, int]]:
    """Cut a range of ids into ranges of a bounded width."""
    for begin in range(first, last + 1, width):
        yield begin, min(begin + width - 1, last)
