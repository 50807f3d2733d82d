"""
Guards: what looks odd about a sharer's part of a sale. They hold it and say why; they never change who has won.

The thresholds are settings. What a guard found is kept with the line, for whoever decides.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection

from core.money import BPS_WHOLE
from sharing.models import WonLine

BURST, TOO_FAST, REFUNDS = "burst", "too_fast", "refunds"

# Looks at so many rows as the thresholds ask for, however many a viral share has. The lines that are charged just now
# count as well, whatever their order.
_RECORDS = """
WITH now AS (
    SELECT * FROM unnest(%(lines)s::bigint[], %(orders)s::text[], %(shares)s::bigint[], %(times)s::timestamptz[])
        AS n(line, "order", share_id, paid_at)
)
SELECT asked.line, burst.orders, past.lines, past.net_minor, past.refunded_minor
FROM now asked
CROSS JOIN LATERAL (
    SELECT count(*) AS orders FROM (
        SELECT "order" FROM (
            SELECT w."order" FROM sharing_wonline w
            WHERE w.share_id = asked.share_id AND w.paid_at > asked.paid_at - %(period)s AND w.paid_at <= asked.paid_at
            ORDER BY w.paid_at DESC LIMIT %(burst_looked)s
        ) before
        UNION
        SELECT n."order" FROM now n
        WHERE n.share_id = asked.share_id AND n.paid_at > asked.paid_at - %(period)s AND n.paid_at <= asked.paid_at
    ) within
) burst
CROSS JOIN LATERAL (
    SELECT count(*) AS lines, COALESCE(sum(net_minor), 0)::bigint AS net_minor,
           COALESCE(sum(refunded_net_minor), 0)::bigint AS refunded_minor
    FROM (
        SELECT w.net_minor, w.refunded_net_minor FROM sharing_wonline w
        WHERE w.share_id = asked.share_id AND w.paid_at <= asked.paid_at
        ORDER BY w.paid_at DESC LIMIT %(refunds_looked)s
    ) last
) past
"""
_LINES_OF_AN_ORDER = 100  # So many lines of one order may stand among those that a burst looks at.

Found = list[dict[str, Any]]


def suspicions(lines: Sequence[WonLine]) -> Mapping[int, Found]:
    """
    Say of lines that are paid now, and whose rows do not say so yet, what looks odd, by the line's key.

    One statement, however many.
    """
    parameters: dict[str, Any] = {
        "lines": [line.line for line in lines],
        "orders": [line.order for line in lines],
        "shares": [line.share_id for line in lines],
        "times": [line.paid_at for line in lines],
        "period": settings.SHARE_BURST_PERIOD,
        "burst_looked": settings.SHARE_BURST_ORDERS_MAX * _LINES_OF_AN_ORDER,
        "refunds_looked": settings.SHARE_REFUNDS_LINES_LOOKED,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECORDS, parameters)
        records = {line: figures for line, *figures in cursor.fetchall()}
    return {line.line: [*_too_fast(line), *_burst(records[line.line]), *_refunds(records[line.line])] for line in lines}


def _too_fast(line: WonLine) -> Found:
    """Faster than a person reads a page and orders. Whom a till names was not scanned by the customer's own hand."""
    took = line.placed_at - line.scanned_at
    if line.is_named or took >= settings.SHARE_ORDER_AFTER_SCAN_MIN:
        return []
    return [{"guard": TOO_FAST, "seconds": round(took.total_seconds(), 3)}]


def _burst(record: Sequence[int]) -> Found:
    orders, *_past = record
    if orders <= settings.SHARE_BURST_ORDERS_MAX:
        return []
    return [{"guard": BURST, "orders": orders, "within_seconds": int(settings.SHARE_BURST_PERIOD.total_seconds())}]


def _refunds(record: Sequence[int]) -> Found:
    _orders, lines, net_minor, refunded_minor = record
    if lines < settings.SHARE_REFUNDS_LINES_MIN or not net_minor:
        return []
    refunded_bps = refunded_minor * BPS_WHOLE // net_minor
    if refunded_bps <= settings.SHARE_REFUNDS_BPS_MAX:
        return []
    return [{"guard": REFUNDS, "refunded_bps": refunded_bps, "lines": lines}]
