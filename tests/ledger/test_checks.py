"""What is tampered with behind the triggers is found, whichever column it was."""

from collections.abc import Iterable
from typing import Any

import pytest
from django.db import connection

from billing.checks import check_holds, check_no_event_lost
from core.registry import Finding
from ledger import checks
from tests.money_facts import account_id, book, pay, top_up

EVERY_CHECK = (
    checks.check_counters,
    checks.check_held,
    checks.check_movements,
    checks.check_legs,
    checks.check_running_totals,
    checks.check_batches,
    checks.check_journals,
    checks.check_transfers,
    checks.check_difference,
    check_no_event_lost,
    check_holds,
)


def findings() -> list[Finding]:
    found: Iterable[Iterable[Finding]] = [check() for check in EVERY_CHECK]
    return [finding for each in found for finding in each]


def tamper(statement: str) -> None:
    """Change a booked row as somebody with the database's password could."""
    table = statement.split()[2 if statement.startswith("DELETE") else 1]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement)
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.fixture
def books(db: None) -> None:
    payer, seller = account_id(), account_id()
    top_up(payer, 1000)
    top_up(payer, 500, currency="JPY")
    book()
    pay(payer, seller, 300, fee=9)
    book()
    pay(payer, seller, 100, fee=3)


class TestChecks:
    def test_find_nothing_in_sound_books(self, books: None) -> None:
        assert findings() == []

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE ledger_ledgeraccount SET credits_minor = credits_minor + 1 WHERE code = 'platform:fees'",
            "UPDATE ledger_ledgeraccount SET held_minor = held_minor + 1 WHERE code LIKE 'wallet:%'",
            "UPDATE ledger_transfer SET amount_minor = amount_minor + 1",
            "UPDATE ledger_transfer SET debit_id = debit_id + 1000",
            "UPDATE ledger_transfer SET credit_id = debit_id, debit_id = credit_id",
            "UPDATE ledger_transfer SET batch_id = batch_id + 1",
            "UPDATE ledger_transfer SET currency = 'USD'",
            "UPDATE ledger_transfer SET id = id + 256 * 1000",
            "DELETE FROM ledger_transfer",
            "UPDATE ledger_journal SET batch_id = batch_id + 7",
            "UPDATE ledger_journal SET effective_at = effective_at + interval '1 day'",
            "DELETE FROM ledger_journal",
            "UPDATE ledger_movement SET debits_minor = debits_minor + 1",
            "UPDATE ledger_movement SET credits_after_minor = credits_after_minor + 1",
            "UPDATE ledger_movement SET account_id = account_id + 1000",
            "UPDATE ledger_movement SET booked_at = booked_at + interval '1 hour'",
            "UPDATE ledger_movement SET effective_min = effective_min - interval '1 day'",
            "DELETE FROM ledger_movement",
            "UPDATE ledger_movementlegs SET account_id = account_id + 1000",
            "UPDATE ledger_movementlegs SET transfer_ids = transfer_ids[2:]",
            "DELETE FROM ledger_movementlegs",
            "UPDATE ledger_batch SET transfers_count = transfers_count + 1",
            "DELETE FROM ledger_batch",
            "DELETE FROM events_delivery",
            "DELETE FROM ledger_hold",
            "UPDATE ledger_hold SET key = 'nothing'",
            "UPDATE events_eventrecord SET id = id + 100000 WHERE type = 'wallet.topped_up'",
        ],
    )
    def test_find_what_was_changed(self, books: None, statement: str) -> None:
        tamper(statement)

        assert findings() != []

    def test_walk_in_ranges(self, books: None, settings: Any) -> None:
        settings.CHECK_ROWS_AT_ONCE = 1
        assert findings() == []
        tamper("UPDATE ledger_ledgeraccount SET credits_minor = credits_minor + 1 WHERE code = 'platform:fees'")

        assert "ledger_ledgeraccount platform:fees GBP" in [finding.subject for finding in findings()]
