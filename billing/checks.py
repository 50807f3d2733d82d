"""Billing's checks of the books: no money event is lost between the outbox and the ledger."""

from collections.abc import Iterator
from typing import Any

from django.db import connection

from billing.booking import BILLING
from billing.types import all_types
from core.ids import encode_key
from core.registry import Finding, register_book_check
from core.walk import key_ranges

_LOST = """
SELECT e.id, e.type FROM events_eventrecord e
WHERE e.id BETWEEN %(first)s AND %(last)s AND e.type = ANY(%(types)s)
  AND NOT EXISTS (SELECT 1 FROM ledger_journal j WHERE j.event_id = e.id)
  AND NOT EXISTS (SELECT 1 FROM events_delivery d WHERE d.consumer = %(billing)s AND d.event_id = e.id)
"""

_FORGOTTEN_HOLDS = """
SELECT h.id, h.key FROM ledger_hold h
WHERE h.id BETWEEN %(first)s AND %(last)s AND h.expires_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM events_eventrecord e JOIN events_delivery d ON d.event_id = e.id AND d.consumer = %(billing)s
    WHERE e.key = h.key)
"""


def register() -> None:
    """Hand the checks to `verify_books`."""
    register_book_check("billing: every money event is booked or waits", check_no_event_lost)
    register_book_check("billing: every hold is named by an event that waits", check_holds_named)


def check_no_event_lost() -> Iterator[Finding]:
    parameters: dict[str, Any] = {"types": list(all_types()), "billing": BILLING}
    for id_, type_ in _walk(_LOST, "events_eventrecord", parameters):
        yield Finding("lost events", encode_key("evt", id_), f"{type_} has neither a journal nor a delivery")


def check_holds_named() -> Iterator[Finding]:
    for id_, key in _walk(_FORGOTTEN_HOLDS, "ledger_hold", {"billing": BILLING}):
        yield Finding("forgotten holds", f"hold {id_}", f"no event with the key {key} waits at billing")


def _walk(statement: str, table: str, parameters: dict[str, Any]) -> Iterator[tuple[int, str]]:
    for first, last in key_ranges(table):
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters | {"first": first, "last": last})
            rows = cursor.fetchall()
        yield from rows
