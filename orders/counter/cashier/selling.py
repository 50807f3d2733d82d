"""
Ringing up, cancelling and giving back by a cashier: the services of every till, under numbers of this one.

A number is in the page's form before the first attempt. Pressed again, reloaded, or sent again because no answer
came, the same form finds what the first press has done.
"""

from datetime import datetime

from django.db import transaction

from core.money import Money
from orders.counter.answers import Done, answer_once
from orders.counter.api.outputs import till_refund_document, trade_document
from orders.counter.cashier.callers import Cashier
from orders.counter.cashier.cart import Sale, lock_cart, read_cart, renumber
from orders.counter.cashier.errors import SaleMovedOn, TillCartEmpty
from orders.counter.errors import SequenceCancelled, SequenceInUse, SequenceReused
from orders.counter.models import CounterTrade, TillRequest
from orders.counter.selectors import find_trade_under, get_trade
from orders.counter.services import cancel_trade, create_trade, refund_at_till
from orders.counter.services.sequences import Asked


def ring_up(*, cashier: Cashier, sequence: int, amount: Money, now: datetime) -> CounterTrade:
    """
    Make a trade of what is in the cart, for exactly this amount, and return it; a repeat returns the same one.

    :raises SaleMovedOn: another sale has begun meanwhile, and nothing came of this one.
    :raises TillCartEmpty: there is nothing in it.
    :raises LinesMismatch: it comes to something else by now.
    :raises SequenceReused, SequenceInUse, SequenceCancelled: the till's own software has used its number; it has
        another one now.
    :raises Refusal: as `create_trade`.
    """
    try:
        return _ring_up(cashier, sequence, amount, now)
    except SaleMovedOn:
        made = find_trade_under(cashier.terminal, sequence)
        if made is None:
            raise
        return made
    except (SequenceReused, SequenceInUse, SequenceCancelled):
        renumber(cashier=cashier, sequence=sequence)
        raise


@transaction.atomic
def _ring_up(cashier: Cashier, sequence: int, amount: Money, now: datetime) -> CounterTrade:
    cart = lock_cart(cashier, sequence)
    sale = read_cart(cart)
    if not sale.lines:
        raise TillCartEmpty
    trades = []

    def make() -> Done:
        trade, lines = create_trade(
            terminal=cashier.terminal,
            sequence=sequence,
            lines=[line.sold() for line in sale.lines],
            amount=amount,
            by=cashier.actor,
            now=now,
        )
        trades.append(trade)
        return Done(trade_document(trade, lines, now=now), trade)

    answer_once(_asked(cashier, sale, amount), make)
    (cart.trade,) = trades
    cart.save(update_fields=["trade"])
    return trades[0]


def _asked(cashier: Cashier, sale: Sale, amount: Money) -> Asked:
    """As tills ask for it, and marked, so that nothing that a till's own software asks for is ever the same."""
    body = {
        "sequence": sale.sequence,
        "lines": [
            {"item": line.item, "quantity": line.quantity, "description": line.title, "unit_amount": line.unit.minor}
            for line in sale.lines
        ],
        "amount": amount.minor,
        "currency": amount.currency,
        "browser": True,
    }
    return Asked.of(cashier.terminal, TillRequest.Kind.TRADE, body)


def cancel(*, cashier: Cashier, trade_no: str, now: datetime) -> str:
    """
    Cancel a trade of the till's store, as `cancel_trade`; return `closed` or `refunded`.

    :raises NotFound: the store has no such trade.
    :raises UseRefund: it was paid too long ago.
    """
    return cancel_trade(terminal=cashier.terminal, trade_no=trade_no, by=cashier.actor, now=now)


def give_back(
    *, cashier: Cashier, trade_no: str, sequence: int, amount_minor: int, reason: str, now: datetime
) -> CounterTrade:
    """
    Give money of a paid trade of the till's store back, once under this number; return the trade.

    `amount_minor`: minor units of the trade's currency.

    :raises NotFound: the store has no such trade.
    :raises RefundExceedsPaid: more than is paid and not yet given back.
    :raises SequenceReused: this number was something else's.
    """
    body = {"sequence": sequence, "amount": amount_minor, "reason": reason, "browser": True}

    def refund() -> Done:
        trade, made = refund_at_till(
            terminal=cashier.terminal,
            trade_no=trade_no,
            amount_minor=amount_minor,
            reason=reason,
            by=cashier.actor,
            now=now,
        )
        return Done(till_refund_document(made, trade, sequence), trade, made)

    answer_once(Asked.of(cashier.terminal, TillRequest.Kind.REFUND, body, subject=trade_no), refund)
    return get_trade(trade_no, store=cashier.store)
