"""
The book's own checks, run by `manage.py verify_books`: everything that is stored twice must agree,
and everything that is referred to must be there. Each walks in ranges of a key, one short query each.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.db import connection

from core.registry import Finding, register_book_check
from core.walk import key_ranges, tell, walked_since
from ledger.codes import must_cover, must_owe
from ledger.models import LATE_AFTER, LEG_BITS, TRANSFERS_OF_JOURNAL
from ledger.row_names import row_name

# Every statement returns rows of (table, key, what is wrong with that row).

_COUNTERS = """
SELECT 'ledger_ledgeraccount', a.code || ' ' || a.currency,
       CASE WHEN last.id IS NULL THEN format('no movement, and counters %%s/%%s', a.debits_minor, a.credits_minor)
       ELSE format('counters %%s/%%s until %%s, its last movement (%%s) says %%s/%%s until %%s', a.debits_minor,
                   a.credits_minor, a.effective_latest, last.id, last.debits_after_minor, last.credits_after_minor,
                   last.effective_latest_after) END
FROM ledger_ledgeraccount a
LEFT JOIN LATERAL (
    SELECT id, debits_after_minor, credits_after_minor, effective_latest_after FROM ledger_movement m
    WHERE m.account_id = a.id ORDER BY m.booked_at DESC, m.id DESC LIMIT 1
) last ON true
WHERE a.id BETWEEN %(first)s AND %(last)s AND (a.debits_minor, a.credits_minor, a.effective_latest)
      IS DISTINCT FROM (last.debits_after_minor, last.credits_after_minor, last.effective_latest_after)
"""

_ACCOUNTS = """
SELECT code, currency, must_cover, must_owe FROM ledger_ledgeraccount WHERE id BETWEEN %(first)s AND %(last)s
"""

_HELD = """
SELECT 'ledger_ledgeraccount', a.code || ' ' || a.currency,
       format('held %%s, its holds sum to %%s', a.held_minor, COALESCE(h.total, 0))
FROM ledger_ledgeraccount a
LEFT JOIN (SELECT account_id, sum(amount_minor) AS total FROM ledger_hold
           WHERE account_id BETWEEN %(first)s AND %(last)s GROUP BY account_id) h ON h.account_id = a.id
WHERE a.id BETWEEN %(first)s AND %(last)s AND a.held_minor <> COALESCE(h.total, 0)
"""

_RUNNING = """
SELECT 'ledger_movement', m.id, concat_ws(', ',
    CASE WHEN a.id IS NULL THEN format('its account %%s is missing', m.account_id) END,
    CASE WHEN b.id IS NULL THEN 'its batch is missing' END,
    CASE WHEN b.booked_at <> m.booked_at THEN 'booked at another time than its batch' END,
    CASE WHEN before.id > m.id THEN 'booked before an older one' END,
    CASE WHEN (m.debits_after_minor, m.credits_after_minor) IS DISTINCT FROM (m.debits_minor
              + COALESCE(before.debits_after_minor, 0), m.credits_minor + COALESCE(before.credits_after_minor, 0))
         THEN format('%%s/%%s after %%s/%%s and %%s/%%s', m.debits_after_minor, m.credits_after_minor,
                     COALESCE(before.debits_after_minor, 0), COALESCE(before.credits_after_minor, 0),
                     m.debits_minor, m.credits_minor) END,
    CASE WHEN m.effective_latest_after <> GREATEST(m.effective_max, before.effective_latest_after)
         THEN 'the account''s latest time is another' END,
    CASE WHEN m.late <> (m.effective_latest_after - m.effective_min > %(late_after)s)
         THEN 'late, or not, against its times' END)
FROM ledger_movement m
LEFT JOIN ledger_ledgeraccount a ON a.id = m.account_id
LEFT JOIN ledger_batch b ON b.id = m.batch_id
LEFT JOIN LATERAL (
    SELECT id, debits_after_minor, credits_after_minor, effective_latest_after FROM ledger_movement p
    WHERE p.account_id = m.account_id AND (p.booked_at, p.id) < (m.booked_at, m.id)
    ORDER BY p.booked_at DESC, p.id DESC LIMIT 1
) before ON true
WHERE m.id BETWEEN %(first)s AND %(last)s AND (
    a.id IS NULL OR b.booked_at IS DISTINCT FROM m.booked_at OR before.id > m.id
    OR m.debits_after_minor <> m.debits_minor + COALESCE(before.debits_after_minor, 0)
    OR m.credits_after_minor <> m.credits_minor + COALESCE(before.credits_after_minor, 0)
    OR m.effective_latest_after <> GREATEST(m.effective_max, before.effective_latest_after)
    OR m.late <> (m.effective_latest_after - m.effective_min > %(late_after)s))
"""

_MOVEMENTS = f"""
WITH leg AS MATERIALIZED (
    SELECT j.batch_id, t.debit_id, t.credit_id, t.amount_minor, j.effective_at
    FROM ledger_journal j {TRANSFERS_OF_JOURNAL} t ON true
    WHERE j.batch_id BETWEEN %(first)s AND %(last)s
), booked AS (
    SELECT batch_id, account_id, sum(debit) AS debits, sum(credit) AS credits,
           min(effective_at) AS earliest, max(effective_at) AS latest
    FROM (SELECT batch_id, debit_id AS account_id, amount_minor AS debit, 0 AS credit, effective_at FROM leg
          UNION ALL SELECT batch_id, credit_id, 0, amount_minor, effective_at FROM leg) sides
    GROUP BY batch_id, account_id
), moved AS (
    SELECT * FROM ledger_movement WHERE batch_id BETWEEN %(first)s AND %(last)s
)
SELECT 'ledger_movement',
       COALESCE(moved.id::text, format('of account %%s in batch %%s', booked.account_id, booked.batch_id)),
       CASE WHEN moved.id IS NULL THEN format('missing; its transfers are %%s/%%s', booked.debits, booked.credits)
       ELSE format('%%s/%%s from %%s to %%s; its transfers are %%s/%%s from %%s to %%s', moved.debits_minor,
              moved.credits_minor, moved.effective_min, moved.effective_max,
              booked.debits, booked.credits, booked.earliest, booked.latest) END
FROM booked FULL JOIN moved USING (batch_id, account_id)
WHERE (booked.debits, booked.credits, booked.earliest, booked.latest)
      IS DISTINCT FROM (moved.debits_minor, moved.credits_minor, moved.effective_min, moved.effective_max)
"""  # noqa: S608 - a join of ours

_LEGS = f"""
WITH leg AS MATERIALIZED (
    SELECT j.batch_id, t.debit_id, t.credit_id, t.id
    FROM ledger_journal j {TRANSFERS_OF_JOURNAL} t ON true
    WHERE j.batch_id BETWEEN %(first)s AND %(last)s
), booked AS (
    SELECT batch_id, account_id, array_agg(id ORDER BY id) AS transfer_ids
    FROM (SELECT batch_id, debit_id AS account_id, id FROM leg UNION ALL SELECT batch_id, credit_id, id FROM leg) sides
    GROUP BY batch_id, account_id
), listed AS (
    SELECT * FROM ledger_movementlegs WHERE batch_id BETWEEN %(first)s AND %(last)s
)
SELECT 'ledger_movementlegs', format('of account %%s in batch %%s', account_id, batch_id),
       format('lists %%s transfers, there are %%s, or others', COALESCE(cardinality(listed.transfer_ids), 0),
              COALESCE(cardinality(booked.transfer_ids), 0))
FROM booked FULL JOIN listed USING (batch_id, account_id)
WHERE booked.transfer_ids IS DISTINCT FROM listed.transfer_ids
"""  # noqa: S608 - a join of ours

_BATCHES = """
SELECT 'ledger_batch', b.id, format('says %%s events, %%s transfers, %%s accounts; has %%s, %%s, %%s', b.events_count,
                    b.transfers_count, b.accounts_count, j.journals, j.transfers, m.n)
FROM ledger_batch b
LEFT JOIN LATERAL (
    SELECT count(*) AS journals, COALESCE(sum(t.n), 0) AS transfers FROM ledger_journal j
    LEFT JOIN LATERAL (SELECT count(*) AS n FROM ledger_transfer
                       WHERE id >= j.event_id << 8 AND id < (j.event_id + 1) << 8) t ON true
    WHERE j.batch_id = b.id
) j ON true
LEFT JOIN LATERAL (SELECT count(*) AS n FROM ledger_movement WHERE batch_id = b.id) m ON true
WHERE b.id BETWEEN %(first)s AND %(last)s AND (b.events_count = 0
  OR (b.events_count, b.transfers_count, b.accounts_count) IS DISTINCT FROM (j.journals, j.transfers, m.n))
"""

_JOURNALS = """
SELECT wrong.* FROM ledger_journal j
LEFT JOIN events_eventrecord e ON e.id = j.event_id
LEFT JOIN ledger_batch b ON b.id = j.batch_id
LEFT JOIN events_delivery d ON d.consumer = 'billing' AND d.event_id = j.event_id
LEFT JOIN ledger_journal taken_back ON taken_back.event_id = j.reverses_id
CROSS JOIN LATERAL (VALUES
    ('events_eventrecord', j.event_id, CASE WHEN e.id IS NULL THEN 'missing; it has a journal' END),
    ('ledger_batch', j.batch_id, CASE WHEN b.id IS NULL THEN 'missing; journals are in it' END),
    ('ledger_journal', j.event_id, NULLIF(concat_ws(', ',
        CASE WHEN e.occurred_at <> j.effective_at THEN 'effective at another time than its event' END,
        CASE WHEN d.id IS NOT NULL THEN 'its event still waits at billing' END,
        CASE WHEN j.reverses_id IS NOT NULL AND taken_back.event_id IS NULL THEN 'takes back a journal that is missing'
             WHEN j.reverses_id >= j.event_id THEN 'takes back a journal that is younger' END), ''))
) AS wrong(named, key, what)
WHERE j.event_id BETWEEN %(first)s AND %(last)s AND wrong.what IS NOT NULL
  AND (e.id IS NULL OR b.id IS NULL OR d.id IS NOT NULL OR e.occurred_at <> j.effective_at OR j.reverses_id IS NOT NULL)
"""

_TRANSFERS = """
SELECT wrong.* FROM ledger_transfer t
LEFT JOIN ledger_journal j ON j.event_id = t.id >> 8
LEFT JOIN ledger_ledgeraccount d ON d.id = t.debit_id
LEFT JOIN ledger_ledgeraccount c ON c.id = t.credit_id
CROSS JOIN LATERAL (VALUES
    ('ledger_journal', t.id >> 8, CASE WHEN j.event_id IS NULL THEN 'missing; it has transfers' END),
    ('ledger_ledgeraccount', t.debit_id, CASE WHEN d.id IS NULL THEN 'missing; transfers debit it' END),
    ('ledger_ledgeraccount', t.credit_id, CASE WHEN c.id IS NULL THEN 'missing; transfers credit it' END),
    ('ledger_transfer', t.id, NULLIF(concat_ws(', ',
        CASE WHEN j.event_id IS NULL THEN 'its journal is missing' END,
        CASE WHEN j.batch_id <> t.batch_id THEN 'booked in another batch than its journal' END,
        CASE WHEN d.id IS NULL THEN format('debits account %%s, which is missing', t.debit_id) END,
        CASE WHEN c.id IS NULL THEN format('credits account %%s, which is missing', t.credit_id) END,
        CASE WHEN d.currency <> t.currency OR c.currency <> t.currency
             THEN 'of another currency than its accounts' END), ''))
) AS wrong(named, key, what)
WHERE t.id BETWEEN %(first)s AND %(last)s AND wrong.what IS NOT NULL
  AND (j.event_id IS NULL OR d.id IS NULL OR c.id IS NULL OR j.batch_id <> t.batch_id
       OR d.currency <> t.currency OR c.currency <> t.currency)
"""

# The lowest keys of what was booked from a moment on.
_FLOORS = {
    "ledger_batch": "SELECT min(id) FROM ledger_batch WHERE booked_at >= %s",
    "ledger_movement": """
        SELECT min(m.id) FROM ledger_batch b JOIN ledger_movement m ON m.batch_id = b.id WHERE b.booked_at >= %s""",
    "ledger_journal": """
        SELECT min(j.event_id) FROM ledger_batch b JOIN ledger_journal j ON j.batch_id = b.id
        WHERE b.booked_at >= %s""",
    "ledger_transfer": """
        SELECT min(j.event_id) << 8 FROM ledger_batch b JOIN ledger_journal j ON j.batch_id = b.id
        WHERE b.booked_at >= %s""",
}
_KEY_MAX = 2**63 - 1


def register() -> None:
    """Hand the checks to `verify_books`."""
    register_book_check("ledger: counters are those of the last movement", check_counters)
    register_book_check("ledger: accounts cover or owe as their codes say", check_guards)
    register_book_check("ledger: held is the sum of holds", check_held)
    register_book_check("ledger: movements are the sum of transfers", check_movements)
    register_book_check("ledger: movements list their transfers", check_legs)
    register_book_check("ledger: running totals add up", check_running_totals)
    register_book_check("ledger: batches have what they say", check_batches)
    register_book_check("ledger: journals have their event and batch", check_journals)
    register_book_check("ledger: transfers have their journal and accounts", check_transfers)
    register_book_check("ledger: debits equal credits in each currency", check_difference)


def check_counters() -> Iterator[Finding]:
    return _walk("counters", _COUNTERS, "ledger_ledgeraccount", "id")


def check_guards() -> Iterator[Finding]:
    """What an account must keep to follows from its code."""
    for first, last in key_ranges("ledger_ledgeraccount"):
        for code, currency, covers, owes in _rows(_ACCOUNTS, {"first": first, "last": last}):
            if (covers, owes) != (must_cover(code), must_owe(code)):
                detail = f"must_cover {covers}, must_owe {owes}: its code says otherwise"
                yield Finding("guards", row_name("ledger_ledgeraccount", f"{code} {currency}"), detail)


def check_held() -> Iterator[Finding]:
    return _walk("held", _HELD, "ledger_ledgeraccount", "id")


def check_movements() -> Iterator[Finding]:
    return _walk_batches("movements", _MOVEMENTS)


def check_legs() -> Iterator[Finding]:
    return _walk_batches("legs", _LEGS)


def check_running_totals() -> Iterator[Finding]:
    return _walk("running totals", _RUNNING, "ledger_movement", "id")


def check_batches() -> Iterator[Finding]:
    return _walk_batches("batches", _BATCHES)


def check_journals() -> Iterator[Finding]:
    return _walk("journals", _JOURNALS, "ledger_journal", "event_id")


def check_transfers() -> Iterator[Finding]:
    width = settings.CHECK_ROWS_AT_ONCE << LEG_BITS
    return _walk("transfers", _TRANSFERS, "ledger_transfer", "id", width=width)


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


def booked_key_ranges(table: str, key: str, *, width: int | None = None) -> Iterator[tuple[int, int]]:
    """Ranges of a key of booked rows: of all, or of those booked since the moment that is asked for."""
    return key_ranges(table, key, width=width, lowest_key=_floor(table))


def batch_ranges() -> Iterator[tuple[int, int]]:
    """Ranges of batches that have rows enough for one query, by what they say; of all or of those since then."""
    lowest = _floor("ledger_batch") or 0
    first, rows, done = lowest, 0, 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_batch WHERE id >= %s", [lowest])
        total = cursor.fetchone()[0]
    while page := _next_sizes(first):
        last = first
        for id_, size in page:
            if rows and rows + size > settings.CHECK_ROWS_AT_ONCE:
                break
            last, rows, done = id_, rows + size, done + 1
        yield first, last
        tell(done, total)
        first, rows = last + 1, 0


def _next_sizes(first: int) -> Sequence[tuple[int, int]]:
    statement = """
        SELECT id, events_count + transfers_count + accounts_count FROM ledger_batch WHERE id >= %(first)s
        ORDER BY id LIMIT 1000
    """
    return _rows(statement, {"first": first})


def _floor(table: str) -> int | None:
    """The lowest key of what was booked since the moment that is asked for; None where all is."""
    since = walked_since()
    if since is None or table not in _FLOORS:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_FLOORS[table], [since])
        found = cursor.fetchone()[0]
    return _KEY_MAX if found is None else found


def _walk_batches(check: str, statement: str) -> Iterator[Finding]:
    for first, last in batch_ranges():
        yield from _found(check, statement, first, last)


def _walk(check: str, statement: str, table: str, key: str, *, width: int | None = None) -> Iterator[Finding]:
    """Run a statement over ranges of a key; each range is a query of its own, so no snapshot grows old."""
    for first, last in booked_key_ranges(table, key, width=width):
        yield from _found(check, statement, first, last)


def _found(check: str, statement: str, first: int, last: int) -> Iterator[Finding]:
    for table, key, detail in _rows(statement, {"first": first, "last": last, "late_after": LATE_AFTER}):
        yield Finding(check, row_name(table, key), detail)


def _rows(statement: str, parameters: dict[str, Any]) -> Sequence[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()
