"""Paying a trade that is there: by the till, by the customer's phone, and by the customer's word."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from core.errors import Conflict, NotFound
from core.money import Money
from orders.counter.errors import ConfirmationNotNeeded, IdentityUnknown
from orders.counter.models import CashierAct, CounterTrade, Terminal
from orders.counter.services.acts import note_act
from orders.counter.services.charging import (
    REFUSALS,
    charge_code,
    charge_identity,
    ensure_may_try_codes,
    ensure_open,
    find_identity,
    is_paid_by,
    note_bought,
    scan,
)
from orders.counter.services.trading import Identity, note_refusal
from orders.models import Order
from orders.services.attributing import attribute_trade
from orders.services.paying import ensure_amount, pay_locked, payable


@dataclass(frozen=True, slots=True)
class TillPayment:
    """A trade after a till's try to have it paid; `refusal` is to be said once the try is committed."""

    trade: CounterTrade
    refusal: Conflict | None


@transaction.atomic
def pay_at_till(
    *,
    terminal: Terminal,
    trade_no: str,
    amount: Money,
    pay_code: str = "",
    identity: Identity | None = None,
    now: datetime,
    by: Actor | None = None,
) -> TillPayment:
    """
    Have a pending trade of the till's store paid, by a pay code or by an identity.

    A refused code is used up: commit, then say the refusal. The same code at the same trade again (a double
    scan, a lost answer) gets the same outcome, and so does the identity that has paid. `by`: who stands at it, where
    the till is a page in a browser.

    :raises NotFound: the store has no such trade.
    :raises TooManyAttempts: too many codes that were nobody's.
    :raises StoreClosed: the store sells nothing any more.
    :raises OrderNotPayable: the trade is not pending, or its time is up.
    :raises AmountMismatch: `amount` is not the trade's.
    :raises IdentityUnknown: the identity cannot pay this trade here.
    """
    if pay_code:
        ensure_may_try_codes(terminal)
    trade = lock_trade(trade_no, store=terminal.store.public_id)
    is_paid_already = bool(trade.order.paid_minor)
    if pay_code:
        refusal = _pay_by_code(trade, pay_code, amount, terminal, now)
    else:
        assert identity is not None
        refusal = _pay_by_identity(trade, identity, amount, terminal, now)
    if trade.order.paid_minor and not is_paid_already:
        attribute_trade(trade.order, named=[trade.scan], now=now)
    note_refusal(trade, refusal, now)
    if refusal is None:
        trade.paid_at_till_by = CounterTrade.TillWay.PAY_CODE if pay_code else CounterTrade.TillWay.IDENTITY
    trade.save(update_fields=["refusal", "refusal_detail", "confirming_since", "paid_at_till_by"])
    note_act(CashierAct.Kind.TRIED, terminal=terminal, trade=trade, by=by, now=now)
    return TillPayment(trade, refusal)


def _pay_by_code(trade: CounterTrade, code: str, amount: Money, terminal: Terminal, now: datetime) -> Conflict | None:
    scanned = scan(code, trade.order, now)
    if scanned.outcome is not None:
        return REFUSALS[scanned.outcome]() if scanned.outcome else None
    ensure_open(terminal.store)
    orders = payable(trade.order, now)
    ensure_amount(orders, amount)
    return charge_code(scanned, orders, terminal, now)


def _pay_by_identity(
    trade: CounterTrade, identity: Identity, amount: Money, terminal: Terminal, now: datetime
) -> Conflict | None:
    order = trade.order
    bound = find_identity(identity.provider, identity.external_id, terminal.store)
    ensure_same_customer(order, bound.account)
    if is_paid_by(order, bound):
        return None
    ensure_open(terminal.store)
    orders = payable(order, now)
    ensure_amount(orders, amount)
    return charge_identity(bound.account, identity.provider, orders, now)


def ensure_same_customer(order: Order, customer: Account) -> None:
    """:raises IdentityUnknown: the locked order is another customer's."""
    if order.buyer_id not in (None, customer.pk):
        raise IdentityUnknown


@transaction.atomic
def pay_on_phone(
    *, trade_no: str, amount: Money, payer: Account, actor: Actor, now: datetime, named: str = ""
) -> CounterTrade:
    """
    Pay a trade whose number the acting buyer has, from the payer's wallet. It is that buyer's from then on.

    `named`: a scan token or a sharer's code, beside what the till may have named; it never refuses anything.

    :raises NotFound: there is none of this number, or it is another customer's.
    :raises OrderNotPayable: it is not pending, or its time is up.
    :raises AmountMismatch: `amount` is not the trade's.
    :raises AccountNotLinked, SpendingCapExceeded: of a wallet that the login account does not own.
    :raises InsufficientFunds: the wallet has less available.
    """
    trade = lock_trade_of(actor.acting, trade_no)
    return _pay_in_person(trade, amount, payer, actor, named, now)


@transaction.atomic
def confirm_trade(
    *, trade_no: str, amount: Money, payer: Account, actor: Actor, now: datetime, named: str = ""
) -> CounterTrade:
    """
    Say yes to a large amount that a till has asked for: it is paid. Refusals are those of `pay_on_phone`, and

    :raises ConfirmationNotNeeded: nobody waits for a confirmation of it.
    """
    trade = lock_trade_of(actor.acting, trade_no)
    orders = payable(trade.order, now)
    ensure_amount(orders, amount)
    if trade.confirming_since is None:
        raise ConfirmationNotNeeded
    return _pay_in_person(trade, amount, payer, actor, named, now)


def _pay_in_person(
    trade: CounterTrade, amount: Money, payer: Account, actor: Actor, named: str, now: datetime
) -> CounterTrade:
    order = trade.order
    orders = payable(order, now)
    ensure_amount(orders, amount)
    ensure_open(trade.store)
    order.buyer = actor.acting
    pay_locked(orders, amount=amount, payer=payer, actor=actor, now=now)
    note_bought(order, actor, now)
    attribute_trade(order, named=[trade.scan, named], login=actor.login, now=now)
    return trade


def lock_trade(trade_no: str, **whose: object) -> CounterTrade:
    """
    Lock a trade's order, then read the trade beside it.

    :raises NotFound: there is none of this number and owner.
    """
    return beside(Order.objects.lock_trade(trade_no, **whose))


def beside(order: Order) -> CounterTrade:
    """Return the trade of an order that is locked: what it says cannot change any more."""
    trade = CounterTrade.objects.select_related("terminal", "store").get(order=order)
    trade.order = order
    return trade


def lock_trade_of(customer: Account, trade_no: str) -> CounterTrade:
    """
    Lock a trade that a buyer may pay: its own, or nobody's yet.

    :raises NotFound: there is none of this number, or it is another customer's.
    """
    trade = lock_trade(trade_no)
    if trade.order.buyer_id not in (None, customer.pk):
        raise NotFound
    return trade
