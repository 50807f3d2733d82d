"""Refunds go back the same way first: to the provider that charged, up to that; the rest stays in the wallet."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from core.errors import NotFound
from core.money import Money
from orders.models import Order, ProviderPayment, Refund
from wallets.models import Charged, IdentityCharge, Withdrawal
from wallets.services import return_to_provider


@transaction.atomic
def return_refund(*, refund: str, now: datetime) -> Withdrawal | None:
    """
    Send a refund (public id), which billing has put into the payer's wallet, on to whoever was charged for its order.

    A task makes the call. None where the order was paid from a wallet alone, or nothing of the charge is left.

    :raises NotFound: there is no such refund.
    """
    found = Refund.objects.select_related("order").filter(public_id=refund).first()
    if found is None:
        raise NotFound
    charged = charged_for(found.order)
    if charged is None:
        return None
    amount = Money(found.amount_minor, found.order.currency)
    return return_to_provider(charged=charged, refund=refund, amount=amount, now=now)


def charged_for(order: Order) -> Charged | None:
    """Return what a provider was charged for an order, or for the checkout it was paid with."""
    if not order.provider:
        return None
    by_identity = IdentityCharge.objects.filter(
        order=order.public_id, status=IdentityCharge.Status.SUCCEEDED, to_wallet=False
    )
    return by_identity.select_related("owner").first() or _top_up_of(order)


def _top_up_of(order: Order) -> Charged | None:
    of_order = Q(order=order)
    if order.checkout_id is not None:
        of_order |= Q(checkout=order.checkout_id)
    made = ProviderPayment.objects.filter(of_order, status=ProviderPayment.Status.SUCCEEDED, top_up__isnull=False)
    payment = made.select_related("top_up__owner").order_by("-id").first()
    return payment.top_up if payment else None
