"""
The checks of corrections: each takes back one journal and puts one in its place, so that an event has at
most one journal that is not taken back.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from billing.booking import draft_by
from billing.corrections import Legs, legs_of
from billing.events import CORRECTIONS, REVERSED
from billing.history import legs_of_journals, same_legs
from billing.models import JournalReversal
from billing.versions import compiled
from core.errors import Refusal
from core.ids import decode_key
from core.registry import Finding
from core.walk import key_ranges
from events.models import EventRecord
from ledger.checks import booked_key_ranges
from ledger.codes import debt, must_cover, owner_of
from ledger.models import Journal
from ledger.row_names import row_name

CHECK = "corrections"

_CORRECTIONS = """
SELECT e.id, e.type, e.payload::text, j.reverses_id, j.rule_set_id, here.stands_for_id, here.replaces_id,
       COALESCE(first_place.stands_for_id, first.id), first.type, first.payload::text
FROM ledger_journal j
JOIN events_eventrecord e ON e.id = j.event_id AND e.type = ANY(%(types)s)
LEFT JOIN billing_rebooking here ON here.event_id = j.event_id
LEFT JOIN billing_rebooking first_place ON first_place.event_id = COALESCE(j.reverses_id, here.replaces_id)
LEFT JOIN events_eventrecord first
    ON first.id = COALESCE(first_place.stands_for_id, j.reverses_id, here.replaces_id)
WHERE j.event_id BETWEEN %(first)s AND %(last)s ORDER BY j.event_id
"""

_PLACES = """
SELECT r.event_id, concat_ws(', ',
    CASE WHEN j.event_id IS NULL THEN 'its journal is missing' END,
    CASE WHEN back.event_id IS NULL THEN 'what it replaces is not taken back' END)
FROM billing_rebooking r
LEFT JOIN ledger_journal j ON j.event_id = r.event_id
LEFT JOIN ledger_journal back ON back.reverses_id = r.replaces_id
WHERE r.event_id BETWEEN %(first)s AND %(last)s AND (j.event_id IS NULL OR back.event_id IS NULL)
"""


@dataclass(frozen=True, slots=True)
class _Correction:
    """A correction as it stands in the book, beside the event of the past that it is about."""

    id: int
    type: str
    payload: Mapping[str, Any]
    reverses_id: int | None
    rule_set_id: int
    stands_for_id: int | None
    replaces_id: int | None
    first: EventRecord | None


def check_corrections() -> Iterator[Finding]:
    """Each correction is of the journal and event that it names, and its legs are the right ones."""
    for first, last in booked_key_ranges("ledger_journal", "event_id"):
        found = [_correction(row) for row in _rows(_CORRECTIONS, first, last, types=list(CORRECTIONS))]
        taken_back = {one.reverses_id for one in found if one.reverses_id is not None}
        legs = legs_of_journals(sorted({one.id for one in found} | taken_back))
        for one in found:
            wrong = [*_what_is_wrong(one, legs)]
            if wrong:
                yield Finding(CHECK, row_name("ledger_journal", one.id), ", ".join(wrong))
    for first, last in key_ranges("billing_rebooking", "event_id"):
        for id_, wrong_ in _rows(_PLACES, first, last):
            yield Finding(CHECK, row_name("billing_rebooking", id_), wrong_)


def check_reversals() -> Iterator[Finding]:
    """Each approved wish has the journal that takes back what it asked for."""
    for first, last in key_ranges("billing_journalreversal"):
        for wish in JournalReversal.objects.filter(pk__range=(first, last), approved_at__isnull=False):
            if not Journal.objects.filter(event_id=wish.event_id or 0, reverses_id=wish.journal_id).exists():
                detail = "approved, and its journal is not taken back by what it names"
                yield Finding(CHECK, row_name("billing_journalreversal", wish.pk), detail)


def _what_is_wrong(one: _Correction, legs: Mapping[int, Legs]) -> Iterator[str]:
    if one.first is None:
        yield "corrects a journal that is not there"
        return
    if decode_key("evt", one.payload["event"]) != one.first.pk:
        yield "names another event than the one whose journal it corrects"
    if one.type == REVERSED:
        assert one.reverses_id is not None
        if _by_owner(legs.get(one.id, ()), -1) != _by_owner(legs.get(one.reverses_id, ()), 1):
            yield "does not give back what it takes back"
    elif one.stands_for_id is None:
        yield "stands for no event"
    elif decode_key("jrn", one.payload["journal"]) != one.replaces_id or one.stands_for_id != one.first.pk:
        yield "replaces another journal than its event says"
    elif not _as_its_rules_say(one, one.first):
        yield "is not what its version books for the event that it stands for"


def _by_owner(legs: Legs, sign: int) -> dict[str, int]:
    """What legs do to accounts; an owner's wallet and debt are one: what one cannot give the other owes."""
    changes: Counter[str] = Counter()
    for debit, credit, minor in legs:
        changes[_one_purse(debit)] -= sign * minor
        changes[_one_purse(credit)] += sign * minor
    return {code: minor for code, minor in changes.items() if minor}


def _one_purse(code: str) -> str:
    return debt(owner_of(code)) if must_cover(code) else code


def _as_its_rules_say(one: _Correction, first: EventRecord) -> bool:
    try:
        return same_legs(draft_by(compiled(one.rule_set_id), first).transfers, legs_of(one.payload))
    except (Refusal, LookupError):
        return False


def _correction(row: Sequence[Any]) -> _Correction:
    id_, type_, payload, reverses_id, rule_set_id, stands_for_id, replaces_id, *first = row
    event = EventRecord(id=first[0], type=first[1], payload=json.loads(first[2])) if first[1] else None
    return _Correction(id_, type_, json.loads(payload), reverses_id, rule_set_id, stands_for_id, replaces_id, event)


def _rows(statement: str, first: int, last: int, **more: Any) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"first": first, "last": last, **more})
        return cursor.fetchall()
