"""
Orders paid by an identity whose money is on a third party's server (`wallets.services.identity_charges`).

The order stays pending until the server's answer is final; then it is paid without any wallet or hold. What was
charged for an order that takes no money any more is undone by the server.
"""

from datetime import datetime

from django.db import transaction

from accounts.models import ExternalIdentity
from core.money import Money
from orders.errors import AmountMismatch, PaymentInProgress
from orders.models import Order, ProviderPayment
from orders.services.attributing import attribute_trade
from orders.services.paying import pay_charged
from orders.transitions import Mover, ensure_may, find_row
from wallets.models import IdentityCharge, TopUp
from wallets.services import request_identity_charge


@transaction.atomic
def request_identity_payment(*, order: str, identity: ExternalIdentity, amount: Money, now: datetime) -> IdentityCharge:
    """
    First step: write the intent to have an identity's server charged for a pending order (public id).

    Then `wallets.services.call_identity_server`, outside any transaction, and `finish_identity_charge`.

    :raises NotFound: there is no such order.
    :raises OrderNotPayable: it is not pending, or its time is up.
    :raises AmountMismatch: `amount` is not exactly its total.
    :raises PaymentInProgress: something is being charged for it just now.
    :raises ProviderUnknown: the provider has no server: its identities pay from our wallets.
    :raises ProviderNotBooked: no rule in force books what the server charges.
    """
    locked = Order.objects.lock(order)
    ensure_may(locked, "pay", by=Mover.BUYER, at=now)
    if amount != Money(locked.total_minor, locked.currency):
        raise AmountMismatch
    if _is_being_charged(locked):
        raise PaymentInProgress
    return request_identity_charge(
        identity=identity,
        trade_no=locked.trade_no,
        order=locked.public_id,
        amount=amount,
        payer=identity.account,
        now=now,
    )


def _is_being_charged(order: Order) -> bool:
    """The order's lock is what makes this look-up safe."""
    if is_being_charged_by_identity(order):
        return True
    waiting = ProviderPayment.objects.filter(status=ProviderPayment.Status.IN_PROGRESS, order=order)
    return waiting.exclude(top_up__status=TopUp.Status.FAILED).exists()


def is_being_charged_by_identity(order: Order) -> bool:
    """Whether an identity's server is charging for a locked order just now."""
    running = IdentityCharge.objects.filter(order=order.public_id, status=IdentityCharge.Status.IN_PROGRESS)
    return running.exists()


class ChargedOrders:
    """What wallets ask of orders when a charge ends (`wallets.services.identity_charges.ChargedTrades`)."""

    def lock(self, *, order: str) -> None:
        Order.objects.lock(order)

    def take(self, charge: IdentityCharge, *, now: datetime) -> bool:
        """Pay the order, unless it is paid, cancelled or closed by now."""
        order = Order.objects.lock(charge.order)
        row = find_row(order, "pay", by=Mover.BUYER, at=now)
        if row is None or charge.amount != Money(order.total_minor, order.currency):
            return False
        pay_charged(order, row, payer=charge.owner, charged_by=charge.provider, now=now)
        if order.channel == Order.Channel.STORE:  # Online it was decided when the order was placed.
            attribute_trade(order, named=[order.counter_trade.scan], now=now)
        return True

    def drop(self, charge: IdentityCharge, *, now: datetime) -> None:
        """The order stays as it is, and may be paid in another way."""
