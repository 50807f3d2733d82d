"""
What distribution checks of the books: allocations, the earnings they are, and what is kept in escrow agree.

Every statement looks at one range of keys at one moment, so a check may run beside the living house.
"""

from collections.abc import Iterator

from django.db import connection

from billing.booking import BILLING
from billing.event_types import AGENT_SLOTS
from core.ids import encode_key
from core.registry import Finding, register_book_check
from core.walk import key_ranges

# A part that was given up is the platform's, and yet has its share of what refunds took.
_LINES = """
SELECT line.line, format('says %%s of agents, %%s of people and %%s gone; its allocations say %%s, %%s and at most %%s',
    line.agents_minor, line.referrers_minor + line.merchant_referrer_minor + line.cashback_minor, line.gone_minor,
    COALESCE(sum(a.original_minor) FILTER (WHERE a.role = 'agent'), 0),
    COALESCE(sum(a.original_minor) FILTER (WHERE a.role <> 'agent'), 0), COALESCE(sum(a.reversed_minor), 0))
FROM distribution_allocatedline line LEFT JOIN distribution_allocation a ON a.line_id = line.line
WHERE line.line BETWEEN %(first)s AND %(last)s
GROUP BY line.line
HAVING line.agents_minor <> COALESCE(sum(a.original_minor) FILTER (WHERE a.role = 'agent'), 0)
    OR line.referrers_minor + line.merchant_referrer_minor + line.cashback_minor
       <> COALESCE(sum(a.original_minor) FILTER (WHERE a.role <> 'agent'), 0)
    OR line.gone_minor NOT BETWEEN COALESCE(sum(a.reversed_minor), 0)
                               AND COALESCE(sum(a.reversed_minor), 0) + line.platform_minor
"""

_EARNINGS = """
WITH allocated AS (
    SELECT a."order", a.account_id, a.role, a.earning_part AS part, sum(a.original_minor - a.reversed_minor) AS minor
    FROM distribution_allocation a
    WHERE a.account_id IS NOT NULL AND a."order" IN (
        SELECT l."order" FROM distribution_allocatedline l WHERE l.line BETWEEN %(first)s AND %(last)s)
    GROUP BY 1, 2, 3, 4
), earned AS (
    SELECT e."order", e.owner_id AS account_id, e.role, e.part, e.original_minor - e.reversed_minor AS minor
    FROM wallets_earning e
    WHERE e.kind = 'commission' AND e."order" IN (
        SELECT l."order" FROM distribution_allocatedline l WHERE l.line BETWEEN %(first)s AND %(last)s)
)
SELECT "order", format('%%s of account %%s: allocated %%s, earned %%s', role, account_id, allocated.minor, earned.minor)
FROM allocated FULL JOIN earned USING ("order", account_id, role, part)
WHERE COALESCE(allocated.minor, 0) <> COALESCE(earned.minor, 0)
"""

_ESCROW = """
WITH part AS (
    SELECT a.escrow AS code, l.currency, sum(a.original_minor - a.reversed_minor) AS kept, 0 AS booked, 0 AS waiting
    FROM distribution_allocation a JOIN distribution_allocatedline l ON l.line = a.line_id
    WHERE a.escrow <> '' AND a.escrow_ended_at IS NULL GROUP BY 1, 2
    UNION ALL
    SELECT a.code, a.currency, 0, a.credits_minor - a.debits_minor, 0
    FROM ledger_ledgeraccount a WHERE a.code LIKE 'escrow:%%'
    UNION ALL
    SELECT e.payload ->> slot, e.payload ->> 'currency', 0, 0, (e.payload ->> (slot || '_minor'))::bigint
    FROM events_delivery d JOIN events_eventrecord e ON e.id = d.event_id
    CROSS JOIN unnest(%(slots)s::text[]) AS slot
    WHERE d.consumer = %(billing)s AND e.type = 'commission.escrowed' AND e.payload ? slot
    UNION ALL
    SELECT e.payload ->> 'escrow', e.payload ->> 'currency', 0, 0,
           -(e.payload ->> 'to_owner_minor')::bigint - (e.payload ->> 'to_platform_minor')::bigint
    FROM events_delivery d JOIN events_eventrecord e ON e.id = d.event_id
    WHERE d.consumer = %(billing)s AND e.type = 'commission.escrow_released'
)
SELECT code || ' ' || currency, format('kept are %%s; booked %%s, waiting %%s', sum(kept), sum(booked), sum(waiting))
FROM part GROUP BY code, currency HAVING sum(kept) <> sum(booked) + sum(waiting)
"""


def register() -> None:
    """Hand the checks to `verify_books`."""
    register_book_check("distribution: allocations are their lines' parts", check_lines)
    register_book_check("distribution: allocations are earned", check_earnings)
    register_book_check("distribution: what is kept in escrow is in the ledger", check_escrow)


def check_lines() -> Iterator[Finding]:
    for line, detail in _walk(_LINES):
        yield Finding("allocated lines", encode_key("lin", line), detail)


def check_earnings() -> Iterator[Finding]:
    for order, detail in _walk(_EARNINGS):
        yield Finding("commissions", order, detail)


def check_escrow() -> Iterator[Finding]:
    """As many rows as there are areas that wait for somebody: one look, at one moment."""
    with connection.cursor() as cursor:
        cursor.execute(_ESCROW, {"billing": BILLING, "slots": list(AGENT_SLOTS)})
        rows = cursor.fetchall()
    for code, detail in rows:
        yield Finding("escrow", code, detail)


def _walk(statement: str) -> Iterator[tuple]:
    for first, last in key_ranges("distribution_allocatedline", "line"):
        with connection.cursor() as cursor:
            cursor.execute(statement, {"first": first, "last": last})
            rows = cursor.fetchall()
        yield from rows
