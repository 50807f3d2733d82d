"""
The book's own checks, run by `manage.py verify_books`: everything that is stored twice must agree,
and everything that is referred to must be there. Each walks in ranges of a key, one short query each.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.db import connection

from core.ids import encode_key
from core.registry import Finding, register_book_check
from core.walk import key_ranges
from ledger.models import LEG_BITS

_COUNTERS = """
SELECT a.code || ' ' || a.currency,
       format('counters %%s/%%s, movements sum to %%s/%%s, last movement says %%s/%%s', a.debits_minor, a.credits_minor,
              summed.debits, summed.credits, last.debits_after_minor, last.credits_after_minor)
FROM ledger_ledgeraccount a
LEFT JOIN LATERAL (
    SELECT COALESCE(sum(debits_minor), 0) AS debits, COALESCE(sum(credits_minor), 0) AS credits
    FROM ledger_movement m WHERE m.account_id = a.id
) summed ON true
LEFT JOIN LATERAL (
    SELECT debits_after_minor, credits_after_minor FROM ledger_movement m
    WHERE m.account_id = a.id ORDER BY m.booked_at DESC, m.id DESC LIMIT 1
) last ON true
WHERE a.id BETWEEN %(first)s AND %(last)s
  AND (a.debits_minor, a.credits_minor) IS DISTINCT FROM (summed.debits, summed.credits)
   OR a.id BETWEEN %(first)s AND %(last)s
  AND (a.debits_minor, a.credits_minor)
      IS DISTINCT FROM (COALESCE(last.debits_after_minor, 0), COALESCE(last.credits_after_minor, 0))
"""

_HELD = """
SELECT a.code || ' ' || a.currency, format('held %%s, its holds sum to %%s', a.held_minor, COALESCE(h.total, 0))
FROM ledger_ledgeraccount a
LEFT JOIN (SELECT account_id, sum(amount_minor) AS total FROM ledger_hold
           WHERE account_id BETWEEN %(first)s AND %(last)s GROUP BY account_id) h ON h.account_id = a.id
WHERE a.id BETWEEN %(first)s AND %(last)s AND a.held_minor <> COALESCE(h.total, 0)
"""

_MOVEMENTS = """
WITH booked AS (
    SELECT batch_id, account_id, sum(debit) AS debits, sum(credit) AS credits,
           min(effective_at) AS earliest, max(effective_at) AS latest
    FROM (
        SELECT t.batch_id, t.debit_id AS account_id, t.amount_minor AS debit, 0 AS credit, j.effective_at
        FROM ledger_transfer t JOIN ledger_journal j ON j.event_id = t.id >> 8
        WHERE t.batch_id BETWEEN %(first)s AND %(last)s
        UNION ALL
        SELECT t.batch_id, t.credit_id, 0, t.amount_minor, j.effective_at
        FROM ledger_transfer t JOIN ledger_journal j ON j.event_id = t.id >> 8
        WHERE t.batch_id BETWEEN %(first)s AND %(last)s
    ) legs GROUP BY batch_id, account_id
), moved AS (
    SELECT * FROM ledger_movement WHERE batch_id BETWEEN %(first)s AND %(last)s
)
SELECT COALESCE(booked.batch_id, moved.batch_id), format('account %%s: transfers %%s/%%s, movement %%s/%%s',
       COALESCE(booked.account_id, moved.account_id), booked.debits, booked.credits,
       moved.debits_minor, moved.credits_minor)
FROM booked FULL JOIN moved USING (batch_id, account_id)
WHERE (booked.debits, booked.credits, booked.earliest, booked.latest)
      IS DISTINCT FROM (moved.debits_minor, moved.credits_minor, moved.effective_min, moved.effective_max)
"""

_RUNNING = """
SELECT batch_id, format('account %%s: %%s/%%s after it, its movements up to then sum to %%s/%%s', account_id,
                        debits_after_minor, credits_after_minor, debits_then, credits_then)
FROM (
    SELECT m.*, sum(debits_minor) OVER up_to AS debits_then, sum(credits_minor) OVER up_to AS credits_then
    FROM ledger_movement m WHERE m.account_id BETWEEN %(first)s AND %(last)s
    WINDOW up_to AS (PARTITION BY account_id ORDER BY booked_at, id)
) walked
WHERE (debits_after_minor, credits_after_minor) IS DISTINCT FROM (debits_then, credits_then)
"""

_BATCHES = """
SELECT b.id, format('says %%s events, %%s transfers, %%s accounts; has %%s, %%s, %%s', b.events_count,
                    b.transfers_count, b.accounts_count, j.n, t.n, m.n)
FROM ledger_batch b
LEFT JOIN LATERAL (SELECT count(*) AS n FROM ledger_journal WHERE batch_id = b.id) j ON true
LEFT JOIN (SELECT batch_id, count(*) AS n FROM ledger_transfer
           WHERE batch_id BETWEEN %(first)s AND %(last)s GROUP BY batch_id) t ON t.batch_id = b.id
LEFT JOIN LATERAL (
    SELECT count(*) AS n FROM ledger_movement WHERE batch_id = b.id AND booked_at = b.booked_at
) m ON true
WHERE b.id BETWEEN %(first)s AND %(last)s
  AND (b.events_count, b.transfers_count, b.accounts_count) IS DISTINCT FROM (j.n, COALESCE(t.n, 0), m.n)
"""

_JOURNALS = """
SELECT j.event_id, concat_ws(', ',
    CASE WHEN e.id IS NULL THEN 'its event is missing' END,
    CASE WHEN b.id IS NULL THEN 'its batch is missing' END,
    CASE WHEN e.occurred_at <> j.effective_at THEN 'effective at another time than its event' END,
    CASE WHEN d.id IS NOT NULL THEN 'still waits at billing' END)
FROM ledger_journal j
LEFT JOIN events_eventrecord e ON e.id = j.event_id
LEFT JOIN ledger_batch b ON b.id = j.batch_id
LEFT JOIN events_delivery d ON d.consumer = 'billing' AND d.event_id = j.event_id
WHERE j.event_id BETWEEN %(first)s AND %(last)s
  AND (e.id IS NULL OR b.id IS NULL OR d.id IS NOT NULL OR e.occurred_at <> j.effective_at)
"""

_TRANSFERS = """
SELECT t.id, concat_ws(', ',
    CASE WHEN j.event_id IS NULL THEN 'its journal is missing' END,
    CASE WHEN j.batch_id <> t.batch_id THEN 'booked in another batch than its journal' END,
    CASE WHEN d.id IS NULL OR c.id IS NULL THEN 'an account is missing' END,
    CASE WHEN d.currency <> t.currency OR c.currency <> t.currency THEN 'of another currency than its accounts' END)
FROM ledger_transfer t
LEFT JOIN ledger_journal j ON j.event_id = t.id >> 8
LEFT JOIN ledger_ledgeraccount d ON d.id = t.debit_id
LEFT JOIN ledger_ledgeraccount c ON c.id = t.credit_id
WHERE t.id BETWEEN %(first)s AND %(last)s
  AND (j.event_id IS NULL OR j.batch_id <> t.batch_id OR d.id IS NULL OR c.id IS NULL
       OR d.currency <> t.currency OR c.currency <> t.currency)
"""


def register() -> None:
    """Hand the checks to `verify_books`."""
    register_book_check("ledger: counters are the sum of movements", check_counters)
    register_book_check("ledger: held is the sum of holds", check_held)
    register_book_check("ledger: movements are the sum of transfers", check_movements)
    register_book_check("ledger: running totals add up", check_running_totals)
    register_book_check("ledger: batches have what they say", check_batches)
    register_book_check("ledger: journals have their event and batch", check_journals)
    register_book_check("ledger: transfers have their journal and accounts", check_transfers)
    register_book_check("ledger: debits equal credits in each currency", check_difference)


def check_counters() -> Iterator[Finding]:
    return _walk("counters", _COUNTERS, "ledger_ledgeraccount", "id")


def check_held() -> Iterator[Finding]:
    return _walk("held", _HELD, "ledger_ledgeraccount", "id")


def check_movements() -> Iterator[Finding]:
    return _walk("movements", _MOVEMENTS, "ledger_batch", "id", prefix="bat", width=settings.CHECK_BATCHES_AT_ONCE)


def check_running_totals() -> Iterator[Finding]:
    width = settings.CHECK_BATCHES_AT_ONCE
    return _walk("running totals", _RUNNING, "ledger_ledgeraccount", "id", prefix="bat", width=width)


def check_batches() -> Iterator[Finding]:
    return _walk("batches", _BATCHES, "ledger_batch", "id", prefix="bat", width=settings.CHECK_BATCHES_AT_ONCE)


def check_journals() -> Iterator[Finding]:
    return _walk("journals", _JOURNALS, "ledger_journal", "event_id", prefix="jrn")


def check_transfers() -> Iterator[Finding]:
    width = settings.CHECK_ROWS_AT_ONCE << LEG_BITS
    return _walk("transfers", _TRANSFERS, "ledger_transfer", "id", prefix="trf", width=width)


def check_difference() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT currency, sum(credits_minor) - sum(debits_minor) FROM ledger_ledgeraccount
            GROUP BY currency HAVING sum(credits_minor) <> sum(debits_minor)
            """
        )
        for currency, difference in cursor.fetchall():
            yield Finding("difference", currency, f"credits less debits is {difference}")


def _walk(
    check: str, statement: str, table: str, key: str, *, prefix: str | None = None, width: int | None = None
) -> Iterator[Finding]:
    """Run a statement over ranges of a key; each range is a query of its own, so no snapshot grows old."""
    for first, last in key_ranges(table, key, width=width):
        for subject, detail in _rows(statement, {"first": first, "last": last}):
            yield Finding(check, encode_key(prefix, subject) if prefix else subject, detail)


def _rows(statement: str, parameters: dict[str, Any]) -> Sequence[tuple[Any, str]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()
