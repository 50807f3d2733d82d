"""Corrections that are not as they must be are found and named."""

import pytest
from django.db import connection

from billing.correction_checks import check_corrections, check_reversals
from billing.models import JournalReversal, Rebooking
from core.ids import encode_key
from ledger.models import Journal
from tests.billing.history import activated, declare_parking, park, parking, since_ever
from tests.billing.test_repairing import findings, repair
from tests.billing.test_reversing import reverse, two  # noqa: F401 - a fixture
from tests.money_facts import book, top_up


@pytest.fixture
def repaired(seller, operator):
    """One event, repaired; its reversal and what was booked in its place."""
    declare_parking()
    since_ever(parking_paid=parking(100))
    paid = park(seller, 1000)
    repair(activated(parking_paid=parking(250)), operator)
    with connection.cursor() as cursor:
        for table in ("billing_rebooking", "events_eventrecord", "ledger_journal", "ledger_transfer"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    return paid, Journal.objects.get(reverses_id=paid.id).event_id, Rebooking.objects.get().event_id


def found() -> set[str]:
    return {finding.subject for check in (check_corrections, check_reversals) for finding in check()}


def change(statement: str, *parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


class TestCorrections:
    def test_right_ones_are_not_found(self, repaired):
        assert found() == set()
        assert findings() == []

    def test_a_reversal_that_gives_back_less(self, repaired):
        _paid, reversal, _again = repaired
        change("UPDATE ledger_transfer SET amount_minor = amount_minor - 1 WHERE id = %s", reversal << 8)

        assert found() == {f"ledger_journal {encode_key('jrn', reversal)}"}

    def test_a_rebooking_that_its_version_does_not_book(self, repaired):
        _paid, _reversal, again = repaired
        change(
            "UPDATE events_eventrecord SET payload = jsonb_set(payload, '{legs,0,amount_minor}', '974') WHERE id = %s",
            again,
        )

        assert found() == {f"ledger_journal {encode_key('jrn', again)}"}

    def test_one_that_stands_for_another_event(self, repaired):
        paid, _reversal, again = repaired
        change("UPDATE billing_rebooking SET stands_for_id = %s WHERE event_id = %s", paid.id + 1, again)

        assert found() >= {f"ledger_journal {encode_key('jrn', again)}"}

    def test_one_that_replaces_what_still_stands(self, repaired):
        _paid, _reversal, again = repaired
        change("UPDATE billing_rebooking SET replaces_id = %s WHERE event_id = %s", again, again)

        assert f"billing_rebooking {again}" in found()

    def test_an_approval_whose_journal_takes_back_something_else(self, seller, two):  # noqa: F811
        came = top_up(seller.public_id, 500)
        book()
        reverse(came.id, two)
        assert found() == set()
        JournalReversal.objects.update(journal_id=came.id + 1)

        assert found() == {f"billing_journalreversal {JournalReversal.objects.get().pk}"}
