"""What each seller sold at each store, by day: a roll-up over the book, and what is read from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import connection

from ledger.rollups import JOURNALS_OF_STRETCH, Stretch, register_rollup

SALES = "sales"

_KEEP = """
INSERT INTO orders_salesday AS kept (day, seller_id, store_id, currency, paid_minor, refunded_minor)
{found}
ON CONFLICT (day, currency, seller_id, store_id) DO UPDATE
SET paid_minor = kept.paid_minor + EXCLUDED.paid_minor,
    refunded_minor = kept.refunded_minor + EXCLUDED.refunded_minor
"""

_ADD = _KEEP.format(
    found=f"""
    WITH heard AS MATERIALIZED (
        SELECT e.type, e.subject, e.payload ->> 'refund' AS refund,
               (j.effective_at AT TIME ZONE 'UTC')::date AS day
        FROM {JOURNALS_OF_STRETCH} JOIN events_eventrecord e ON e.id = j.event_id
        WHERE e.type IN ('order.paid', 'order.refunded')
    ), moved AS (
        SELECT heard.day, l.order_id, l.store_id, l.amount_minor AS paid_minor, 0 AS refunded_minor
        FROM heard JOIN orders_order o ON o.public_id = heard.subject JOIN orders_orderline l ON l.order_id = o.id
        WHERE heard.type = 'order.paid'
        UNION ALL
        SELECT heard.day, l.order_id, l.store_id, 0, given.amount_minor
        FROM heard JOIN orders_refund r ON r.public_id = heard.refund
        JOIN orders_refundline given ON given.refund_id = r.id JOIN orders_orderline l ON l.id = given.line_id
        WHERE heard.type = 'order.refunded'
    )
    SELECT moved.day, o.seller_id, moved.store_id, o.currency, sum(moved.paid_minor), sum(moved.refunded_minor)
    FROM moved JOIN orders_order o ON o.id = moved.order_id GROUP BY 1, 2, 3, 4
    """  # noqa: S608 - SQL of our own
)

# Of the currency that is asked for, or else of the one that the most of them sold in.
_RANKED = """
WITH sold AS MATERIALIZED ({sold}), chosen AS (
    SELECT currency FROM sold GROUP BY currency ORDER BY currency = %(currency)s DESC, count(*) DESC, currency LIMIT 1
)
SELECT sold.key, {label}, sold.currency, sold.paid_minor, sold.refunded_minor,
       (SELECT as_of FROM ledger_rollupmark WHERE name = %(rollup)s),
       (SELECT array_agg(DISTINCT currency ORDER BY currency) FROM sold)
FROM chosen JOIN sold USING (currency) {joined}
ORDER BY sold.paid_minor - sold.refunded_minor DESC, sold.key LIMIT %(ranked)s
"""

_TOP_SELLERS = _RANKED.format(
    sold="""
    SELECT seller_id AS key, currency, sum(paid_minor)::bigint AS paid_minor,
           sum(refunded_minor)::bigint AS refunded_minor
    FROM orders_salesday WHERE day BETWEEN %(first)s AND %(last)s GROUP BY 1, 2
    """,
    label="a.name",
    joined="JOIN accounts_account a ON a.id = sold.key",
)

# Sales count for the area where the store stands now.
_TOP_AREAS = _RANKED.format(
    sold="""
    SELECT p.area_id AS key, s.currency, sum(s.paid_minor)::bigint AS paid_minor,
           sum(s.refunded_minor)::bigint AS refunded_minor
    FROM (
        SELECT store_id, currency, sum(paid_minor) AS paid_minor, sum(refunded_minor) AS refunded_minor
        FROM orders_salesday WHERE day BETWEEN %(first)s AND %(last)s AND store_id IS NOT NULL GROUP BY 1, 2
    ) s
    JOIN distribution_placement p ON p.store_id = s.store_id AND p.until_at IS NULL AND NOT p.is_waiting
    GROUP BY 1, 2
    """,
    label="a.name",
    joined="JOIN distribution_area a ON a.id = sold.key",
)


@dataclass(frozen=True, slots=True)
class Sold:
    """What somebody sold, or what was sold somewhere, in one currency."""

    key: int
    name: str
    paid_minor: int
    refunded_minor: int

    @property
    def net_minor(self) -> int:
        return self.paid_minor - self.refunded_minor


@dataclass(frozen=True, slots=True)
class Ranking:
    """The first ones by what was paid less what was given back; all that was booked until `as_of` is in it."""

    rows: Sequence[Sold]
    currency: str = ""
    currencies: Sequence[str] = ()
    as_of: datetime | None = None


def register() -> None:
    """Keep the roll-up."""
    register_rollup(SALES, _add)


def _add(stretch: Stretch) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ADD, stretch)


def top_sellers(*, first: date, last: date, currency: str = "") -> Ranking:
    """Return who sold the most from one day to another, both included; keys are the accounts'."""
    return _ranked(_TOP_SELLERS, first, last, currency)


def top_areas(*, first: date, last: date, currency: str = "") -> Ranking:
    """Return where the most was sold, by where each store stands now; keys are the areas'."""
    return _ranked(_TOP_AREAS, first, last, currency)


def _ranked(statement: str, first: date, last: date, currency: str) -> Ranking:
    asked: dict[str, Any] = {
        "first": first,
        "last": last,
        "currency": currency,
        "rollup": SALES,
        "ranked": settings.COCKPIT_RANKED_MAX,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        found = cursor.fetchall()
    if not found:
        return Ranking([])
    rows = [Sold(key, name, paid, refunded) for key, name, _currency, paid, refunded, _as_of, _all in found]
    return Ranking(rows, currency=found[0][2], currencies=found[0][6], as_of=found[0][5])
