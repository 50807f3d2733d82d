"""Refunds at a till, each under a sequence of its own."""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from orders.counter.models import CashierAct, CounterTrade, Terminal
from orders.counter.services.acts import note_act
from orders.counter.services.paying import lock_trade
from orders.models import Refund
from orders.services.refunding import refund_locked


@transaction.atomic
def refund_at_till(
    *, terminal: Terminal, trade_no: str, amount_minor: int, reason: str, now: datetime, by: Actor | None = None
) -> tuple[CounterTrade, Refund]:
    """
    Give money of a paid trade of the till's store back to its payer, spread over the lines. Who calls has
    taken the sequence. `amount_minor`: minor units of the trade's currency. `by`: who stands at it, where the till is a
    page in a browser.

    :raises NotFound: the store has no such trade.
    :raises RefundExceedsPaid: more than is paid and not yet refunded.
    """
    trade = lock_trade(trade_no, store=terminal.store.public_id)
    actor = by or Actor.own(trade.order.seller)
    refund = refund_locked(trade.order, amount_minor=amount_minor, lines=(), reason=reason, actor=actor, now=now)
    note_act(CashierAct.Kind.REFUNDED, terminal=terminal, trade=trade, by=by, now=now)
    return trade, refund
