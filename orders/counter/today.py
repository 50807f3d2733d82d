"""The trades at tills of one day by their state, for the operators' first page."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection

from orders.counter.states import TradeStatus

# The same states as `states.status_of`.
_BY_STATE = """
SELECT CASE
           WHEN o.paid_minor > 0 AND o.refunded_minor < o.paid_minor THEN 'paid'
           WHEN o.paid_minor > 0 THEN 'refunded'
           WHEN o.status <> 'pending' OR t.closes_at <= %(now)s THEN 'closed'
           WHEN t.confirming_since IS NOT NULL THEN 'confirming'
           ELSE 'pending'
       END, o.currency, count(*), sum(o.total_minor)::bigint, count(NULLIF(t.refusal, ''))
FROM orders_order o LEFT JOIN orders_countertrade t ON t.order_id = o.id
WHERE o.channel = 'store' AND o.placed_at >= %(since)s AND o.placed_at < %(until)s
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class TradesInState:
    """How many trades of one currency are in a state, what they come to, and how many were refused at least once."""

    status: TradeStatus
    currency: str
    count: int
    total_minor: int
    refused: int


def trades_by_state(now: datetime) -> list[TradesInState]:
    """Return today's trades, the day being UTC's, by state and currency."""
    since = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(_BY_STATE, {"now": now, "since": since, "until": since + timedelta(days=1)})
        found = [
            TradesInState(TradeStatus(status), currency, count, total_minor, refused)
            for status, currency, count, total_minor, refused in cursor.fetchall()
        ]
    order = list(TradeStatus)
    return sorted(found, key=lambda row: (order.index(row.status), row.currency))
