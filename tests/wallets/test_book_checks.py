"""What the checks of wallets read of a large book."""

from django.db import connection

from core import clock
from wallets.book_checks import _PENDING

MANY = 20_000


def test_of_a_journal_taken_back_only_its_own_transfers_are_read(operator, seller):
    """A bare range of ids is a good part of the table to the planner, which then reads all of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_transfer (id, batch_id, debit_id, credit_id, amount_minor, currency) "
            "SELECT number << 8, 1, 1, 2, 1, 'GBP' FROM generate_series(1, %s) AS number",
            [MANY],
        )
        cursor.execute(
            "INSERT INTO billing_journalreversal (journal_id, reason, requested_by_id, requested_login_id, "
            "requested_at, approved_by_id, approved_at, event_id) "
            "SELECT number, '', %(by)s, %(by)s, %(now)s, %(by)s, %(now)s, number FROM generate_series(1, 20) AS number",
            {"by": operator.pk, "now": clock.now()},
        )
        cursor.execute("ANALYZE ledger_transfer, billing_journalreversal")
        cursor.execute("EXPLAIN " + _PENDING, {"first": 0, "last": seller.pk, "billing": "billing", "slots": []})
        plan = "\n".join(row for (row,) in cursor.fetchall())

    assert "Index Scan using ledger_transfer_pkey" in plan, plan
    assert "Seq Scan on ledger_transfer" not in plan, plan
