"""
What sharing checks of the books: won lines, the earnings they are, what refunds took, and the budgets agree.

Every statement looks at one range of keys at one moment, so a check may run beside the living house.
"""

from collections.abc import Iterator

from django.db import connection

from core.ids import encode_key
from core.registry import Finding, register_book_check
from core.walk import key_ranges

# What an operator rejected is the seller's, in an earning of its own with the line as its part (`returned`).
_LINES = """
WITH won AS (
    SELECT w.*, CASE w.state WHEN 'charged' THEN w.charged_minor - w.reversed_minor ELSE 0 END AS left_minor,
           CASE w.state WHEN 'rejected' THEN w.charged_minor - w.reversed_minor ELSE 0 END AS returned_minor
    FROM sharing_wonline w WHERE w.line BETWEEN %(first)s AND %(last)s
), found AS (
    SELECT won.line, identity.name, identity.expected, identity.found
    FROM won
    LEFT JOIN wallets_earning earning ON earning.id = won.earning_id
    LEFT JOIN wallets_earning returned
        ON won.state = 'rejected' AND returned."order" = won."order" AND returned.owner_id = won.seller_id
       AND returned.kind = 'sale' AND returned.part = earning.part
    CROSS JOIN LATERAL (VALUES
        ('credited is what was earned', won.credited_minor, COALESCE(earning.original_minor, 0)),
        ('what is left is what is left of the earning', won.left_minor,
         COALESCE(earning.original_minor - earning.reversed_minor, 0)),
        ('what was given back for good is the seller''s', won.returned_minor,
         COALESCE(returned.original_minor - returned.reversed_minor, 0)),
        ('refunds took their part of the charge', won.reversed_minor,
         CASE WHEN won.charged_minor IS NULL THEN 0 WHEN won.net_minor = 0 THEN 0
              ELSE won.refunded_net_minor
                   - div(won.refunded_net_minor::numeric * (won.net_minor - won.charged_minor), won.net_minor) END),
        ('it is held while it says so', (won.held_at IS NOT NULL AND won.decision = '' AND won.left_minor > 0)::int,
         COALESCE(earning.status = 'held', false)::int),
        ('its earning is the sharer''s', won.sharer_id, COALESCE(earning.owner_id, won.sharer_id))
    ) AS identity(name, expected, found)
)
SELECT line, format('%%s: %%s, and not %%s', name, expected, found) FROM found WHERE expected <> found ORDER BY line
"""

_EARNINGS = """
SELECT e.id, format('%%s of %%s is of no line that somebody brought', e.part, e."order")
FROM wallets_earning e
WHERE e.id BETWEEN %(first)s AND %(last)s AND e.kind = 'share'
  AND NOT EXISTS (SELECT FROM sharing_wonline w WHERE w.earning_id = e.id)
"""

_BUDGETS = """
SELECT b.item_id, format('says that %%s are spent, its lines come to %%s', b.spent_minor, COALESCE(spent.minor, 0))
FROM sharing_sharebudget b
LEFT JOIN (
    SELECT w.item_id, sum(w.charged_minor - w.reversed_minor) AS minor FROM sharing_wonline w
    WHERE w.item_id BETWEEN %(first)s AND %(last)s AND w.is_budgeted AND w.state = 'charged' GROUP BY w.item_id
) spent ON spent.item_id = b.item_id
WHERE b.item_id BETWEEN %(first)s AND %(last)s AND b.spent_minor <> COALESCE(spent.minor, 0)
"""


def register() -> None:
    """Hand the checks to `verify_books`."""
    register_book_check("sharing: won lines are earned", check_lines)
    register_book_check("sharing: shares that are earned were won", check_earnings)
    register_book_check("sharing: budgets are what their lines come to", check_budgets)


def check_lines() -> Iterator[Finding]:
    for line, detail in _walk(_LINES, "sharing_wonline", "line"):
        yield Finding("won lines", encode_key("lin", line), detail)


def check_earnings() -> Iterator[Finding]:
    for earning, detail in _walk(_EARNINGS, "wallets_earning", "id"):
        yield Finding("shares", f"earning {earning}", detail)


def check_budgets() -> Iterator[Finding]:
    for item, detail in _walk(_BUDGETS, "sharing_sharebudget", "item_id"):
        yield Finding("share budgets", f"item {item}", detail)


def _walk(statement: str, table: str, key: str) -> Iterator[tuple]:
    for first, last in key_ranges(table, key):
        with connection.cursor() as cursor:
            cursor.execute(statement, {"first": first, "last": last})
            rows = cursor.fetchall()
        yield from rows
