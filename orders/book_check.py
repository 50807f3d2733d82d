"""
The identities of orders, looked at from outside: by key ranges, each in a statement of its own.

At every state: what is paid is the seller's part and the fee; refunds, their lines and the order's own
counters agree; of every line, seller and platform gave back exactly their parts.
"""

from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection

from core.registry import Finding
from core.walk import key_ranges
from orders.models import OrderLine

CHECK = "orders"
KEYS_AT_ONCE = 50_000

_ORDERS = """
WITH chunk AS (
    SELECT * FROM orders_order WHERE id BETWEEN %(first)s AND %(last)s
), line AS (
    SELECT order_id, sum(amount_minor) AS amount, sum(fee_minor) AS fee, sum(refunded_minor) AS refunded
    FROM orders_orderline WHERE order_id BETWEEN %(first)s AND %(last)s GROUP BY order_id
), refund AS (
    SELECT order_id, sum(amount_minor) AS amount
    FROM orders_refund WHERE order_id BETWEEN %(first)s AND %(last)s GROUP BY order_id
), part AS (
    SELECT line.order_id, sum(part.amount_minor) AS amount, sum(part.fee_minor) AS fee
    FROM orders_refundline part JOIN orders_orderline line ON line.id = part.line_id
    WHERE line.order_id BETWEEN %(first)s AND %(last)s GROUP BY line.order_id
), earned AS (
    -- What sharers have of the seller's part, and what they gave back to it for good, was taken from it before.
    SELECT e."order", sum(e.original_minor) FILTER (WHERE e.kind = 'sale' AND e.part = '') AS original,
           sum(e.reversed_minor) FILTER (WHERE e.kind = 'sale' AND e.part = '')
               - COALESCE(sum(e.original_minor - e.reversed_minor) FILTER (WHERE e.kind = 'share' OR e.part <> ''), 0)
               AS reversed
    FROM wallets_earning e JOIN chunk ON chunk.public_id = e."order" WHERE e.kind IN ('sale', 'share')
    GROUP BY e."order"
)
SELECT chunk.public_id, identity.name, identity.expected, identity.found
FROM chunk
LEFT JOIN line ON line.order_id = chunk.id
LEFT JOIN refund ON refund.order_id = chunk.id
LEFT JOIN part ON part.order_id = chunk.id
LEFT JOIN earned ON earned."order" = chunk.public_id
CROSS JOIN LATERAL (VALUES
    ('total is the sum of its lines', chunk.total_minor, coalesce(line.amount, 0)),
    ('fee is the sum of its lines'' fees', chunk.fee_minor, coalesce(line.fee, 0)),
    ('refunded is the sum over its lines', chunk.refunded_minor, coalesce(line.refunded, 0)),
    ('refunded is the sum of its refunds', chunk.refunded_minor, coalesce(refund.amount, 0)),
    ('refunded is the sum of its refunds'' lines', chunk.refunded_minor, coalesce(part.amount, 0)),
    ('fee given back is the sum over its refunds'' lines', chunk.fee_refunded_minor, coalesce(part.fee, 0)),
    ('paid is the seller''s part and the fee', chunk.paid_minor,
     CASE WHEN chunk.paid_minor > 0 THEN coalesce(earned.original, 0) + chunk.fee_minor
          ELSE coalesce(earned.original, 0) END),
    ('refunded is what seller and platform gave back', chunk.refunded_minor,
     coalesce(earned.reversed, 0) + chunk.fee_refunded_minor)
) AS identity(name, expected, found)
WHERE identity.expected <> identity.found
ORDER BY chunk.id
"""

_REFUNDS = """
SELECT refund.public_id, 'amount is the sum of its lines', refund.amount_minor, coalesce(sum(part.amount_minor), 0)
FROM orders_refund refund LEFT JOIN orders_refundline part ON part.refund_id = refund.id
WHERE refund.order_id BETWEEN %(first)s AND %(last)s
GROUP BY refund.id HAVING refund.amount_minor <> coalesce(sum(part.amount_minor), 0)
"""

# The first of two parties has its share of all that is refunded, rounded down (`split_cumulative`).
_LINES = """
WITH given AS (
    SELECT line.id, line.refunded_minor, coalesce(sum(part.amount_minor), 0) AS amount,
           div(line.refunded_minor::numeric * line.fee_minor, line.amount_minor) AS right_fee,
           coalesce(sum(part.fee_minor), 0) AS fee
    FROM orders_orderline line LEFT JOIN orders_refundline part ON part.line_id = line.id
    WHERE line.order_id BETWEEN %(first)s AND %(last)s AND (line.refunded_minor > 0 OR part.id IS NOT NULL)
    GROUP BY line.id
)
SELECT given.id, identity.name, identity.expected, identity.found
FROM given CROSS JOIN LATERAL (VALUES
    ('refunded is the sum of its refunds', given.refunded_minor, given.amount),
    ('the fee''s part of its refunds', given.right_fee, given.fee)
) AS identity(name, expected, found)
WHERE identity.expected <> identity.found
ORDER BY given.id
"""

# Who brought a line got what the line says, and its room knows of all that was refunded of it.
_SHARED = """
WITH given AS (
    SELECT line.id, line.amount_minor - line.fee_minor AS net, (line.share_terms ->> 'charge')::bigint AS charge,
           line.refunded_minor - div(line.refunded_minor::numeric * line.fee_minor, line.amount_minor) AS refunded,
           won.net_minor, won.promised_minor, won.refunded_net_minor
    FROM orders_orderline line LEFT JOIN sharing_wonline won ON won.line = line.id
    WHERE line.order_id BETWEEN %(first)s AND %(last)s AND (line.share_terms IS NOT NULL OR won.line IS NOT NULL)
)
SELECT given.id, identity.name, identity.expected, identity.found
FROM given CROSS JOIN LATERAL (VALUES
    ('net is what sharing cuts', given.net, given.net_minor),
    ('charge is what the sharer was promised', given.charge, given.promised_minor),
    ('refunded of the net is what sharing knows of', given.refunded, given.refunded_net_minor)
) AS identity(name, expected, found)
WHERE identity.expected IS DISTINCT FROM identity.found
ORDER BY given.id
"""

_CHECKOUTS = """
SELECT checkout.public_id, 'total is the sum of its orders', checkout.total_minor, coalesce(sum(o.total_minor), 0)
FROM orders_checkout checkout LEFT JOIN orders_order o ON o.checkout_id = checkout.id
WHERE checkout.id BETWEEN %(first)s AND %(last)s
GROUP BY checkout.id HAVING checkout.total_minor <> coalesce(sum(o.total_minor), 0)
"""


def check_orders() -> Iterator[Finding]:
    """Yield every order, line, refund and checkout that does not add up."""
    for first, last in key_ranges("orders_order", width=KEYS_AT_ONCE):
        yield from _found_by(_ORDERS, first, last)
        yield from _found_by(_REFUNDS, first, last)
        yield from _found_by(_LINES, first, last, name_of=OrderLine.public_id_of)
        yield from _found_by(_SHARED, first, last, name_of=OrderLine.public_id_of)
    for first, last in key_ranges("orders_checkout", width=KEYS_AT_ONCE):
        yield from _found_by(_CHECKOUTS, first, last)


def _found_by(statement: str, first: int, last: int, *, name_of: Callable[[Any], str] = str) -> Iterator[Finding]:
    """Run one statement over a range of keys; `name_of` makes a public id of what it calls the subject."""
    with connection.cursor() as cursor:
        cursor.execute(statement, {"first": first, "last": last})
        rows = cursor.fetchall()
    for subject, name, expected, found in rows:
        yield Finding(CHECK, name_of(subject), f"{name}: {expected}, and not {found}")
