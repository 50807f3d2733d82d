"""
Booking again, on paper: from each journal's event, and the version and rule that it pins, follow its transfers.

The same functions decide here and at the booking, so that whatever was booked otherwise, or changed since, is found.
"""

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from billing.booking import draft_by
from billing.corrections import draft_correction
from billing.events import CORRECTIONS
from billing.models import RuleSet
from billing.rules import CompiledRuleSet
from billing.versions import Timeline, compile_rule_set, timeline, versions_ever
from core.errors import Refusal
from core.registry import Finding
from events.models import EventRecord
from ledger.checks import booked_key_ranges
from ledger.models import LEG_BITS
from ledger.posting import JournalDraft
from ledger.row_names import row_name

CHECK = "derivation"
DRAFT = RuleSet.Status.DRAFT

_BOOKED = """
SELECT e.id, e.type, e.key, e.subject, e.payload::text, e.occurred_at, j.rule_set_id, j.rule, j.reverses_id,
       j.effective_at
FROM ledger_journal j JOIN events_eventrecord e ON e.id = j.event_id
WHERE j.event_id BETWEEN %(first)s AND %(last)s ORDER BY j.event_id
"""

# Read after the journals: by then all of theirs are there.
_LEGS = """
SELECT t.id, d.code, c.code, t.amount_minor, t.currency
FROM ledger_transfer t
LEFT JOIN ledger_ledgeraccount d ON d.id = t.debit_id LEFT JOIN ledger_ledgeraccount c ON c.id = t.credit_id
WHERE t.id >= %(first)s::bigint << 8 AND t.id < (%(last)s::bigint + 1) << 8
"""

Leg = Sequence[Any]  # debit code, credit code, minor units, currency


@dataclass(frozen=True, slots=True)
class Booked:
    """A journal as it stands in the book, and its event."""

    event: EventRecord
    rule_set_id: int
    rule: str
    reverses_id: int | None
    effective_at: datetime
    legs: Mapping[int, Leg]

    @property
    def corrects(self) -> bool:
        return self.event.type in CORRECTIONS

    @property
    def name(self) -> str:
        return row_name("ledger_journal", self.event.pk)


def check_derivation() -> Iterator[Finding]:
    """Decide every journal again, by the version that it pins, and compare it leg by leg."""
    at_work = timeline()
    versions = {rule_set.pk: compile_rule_set(rule_set) for rule_set in RuleSet.objects.exclude(status=DRAFT)}
    for first, last in booked_key_ranges("ledger_journal", "event_id"):
        journals = _read(first, last)
        undone = versions_ever(key for one in journals if (key := one.event.payload.get("undoes")))
        for booked in journals:
            version = versions.get(booked.rule_set_id)
            if version is None:
                detail = f"missing, or a draft; {booked.name} pins it"
                yield Finding(CHECK, f"billing_ruleset {booked.rule_set_id}", detail)
            else:
                yield from _compare(booked, version, at_work, undone)


def _read(first: int, last: int) -> list[Booked]:
    keys = {"first": first, "last": last}
    with connection.cursor() as cursor:
        cursor.execute(_BOOKED, keys)
        journals = cursor.fetchall()
        cursor.execute(_LEGS, keys)
        legs: dict[int, dict[int, Leg]] = defaultdict(dict)
        for id_, *leg in cursor.fetchall():
            legs[id_ >> LEG_BITS][id_] = leg
    return [_booked(row, legs.get(row[0], {})) for row in journals]


def _booked(row: Sequence[Any], legs: Mapping[int, Leg]) -> Booked:
    id_, type_, key, subject, payload, occurred_at, rule_set_id, rule, reverses_id, effective_at = row
    event = EventRecord(
        id=id_, type=type_, key=key, subject=subject, payload=json.loads(payload), occurred_at=occurred_at
    )
    return Booked(event, rule_set_id, rule, reverses_id, effective_at, legs)


def _compare(
    booked: Booked, version: CompiledRuleSet, at_work: Timeline, undone: Mapping[str, frozenset[int]]
) -> Iterator[Finding]:
    try:
        draft = draft_correction(booked.event) if booked.corrects else draft_by(version, booked.event)
    except (Refusal, LookupError, TypeError, ValueError) as impossible:  # A payload or document that was changed.
        detail = f"its version books no such event: {type(impossible).__name__} {impossible}"
        yield Finding(CHECK, booked.name, detail)
        return
    wrong = [*_what_differs(booked, draft)]
    if not booked.corrects and not _may_pin(booked, at_work, undone):
        wrong.append("pinned is a version that was not in force")
    if wrong:
        yield Finding(CHECK, booked.name, ", ".join(wrong))
    yield from _compare_legs(booked, draft)


def _what_differs(booked: Booked, draft: JournalDraft) -> Iterator[str]:
    if booked.rule_set_id != draft.rule_set_id:
        yield f"pins version {booked.rule_set_id}, its event says {draft.rule_set_id}"
    if booked.rule != draft.rule:
        yield f"names the rule {booked.rule}, its version takes {draft.rule}"
    if booked.reverses_id != draft.reverses_id:
        yield f"takes back {booked.reverses_id}, its event says {draft.reverses_id}"
    if booked.effective_at != draft.effective_at:
        yield "effective at another time than its event"


def _may_pin(booked: Booked, at_work: Timeline, undone: Mapping[str, frozenset[int]]) -> bool:
    """
    Whether the version is the one in force when it happened, or a later one, or one that ever booked what it undoes.

    A later one is in force where a parked event was tried again by hand; the time of that is not kept.
    """
    key = booked.event.payload.get("undoes")
    if key is not None:
        return booked.rule_set_id in undone.get(key, ())
    place = bisect_right(at_work.moments, booked.event.occurred_at)
    return booked.rule_set_id in at_work.ids[max(place - 1, 0) :]


def _compare_legs(booked: Booked, draft: JournalDraft) -> Iterator[Finding]:
    decided: dict[int, Leg] = {
        booked.event.pk << LEG_BITS | leg: [*transfer, draft.currency] for leg, transfer in enumerate(draft.transfers)
    }
    for id_ in sorted({*decided, *booked.legs}):
        right, found = decided.get(id_), booked.legs.get(id_)
        if found is None:
            yield Finding(CHECK, row_name("ledger_transfer", id_), f"missing; its rule books {_written(right)}")
        elif right is None:
            yield Finding(CHECK, row_name("ledger_transfer", id_), f"{_written(found)}, which no rule books")
        elif list(found) != list(right):
            yield Finding(
                CHECK, row_name("ledger_transfer", id_), f"{_written(found)}; its rule books {_written(right)}"
            )


def _written(leg: Leg | None) -> str:
    debit, credit, minor, currency = leg or ("", "", 0, "")
    return f"{debit} → {credit} {minor} {currency}"
