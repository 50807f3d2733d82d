"""
Cancelling, which always ends well: nothing was made and nothing will be, it is closed, or the money goes back.
"""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from orders.counter.errors import UseRefund
from orders.counter.models import CashierAct, CounterTrade, Terminal, TillRequest
from orders.counter.selectors import get_trade
from orders.counter.services.acts import note_act
from orders.counter.services.paying import beside
from orders.counter.services.sequences import NOT_CREATED, bury, ensure_cancellable, wait_for
from orders.counter.services.third_parties import drop_charges
from orders.models import Order
from orders.services.refunding import refund_rest
from orders.services.shelf import lock_shelf, put_back
from orders.transitions import Mover, find_row, move

CLOSED = "closed"
REFUNDED = "refunded"


@transaction.atomic
def cancel_sequence(*, terminal: Terminal, sequence: int, now: datetime) -> str:
    """
    Cancel what a till asked for, or may yet ask for, under a sequence; return `not_created`, `closed` or `refunded`.

    It waits for a create that runs. Where there was none, a tombstone refuses the one that comes late.

    :raises UseRefund: it was paid too long ago.
    :raises RefundNotCancellable: it was a refund.
    """
    request = wait_for(terminal, sequence)
    if request is None:
        bury(terminal, sequence)
        return NOT_CREATED
    if request.kind == TillRequest.Kind.CANCELLED:
        return NOT_CREATED
    ensure_cancellable(request)
    assert request.trade is not None
    return _cancel(request.trade.order.public_id, terminal, None, now)


@transaction.atomic
def cancel_trade(*, terminal: Terminal, trade_no: str, now: datetime, by: Actor | None = None) -> str:
    """
    Cancel a trade of the till's store; return `closed` or `refunded`. Doing it again is fine.

    `by`: who stands at it, where the till is a page in a browser.

    :raises NotFound: the store has no such trade.
    :raises UseRefund: it was paid too long ago.
    """
    return _cancel(get_trade(trade_no, store=terminal.store).order.public_id, terminal, by, now)


def _cancel(public_id: str, terminal: Terminal, by: Actor | None, now: datetime) -> str:
    lock_shelf(orders=[public_id])  # Items before orders.
    order = Order.objects.lock(public_id)
    trade = beside(order)
    return _give_back(trade, terminal, by, now) if order.paid_minor else _close(trade, terminal, by, now)


def _close(trade: CounterTrade, terminal: Terminal, by: Actor | None, now: datetime) -> str:
    """What is unpaid is closed, by now or by time: the timed task sees to one whose time is up."""
    order = trade.order
    row = find_row(order, "cancel", by=Mover.SELLER, at=now)
    if row is not None:
        put_back(orders=[order.pk])
        order.save(update_fields=move(order, row, at=now))
        drop_charges(order, now)
        _note(trade, terminal, by, now)
    return CLOSED


def _give_back(trade: CounterTrade, terminal: Terminal, by: Actor | None, now: datetime) -> str:
    order = trade.order
    assert order.paid_at is not None
    if order.refundable_minor:
        if now - order.paid_at > settings.COUNTER_CANCEL_LIMIT:
            raise UseRefund
        refund_rest(order, reason="Cancelled at the till.", actor=by or Actor.own(order.seller), now=now)
        put_back(orders=[order.pk])
        _note(trade, terminal, by, now)
    return REFUNDED


def _note(trade: CounterTrade, terminal: Terminal, by: Actor | None, now: datetime) -> None:
    trade.cancelled_at, trade.cancelled_by = now, terminal
    trade.save(update_fields=["cancelled_at", "cancelled_by"])
    note_act(CashierAct.Kind.CANCELLED, terminal=terminal, trade=trade, by=by, now=now)
