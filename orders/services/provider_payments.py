"""
Paying with a provider's money, in steps: intent, call, outcome, and once billing has booked it, the payment.

Only the payer's wallet ever pays an order. What it lacks is charged as a top-up; the consumer of
`wallet.topped_up` then pays, and if the order was closed or paid meanwhile, the money stays in the wallet.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.actor import Actor
from accounts.behaviours import record_behaviour
from accounts.errors import AccountNotLinked, SpendingCapExceeded
from accounts.models import Account
from accounts.services import ensure_lets_spend
from core.errors import NotFound
from core.money import Money
from ledger import codes
from ledger.errors import InsufficientFunds
from ledger.models import LedgerAccount
from orders.errors import AmountMismatch, OrderNotPayable, PaymentInProgress
from orders.models import Order, ProviderPayment
from orders.services.attributing import attribute_trade
from orders.services.identity_payments import is_being_charged_by_identity
from orders.services.paying import Payable, ensure_amount, pay_locked, payable, payable_of
from wallets.models import TopUp
from wallets.providers.base import Outcome
from wallets.providers.registry import find_provider
from wallets.services import charge_top_up, finish_top_up, request_top_up

REFUSED = (OrderNotPayable, AmountMismatch, InsufficientFunds, AccountNotLinked, SpendingCapExceeded)


@transaction.atomic
def request_order_payment(
    *, order: str, amount: Money, provider: str, payer: Account, actor: Actor, now: datetime
) -> ProviderPayment:
    """
    First step: write the intent to pay an order of the acting buyer. What the wallet has is not charged.

    Where it has everything, the order is paid at once and nobody is called.

    :raises NotFound: the buyer has no such order.
    :raises ProviderUnknown: there is no such provider.
    :raises OrderNotPayable: it is not pending, or its time is up.
    :raises PaymentInProgress: a provider is charging a payment of it just now.
    :raises AmountMismatch: `amount` is not the total.
    """
    locked = Order.objects.lock(order, buyer=actor.acting)
    find_provider(provider)
    return request_payment_of(locked, amount=amount, provider=provider, payer=payer, actor=actor, now=now)


def request_payment_of(
    locked: Order, *, amount: Money, provider: str, payer: Account, actor: Actor, now: datetime
) -> ProviderPayment:
    """The same for an order that is locked already, and that the acting buyer may pay."""
    intent = ProviderPayment(order=locked, provider=provider, payer=payer)
    return _request(intent, payable(locked, now), amount, actor, now)


@transaction.atomic
def request_checkout_payment(
    *, checkout: str, amount: Money, provider: str, payer: Account, actor: Actor, now: datetime
) -> ProviderPayment:
    """
    First step for all orders of a checkout that can be paid; all or none.

    :raises NotFound: the buyer has no such checkout.
    :raises ProviderUnknown: there is no such provider.
    :raises OrderNotPayable: none of its orders can be paid any more.
    :raises PaymentInProgress: a provider is charging a payment of one of them just now.
    :raises AmountMismatch: `amount` is not their total.
    """
    orders = Order.objects.lock_checkout(checkout, buyer=actor.acting)
    find_provider(provider)
    intent = ProviderPayment(checkout=orders[0].checkout, provider=provider, payer=payer)
    return _request(intent, payable_of(orders, now), amount, actor, now)


def call_provider(*, payment: str) -> Outcome | None:
    """Second step, outside any transaction: have the provider take the money; None where nothing is missing."""
    top_up = _get(payment).top_up
    return charge_top_up(public_id=top_up.public_id) if top_up is not None else None


@transaction.atomic
def note_outcome(*, payment: str, outcome: Outcome | None, now: datetime) -> ProviderPayment:
    """Third step: write what the provider said. Money that came in is booked, and pays the order after that."""
    found = _get(payment)
    if outcome is not None and found.top_up is not None:
        finish_top_up(public_id=found.top_up.public_id, outcome=outcome, now=now)
    return found


@transaction.atomic
def pay_with_top_up(*, top_up: str, now: datetime) -> None:
    """
    Last step, once a top-up (public id) is booked: pay what it was charged for. Other top-ups are no business of ours.

    A payment that is refused now has failed; its money stays in the wallet.
    """
    waiting = ProviderPayment.objects.filter(top_up__public_id=top_up, status=ProviderPayment.Status.IN_PROGRESS)
    payment = waiting.select_related("order", "checkout", "payer", "buyer", "login_account").first()
    if payment is None:
        return
    try:
        with transaction.atomic():
            _pay(payment, now)
    except REFUSED as refusal:
        payment.status, payment.failure = ProviderPayment.Status.FAILED, refusal.code
    else:
        payment.status = ProviderPayment.Status.SUCCEEDED
    payment.finished_at = now
    payment.save(update_fields=["status", "failure", "finished_at"])


def _request(intent: ProviderPayment, orders: Payable, amount: Money, actor: Actor, now: datetime) -> ProviderPayment:
    _refuse_second(orders)
    ensure_amount(orders, amount)
    intent.buyer, intent.login_account, intent.requested_at = actor.acting, actor.login, now
    intent.amount_minor, intent.currency = amount.minor, amount.currency
    missing_minor = amount.minor - _available_minor(intent.payer, amount.currency)
    if missing_minor > 0:
        ensure_lets_spend(owner=intent.payer, amount=amount, actor=actor)  # Counted when it is paid.
        missing = Money(missing_minor, amount.currency)
        intent.top_up = request_top_up(
            owner=intent.payer, amount=missing, provider=intent.provider, actor=actor, now=now
        )
    else:
        _pay_locked(orders, amount, intent, actor, now)
        intent.status, intent.finished_at = ProviderPayment.Status.SUCCEEDED, now
    intent.save(force_insert=True)
    return intent


def _refuse_second(orders: Payable) -> None:
    """The orders' locks are what makes this look-up safe."""
    waiting = ProviderPayment.objects.filter(status=ProviderPayment.Status.IN_PROGRESS)
    if any(is_being_charged_by_identity(order) for order, _row in orders if order.channel == Order.Channel.STORE):
        raise PaymentInProgress
    of_these = Q(order__in=[order for order, _row in orders])
    checkout_id = orders[0][0].checkout_id
    if checkout_id is not None:
        of_these |= Q(checkout=checkout_id)
    if waiting.filter(of_these).exclude(top_up__status=TopUp.Status.FAILED).exists():
        raise PaymentInProgress


def _available_minor(payer: Account, currency: str) -> int:
    wallet = LedgerAccount.objects.filter(code=codes.wallet(payer.public_id), currency=currency).first()
    return wallet.available_minor if wallet else 0


def _pay(payment: ProviderPayment, now: datetime) -> None:
    actor = Actor(login=payment.login_account, acting=payment.buyer)
    amount = Money(payment.amount_minor, payment.currency)
    if payment.order is not None:
        orders = payable(Order.objects.lock(payment.order.public_id), now)
    else:
        assert payment.checkout is not None
        orders = payable_of(Order.objects.lock_checkout(payment.checkout.public_id), now)
    _pay_locked(orders, amount, payment, actor, now, provider=payment.provider)


def _pay_locked(
    orders: Payable, amount: Money, payment: ProviderPayment, actor: Actor, now: datetime, *, provider: str = ""
) -> None:
    """
    Pay locked orders for the payment's buyer. A trade at the counter is nobody's until it is paid.

    :raises OrderNotPayable: it has become another customer's meanwhile.
    """
    trades = [order for order, _row in orders if order.channel == Order.Channel.STORE]
    for trade in trades:
        if trade.buyer_id not in (None, payment.buyer.pk):
            raise OrderNotPayable
        trade.buyer = payment.buyer
    pay_locked(orders, amount=amount, payer=payment.payer, actor=actor, now=now, provider=provider)
    for trade in trades:
        # What is bought online was noted when it was placed.
        record_behaviour("order.placed", object_id=trade.public_id, data={"store": trade.store}, by=actor, now=now)
        attribute_trade(trade, named=[trade.counter_trade.scan], login=actor.login, now=now)


def _get(public_id: str) -> ProviderPayment:
    found = ProviderPayment.objects.select_related("top_up", "order", "checkout").filter(public_id=public_id).first()
    if found is None:
        raise NotFound
    return found
