"""Paying from a wallet: the money is held at once, and booked from the event."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from accounts.services import spend_through_link
from core.money import Money
from events.services import emit_all
from ledger import codes
from ledger.holds import place_hold
from orders.errors import AmountMismatch, OrderNotPayable
from orders.events import OrderCompleted, OrderPaid, paid_key
from orders.models import Order
from orders.transitions import Mover, Transition, ensure_may, find_row, move
from wallets.services import record_earning

SELLER = "seller"
PAID_FIELDS = ("paid_minor", "buyer", "payer", "paid_by", "paid_through", "provider", "institution")


@transaction.atomic
def pay_order(*, order: str, amount: Money, payer: Account, actor: Actor, now: datetime) -> Order:
    """
    Pay a pending order of the acting buyer from the payer's wallet.

    The money is held at once and booked by the next batch. Paying is no repetition: a second payment
    is refused. `amount` must be exactly the order's total.

    :raises NotFound: the buyer has no such order.
    :raises OrderNotPayable: it is not pending, or its time is up.
    :raises AmountMismatch: `amount` is not the total.
    :raises AccountNotLinked: the login account is not linked with the payer.
    :raises SpendingCapExceeded: the link's terms do not let so much be paid.
    :raises InsufficientFunds: the wallet has less available.
    """
    paid = Order.objects.lock(order, buyer=actor.acting)  # Lock, then look: tills, phones and the closing task race.
    pay_locked(payable(paid, now), amount=amount, payer=payer, actor=actor, now=now)
    return paid


@transaction.atomic
def pay_checkout(*, checkout: str, amount: Money, payer: Account, actor: Actor, now: datetime) -> Sequence[Order]:
    """
    Pay all orders of a checkout of the acting buyer that can still be paid; all or none.

    `amount` must be exactly the sum of their totals. Returns all the checkout's orders.

    :raises NotFound: the buyer has no such checkout.
    :raises OrderNotPayable: none of its orders can be paid any more.
    :raises AmountMismatch: `amount` is not their total.
    :raises AccountNotLinked: the login account is not linked with the payer.
    :raises SpendingCapExceeded: the link's terms do not let so much be paid.
    :raises InsufficientFunds: the wallet has less available.
    """
    orders = Order.objects.lock_checkout(checkout, buyer=actor.acting)
    pay_locked(payable_of(orders, now), amount=amount, payer=payer, actor=actor, now=now)
    return orders


Payable = Sequence[tuple[Order, Transition]]  # Locked orders, each with the row of the table that pays it.


def payable(order: Order, now: datetime) -> Payable:
    """
    Return a locked order as something to pay.

    :raises OrderNotPayable: it is not pending, or its time is up.
    """
    return [(order, ensure_may(order, "pay", by=Mover.BUYER, at=now))]


def payable_of(orders: Sequence[Order], now: datetime) -> Payable:
    """
    Return those locked orders of a checkout that can be paid.

    :raises OrderNotPayable: none can.
    """
    found = [(order, row) for order in orders if (row := find_row(order, "pay", by=Mover.BUYER, at=now))]
    if not found:
        raise OrderNotPayable
    return found


def ensure_amount(orders: Payable, amount: Money) -> None:
    """:raises AmountMismatch: `amount` is not exactly the orders' total."""
    first, _row = orders[0]
    if amount != Money(sum(order.total_minor for order, _row in orders), first.currency):
        raise AmountMismatch


def pay_locked(
    orders: Payable, *, amount: Money, payer: Account, actor: Actor, now: datetime, provider: str = ""
) -> None:
    """
    Pay locked orders, all or none. `provider`: who charged what the wallet lacked, if anybody did.

    A wallet that the session's login account does not own is paid from only as far as the link's cap goes.

    :raises AmountMismatch: `amount` is not exactly their total.
    :raises AccountNotLinked: the login account is not linked with the payer (any more).
    :raises SpendingCapExceeded: the link's terms do not let so much be paid.
    :raises InsufficientFunds: the payer's wallet has less available.
    """
    ensure_amount(orders, amount)
    link_id = spend_through_link(owner=payer, amount=amount, actor=actor)
    for order, row in orders:
        order.provider, order.paid_through_id = provider, link_id
        _take_payment(order, row, payer, actor, now)


def pay_charged(order: Order, row: Transition, *, payer: Account, charged_by: str, now: datetime) -> None:
    """
    Pay a locked order with what a provider's own server was charged for it: no wallet, no hold.

    `payer`: the account of the identity that was charged, which refunds go back to. The caller has checked the sum.
    """
    order.provider = order.institution = charged_by
    if order.buyer is None:
        order.buyer = payer
    _write_payment(order, row, payer, payer, now, {"charged_by": charged_by})


def _take_payment(order: Order, row: Transition, payer: Account, actor: Actor, now: datetime) -> None:
    """Hold the money, record what the seller earns, and say so. The order is locked and payable."""
    hold_id = place_hold(
        code=codes.wallet(payer.public_id),
        amount=Money(order.total_minor, order.currency),
        key=paid_key(order.public_id),
    )
    _write_payment(order, row, payer, actor.login, now, {"holds": [hold_id]})


def _write_payment(
    order: Order, row: Transition, payer: Account, paid_by: Account, now: datetime, source: Mapping[str, Any]
) -> None:
    """Write that an order is paid; `source` says in the event where its money lies."""
    assert order.buyer is not None
    is_at_counter = order.channel == Order.Channel.STORE
    record_earning(
        order=order.public_id,
        owner=order.seller,
        role=SELLER,
        original=Money(order.total_minor - order.fee_minor, order.currency),
        earned_at=now,
        why="The sale, less the platform's fee.",
        channel=order.channel,
        institution=order.institution or None,
        releases_at=now + settings.EARNINGS_HOLD_PERIOD if is_at_counter else None,
    )
    fields = move(order, row, at=now)
    if is_at_counter:  # The goods are in the buyer's hands.
        order.status, order.next_transition_at = Order.Status.COMPLETED, None
        order.fulfilled_at = order.completed_at = now
        fields = [*fields, "fulfilled_at", "completed_at"]
    order.paid_minor = order.total_minor
    order.payer, order.paid_by = payer, paid_by
    order.keep(*fields, *PAID_FIELDS)
    paid = OrderPaid(
        order=order.public_id,
        payer=payer.public_id,
        buyer=order.buyer.public_id,
        seller=order.seller.public_id,
        gross_minor=order.total_minor,
        fee_minor=order.fee_minor,
        currency=order.currency,
        channel=order.channel,
        institution=order.institution or None,
        provider=order.provider or None,
        store=order.store or None,
        terminal=order.terminal or None,
        **source,
    )
    completed = OrderCompleted(order=order.public_id, buyer=order.buyer.public_id, seller=order.seller.public_id)
    emit_all([paid, completed] if is_at_counter else [paid], occurred_at=now)
