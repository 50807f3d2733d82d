"""
The counter's rows, looked at from outside: trades, sequences, pay codes and charges, by ranges of their keys.

A trade and its order are one thing in two tables, and every sequence leads to what came of it. What is forgotten
by design (pay codes after PAY_CODE_RETENTION) is not missed.
"""

from collections.abc import Iterator

from django.db import connection

from core.registry import Finding, register_book_check
from core.walk import key_ranges

KEYS_AT_ONCE = 50_000

# The event under which an order's payment is booked is found by its key, which is unique.
_TRADES = """
SELECT o.public_id, wrong.detail
FROM orders_order o
LEFT JOIN orders_countertrade t ON t.order_id = o.id
LEFT JOIN catalog_store store ON store.id = t.store_id
LEFT JOIN orders_terminal till ON till.id = t.terminal_id
LEFT JOIN events_eventrecord paid ON paid.key = 'order.paid:' || o.public_id
LEFT JOIN orders_tillrequest asked ON asked.terminal_id = t.terminal_id AND asked.sequence = t.sequence
CROSS JOIN LATERAL (VALUES
    (o.channel = 'store' AND t.id IS NULL, 'was sold at the counter, and has no trade'),
    (o.channel <> 'store' AND t.id IS NOT NULL, 'has a trade, and was not sold at the counter'),
    (t.id IS NOT NULL AND (o.store <> store.public_id OR o.terminal <> till.public_id OR till.store_id <> t.store_id),
     'its trade is of another store or till'),
    (t.id IS NOT NULL AND (o.paid_minor > 0) <> (o.status = 'completed'),
     'is paid and not completed, or the other way'),
    (t.id IS NOT NULL AND (o.paid_minor > 0) <> (paid.id IS NOT NULL), 'is paid and says so nowhere, or the other way'),
    (t.id IS NOT NULL AND paid.payload ->> 'gross_minor' <> o.paid_minor::text, 'its payment was of another amount'),
    (t.id IS NOT NULL AND (paid.payload ->> 'store', paid.payload ->> 'terminal') <> (o.store, o.terminal),
     'its payment names another store or till'),
    (t.id IS NOT NULL AND COALESCE(paid.payload ->> 'charged_by', '') <> '' AND NOT EXISTS (
        SELECT FROM wallets_identitycharge c WHERE c."order" = o.public_id AND c.status = 'succeeded'
           AND NOT c.to_wallet AND c.provider = paid.payload ->> 'charged_by'),
     'was paid by a server that was charged nothing'),
    (t.id IS NOT NULL AND asked.id IS NULL, 'its sequence was asked for by nobody'),
    (asked.kind = 'cancelled', 'its sequence was cancelled before anything came of it'),
    (asked.kind <> 'cancelled' AND asked.trade_id IS DISTINCT FROM t.id, 'its sequence belongs to another trade')
) AS wrong(is_so, detail)
WHERE o.id BETWEEN %(first)s AND %(last)s AND wrong.is_so
ORDER BY o.id
"""

_REQUESTS = """
SELECT till.public_id || ':' || asked.sequence, wrong.detail
FROM orders_tillrequest asked
JOIN orders_terminal till ON till.id = asked.terminal_id
LEFT JOIN orders_countertrade t ON t.id = asked.trade_id
LEFT JOIN orders_order o ON o.id = t.order_id
LEFT JOIN orders_refund refund ON refund.id = asked.refund_id
CROSS JOIN LATERAL (SELECT asked.answer::jsonb AS said) AS first
CROSS JOIN LATERAL (VALUES
    (asked.kind = 'trade' AND (t.id IS NULL OR (t.terminal_id, t.sequence) <> (asked.terminal_id, asked.sequence)),
     'made a trade that is not there'),
    (asked.kind = 'trade' AND (said ->> 'trade_no', said ->> 'amount') <> (o.trade_no, o.total_minor::text),
     'was answered with another trade or amount'),
    (asked.kind = 'refund' AND (refund.id IS NULL OR refund.order_id IS DISTINCT FROM o.id),
     'gave back what is not there, or another trade''s'),
    (asked.kind = 'refund' AND (said ->> 'id', said ->> 'amount') <> (refund.public_id, refund.amount_minor::text),
     'was answered with another refund or amount'),
    (asked.kind = 'cancelled' AND said ->> 'result' IS DISTINCT FROM 'not_created', 'was buried with another answer')
) AS wrong(is_so, detail)
WHERE asked.id BETWEEN %(first)s AND %(last)s AND wrong.is_so
ORDER BY asked.id
"""

_CODES = """
SELECT 'pay code ' || c.id, wrong.detail
FROM wallets_paycode c
LEFT JOIN orders_order o ON o.public_id = c.used_for
LEFT JOIN orders_countertrade t ON t.order_id = o.id
CROSS JOIN LATERAL (VALUES
    (t.id IS NULL, 'was tried for a trade that is not there'),
    (c.refusal = '' AND (o.paid_minor = 0 OR o.payer_id <> c.account_id), 'paid a trade that is not paid by its owner'),
    (c.refusal = '' AND t.paid_at_till_by <> 'pay_code', 'paid a trade that was paid in another way')
) AS wrong(is_so, detail)
WHERE c.id BETWEEN %(first)s AND %(last)s AND c.used_for <> '' AND wrong.is_so
ORDER BY c.id
"""

# Codes of one trade may be in any range: those of a month fit into one look.
_CODES_TWICE = """
SELECT used_for, count(*) || ' pay codes have paid it'
FROM wallets_paycode WHERE used_for <> '' AND refusal = '' GROUP BY used_for HAVING count(*) > 1
"""

_CHARGES = """
SELECT c.public_id, wrong.detail
FROM wallets_identitycharge c
LEFT JOIN orders_order o ON o.public_id = c."order"
LEFT JOIN events_eventrecord paid ON paid.key = 'order.paid:' || c."order"
LEFT JOIN events_eventrecord put ON put.key = 'wallet.topped_up:' || c.public_id
CROSS JOIN LATERAL (VALUES
    (o.id IS NULL OR o.trade_no <> c.trade_no, 'is for a trade that is not there'),
    ((o.total_minor, o.currency) <> (c.amount_minor, c.currency), 'is of another amount than its trade'),
    (c.status = 'succeeded' AND NOT c.to_wallet AND (o.paid_minor = 0 OR o.payer_id <> c.owner_id
        OR paid.payload ->> 'charged_by' IS DISTINCT FROM c.provider),
     'has succeeded, and its trade is not paid by it'),
    (c.status = 'succeeded' AND c.to_wallet AND put.payload ->> 'amount_minor' IS DISTINCT FROM c.amount_minor::text,
     'was to go into a wallet, and did not'),
    ((c.status <> 'succeeded' OR NOT c.to_wallet) AND put.id IS NOT NULL, 'is in a wallet that it should not be in'),
    (c.status <> 'in_progress' AND c.next_query_at IS NULL
     AND NOT EXISTS (SELECT FROM wallets_providerattempt a
                     WHERE a.reference = c.public_id AND a.answer IN ('succeeded', 'failed'))
     AND NOT EXISTS (SELECT FROM wallets_webhooknotice n WHERE n.reference = c.public_id AND n.effect = 'finished')
     AND NOT EXISTS (SELECT FROM wallets_providerdecision d
                     WHERE d.reference = c.public_id AND d.decided_at IS NOT NULL),
     'has ended, and nobody has said so')
) AS wrong(is_so, detail)
WHERE c.id BETWEEN %(first)s AND %(last)s AND wrong.is_so
ORDER BY c.id
"""


def register() -> None:
    """Hand the checks to `verify_books`."""
    register_book_check("counter: every trade is its order", check_trades)
    register_book_check("counter: every sequence leads to what came of it", check_requests)
    register_book_check("counter: pay codes had one try", check_codes)
    register_book_check("counter: charges agree with their trades", check_charges)


def check_trades() -> Iterator[Finding]:
    """Orders, and not trades: one without a trade is found as well."""
    yield from _walk("trade", _TRADES, "orders_order")


def check_requests() -> Iterator[Finding]:
    yield from _walk("sequence", _REQUESTS, "orders_tillrequest")


def check_codes() -> Iterator[Finding]:
    yield from _walk("pay code", _CODES, "wallets_paycode")
    with connection.cursor() as cursor:
        cursor.execute(_CODES_TWICE)
        yield from (Finding("pay code", *row) for row in cursor.fetchall())


def check_charges() -> Iterator[Finding]:
    yield from _walk("charge", _CHARGES, "wallets_identitycharge")


def _walk(check: str, statement: str, table: str) -> Iterator[Finding]:
    for first, last in key_ranges(table, width=KEYS_AT_ONCE):
        with connection.cursor() as cursor:
            cursor.execute(statement, {"first": first, "last": last})
            rows = cursor.fetchall()
        for subject, detail in rows:
            yield Finding(check, subject, detail)
