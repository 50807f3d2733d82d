"""The state of a trade, as its order and the clock have it."""

from datetime import datetime
from enum import StrEnum

from orders.counter.models import CounterTrade
from orders.models import Order


class TradeStatus(StrEnum):
    PENDING = "pending"
    CONFIRMING = "confirming"
    PAID = "paid"
    REFUNDED = "refunded"
    CLOSED = "closed"


FINAL = frozenset({TradeStatus.PAID, TradeStatus.REFUNDED, TradeStatus.CLOSED})


def status_of(trade: CounterTrade, now: datetime) -> TradeStatus:
    """Return a trade's state; one whose time is up is closed, even before the timed task has come to it."""
    order = trade.order
    if order.paid_minor:
        return TradeStatus.PAID if order.refundable_minor else TradeStatus.REFUNDED
    if order.status != Order.Status.PENDING or trade.closes_at <= now:
        return TradeStatus.CLOSED
    return TradeStatus.CONFIRMING if trade.confirming_since else TradeStatus.PENDING
