"""
Billing's checks of the books: no money event is lost between the outbox and the ledger, holds are those of
events that wait, and versions of the rules follow each other.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from billing.booking import BILLING, draft_by
from billing.correction_checks import check_corrections, check_reversals
from billing.corrections import draft_correction
from billing.derivation import check_derivation
from billing.events import CORRECTIONS
from billing.models import RuleSet
from billing.types import all_types
from billing.versions import Timeline, timeline
from core import clock
from core.errors import Refusal
from core.registry import Finding, register_book_check
from core.walk import key_ranges
from events.models import EventRecord
from ledger.row_names import row_name

_LOST = """
SELECT e.id, e.type FROM events_eventrecord e
WHERE e.id BETWEEN %(first)s AND %(last)s AND e.type = ANY(%(types)s)
  AND NOT EXISTS (SELECT 1 FROM ledger_journal j WHERE j.event_id = e.id)
  AND NOT EXISTS (SELECT 1 FROM events_delivery d WHERE d.consumer = %(billing)s AND d.event_id = e.id)
"""

_HOLDS = """
SELECT h.id, h.key, h.amount_minor, h.expires_at, h.placed_at, a.code, a.currency,
       e.id, e.type, e.payload::text, e.occurred_at, e.recorded_at
FROM ledger_hold h JOIN ledger_ledgeraccount a ON a.id = h.account_id
LEFT JOIN (events_eventrecord e JOIN events_delivery d ON d.event_id = e.id AND d.consumer = %(billing)s)
     ON e.key = h.key
WHERE h.id BETWEEN %(first)s AND %(last)s ORDER BY h.id
"""
_SINCE_EVER = datetime.min.replace(tzinfo=UTC)
HOLD_BEFORE_EVENT_MAX = timedelta(hours=1)  # Both are of one transaction; none lives that long.


def register() -> None:
    """Hand the checks to `verify_books`."""
    register_book_check("billing: every money event is booked or waits", check_no_event_lost)
    register_book_check("billing: every hold is what its event debits", check_holds)
    register_book_check("billing: journals are what their rules book", check_derivation)
    register_book_check("billing: corrections give back what they take back", check_corrections)
    register_book_check("billing: reversals are what was approved", check_reversals)
    register_book_check("billing: versions of the rules follow each other", check_versions)


def check_no_event_lost() -> Iterator[Finding]:
    parameters: dict[str, Any] = {"types": list(all_types()), "billing": BILLING}
    for id_, type_ in _walk(_LOST, "events_eventrecord", parameters):
        yield Finding(
            "lost events", row_name("events_eventrecord", id_), f"{type_} has neither a journal nor a delivery"
        )


def check_holds() -> Iterator[Finding]:
    """A hold that does not expire is named by an event that waits, and is what that event takes from its account."""
    at_work = timeline()
    for row in _walk(_HOLDS, "ledger_hold", {"billing": BILLING}):
        id_, key, minor, expires_at, placed_at, code, currency, *event = row
        name = row_name("ledger_hold", id_)
        if event[0] is None:
            if expires_at is None:
                yield Finding("holds", name, f"no event with the key {key} waits at billing")
            continue
        waiting = _event(*event)
        if id_ not in waiting.payload.get("holds", ()):
            yield Finding("holds", name, f"{waiting.public_id} does not name it")
        if expires_at is not None:
            yield Finding("holds", name, f"expires, although {waiting.public_id} waits for it")
        if not waiting.recorded_at - HOLD_BEFORE_EVENT_MAX < placed_at <= waiting.recorded_at:
            yield Finding("holds", name, f"placed at {placed_at}, its event was recorded at {waiting.recorded_at}")
        debited = _debited(waiting, at_work, code, currency)
        if debited is not None and debited != minor:
            yield Finding("holds", name, f"holds {minor} of {code}; {waiting.public_id} takes {debited} from it")


def _event(id_: int, type_: str, payload: str, occurred_at: datetime, recorded_at: datetime) -> EventRecord:
    return EventRecord(
        id=id_, type=type_, payload=json.loads(payload), occurred_at=occurred_at, recorded_at=recorded_at
    )


def _debited(event: EventRecord, at_work: Timeline, code: str, currency: str) -> int | None:
    """What an event will take from an account; None while it cannot be booked."""
    try:
        draft = draft_correction(event) if event.type in CORRECTIONS else draft_by(at_work.at(event.occurred_at), event)
    except Refusal:
        return None
    return sum(minor for debit, _credit, minor in draft.transfers if (debit, draft.currency) == (code, currency))


def check_versions() -> Iterator[Finding]:
    """One version since ever, the others from their activation or later, and only the last one in force is active."""
    moment = clock.now()
    activated = list(RuleSet.objects.exclude(status=RuleSet.Status.DRAFT).order_by("version"))
    started = [one for one in activated if one.effective_from is None or one.effective_from <= moment]
    in_force = max(started, key=lambda one: (one.effective_from or _SINCE_EVER, one.version), default=None)
    for place, one in enumerate(activated):
        if wrong := _what_is_wrong(one, is_first=place == 0, in_force=in_force):
            yield Finding("versions", f"billing_ruleset {one.public_id}", wrong)


def _what_is_wrong(one: RuleSet, *, is_first: bool, in_force: RuleSet | None) -> str | None:
    if one.effective_from is None and not is_first:
        return "in force since ever, and not the first version"
    if one.effective_from is not None and (one.activated_at is None or one.effective_from < one.activated_at):
        return "in force before its activation"
    if one.status not in (RuleSet.Status.ACTIVE, RuleSet.Status.RETIRED):
        return f"{one.status} is no status"
    if one.status == RuleSet.Status.RETIRED and one == in_force:
        return "retired, and no other version has followed it"
    return None


def _walk(statement: str, table: str, parameters: dict[str, Any]) -> Iterator[tuple]:
    for first, last in key_ranges(table):
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters | {"first": first, "last": last})
            rows = cursor.fetchall()
        yield from rows
