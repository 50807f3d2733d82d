"""Ordering what is in the cart and paying it as one, however many sellers it is from; one press, one checkout."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.models import Account
from core import clock
from core.errors import AmountTooLarge
from core.money import AMOUNT_MINOR_MAX, Money
from orders.api.outputs import payment_document
from orders.cart.errors import CartEmpty
from orders.cart.models import Availability, CartLine
from orders.cart.selectors import cart_lines
from orders.cart.services import place_cart
from orders.errors import AmountMismatch
from orders.models import Order, ProviderPayment
from orders.selectors import get_checkout, lines_of, orders_of_checkout, payments_of
from orders.services import PlacedCheckout
from portal.forms import OrderPaymentForm
from portal.pages.base import BuyerPage, FormPage
from portal.pages.buying.forms import CheckoutForm
from portal.pages.payments import WalletPage, attempt_of, once, start_checkout_payment, ways_to_pay


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one seller is to deliver of a checkout."""

    seller: Account
    lines: Sequence[tuple[Any, Money, Money]]
    total: Money


class CheckOut(BuyerPage, WalletPage, FormPage):
    """/checkout?currency=: what of the cart is in one currency and can be ordered now"""

    template_name = "portal/buying/checkout.html"
    form_class = CheckoutForm

    kept = ("currency", "wallet")

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        everything = cart_lines(visible_to=self.customer.acting)
        lines = _orderable(everything, self.asked.get("currency", ""))
        if not lines:
            if not form.is_bound:
                return redirect("portal:cart")
            return self._show("portal/buying/cart_ordered.html", self.get_context_data(form=form), status)
        return self._show(self.template_name, self._look(lines, form, left=len(everything) - len(lines)), status)

    def act(self, form: Any) -> HttpResponse:
        said = form.cleaned_data

        def effect() -> str:
            checkout = self._place(said)
            start_checkout_payment(checkout=checkout, said=said, actor=self.customer)
            return reverse("portal:checkout-done", args=[checkout])

        return redirect(once(attempt_of(said, self.request.path, self.customer), effect))

    def _place(self, said: dict[str, Any]) -> str:
        """
        Order what was on the page.

        :raises CartEmpty: nothing of it is there (any more).
        :raises AmountMismatch: it is not quite that any more: another number, another price, another thing.
        """
        lines = _orderable(cart_lines(visible_to=self.customer.acting), said["currency"])
        if not lines:
            raise CartEmpty
        items = [line.item.public_id for line in lines]
        placed = place_cart(items=items, actor=self.customer, now=clock.now())
        if _digest(_written(placed)) != said["seen"]:
            raise AmountMismatch
        return placed.checkout.public_id

    def _look(self, lines: Sequence[CartLine], form: Any, *, left: int) -> dict[str, Any]:
        total = Money(sum(line.item.price_minor * line.quantity for line in lines), lines[0].item.currency)
        if total.minor > AMOUNT_MINOR_MAX:
            raise AmountTooLarge
        return self.get_context_data(
            form=form,
            parcels=_parcels(lines),
            total=total,
            left=left,
            seen=_digest((line.item.public_id, line.quantity, line.item.price_minor) for line in lines),
            minutes=settings.ORDER_PAYMENT_LIMIT // timedelta(minutes=1),
            **ways_to_pay(total, self.customer, form=form, chosen=self.request.GET.get("wallet")),
        )

    def _show(self, template: str, context: dict[str, Any], status: int) -> HttpResponse:
        answer = self.response_class(self.request, [template], context)
        answer.status_code = status
        return answer


def _orderable(lines: Iterable[CartLine], currency: str) -> list[CartLine]:
    of_currency = [line for line in lines if line.item.currency == currency]
    return [line for line in of_currency if line.availability == Availability.AVAILABLE]


def _parcels(lines: Sequence[CartLine]) -> list[Parcel]:
    sellers = {line.item.seller_id: line.item.seller for line in lines}
    return [_parcel(seller, [line for line in lines if line.item.seller_id == key]) for key, seller in sellers.items()]


def _parcel(seller: Account, lines: Sequence[CartLine]) -> Parcel:
    currency = lines[0].item.currency
    amounts = [Money(line.item.price_minor * line.quantity, currency) for line in lines]
    told = [
        ({"title": line.item.title, "quantity": line.quantity}, line.item.price, amount)
        for line, amount in zip(lines, amounts, strict=True)
    ]
    return Parcel(seller, told, Money(sum(amount.minor for amount in amounts), currency))


def _written(placed: PlacedCheckout) -> Iterable[tuple[str, int, int]]:
    for lines in placed.lines.values():
        for line in lines:
            assert line.item is not None
            yield line.item.public_id, line.quantity, line.unit_minor


def _digest(lines: Iterable[tuple[str, int, int]]) -> str:
    """Return what stands for items, how many of each and at what price, in whatever order."""
    written = "\n".join(sorted(f"{item} {quantity} {unit_minor}" for item, quantity, unit_minor in lines))
    return hashlib.sha256(written.encode()).hexdigest()


class CheckoutDone(BuyerPage, WalletPage, FormPage):
    """/checkouts/<id>: what came of a checkout, and paying what of it is not paid yet, as one"""

    template_name = "portal/buying/checkout_done.html"
    form_class = OrderPaymentForm

    def get(self, request: HttpRequest, checkout_id: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        checkout = get_checkout(self.kwargs["checkout_id"], visible_to=self.customer.acting)
        orders = orders_of_checkout(checkout)
        if len(orders) == 1:
            return redirect("portal:order", orders[0].public_id)
        answer = self.render_to_response(self._look(orders, form))
        answer.status_code = status
        return answer

    def act(self, form: Any) -> HttpResponse:
        said, checkout = form.cleaned_data, self.kwargs["checkout_id"]

        def effect() -> str:
            start_checkout_payment(checkout=checkout, said=said, actor=self.customer)
            return reverse("portal:checkout-done", args=[checkout])

        return redirect(once(attempt_of(said, self.request.path, self.customer), effect))

    def _look(self, orders: Sequence[Order], form: Any) -> dict[str, Any]:
        pending = [order for order in orders if order.status == Order.Status.PENDING]
        payment = _payment(pending)
        is_being_paid = payment is not None and payment["status"] == ProviderPayment.Status.IN_PROGRESS
        lines = lines_of(orders)
        return self.get_context_data(
            form=form,
            orders=[(order, lines[order.pk], Money(order.total_minor, order.currency)) for order in orders],
            paid=Money(sum(order.paid_minor for order in orders), orders[0].currency),
            pending=pending,
            payment=payment,
            is_being_paid=is_being_paid,
            **self._payable(pending, form),
        )

    def _payable(self, pending: Sequence[Order], form: Any) -> dict[str, Any]:
        if not pending:
            return {}
        total = Money(sum(order.total_minor for order in pending), pending[0].currency)
        asked = ways_to_pay(total, self.customer, form=form, chosen=self.request.GET.get("wallet"))
        return {"total": total, **asked}


def _payment(pending: Sequence[Order]) -> dict[str, Any] | None:
    """How far a provider is with what is not paid yet."""
    found = payments_of(pending).values() if pending else ()
    latest = max(found, key=lambda payment: payment.pk, default=None)
    return None if latest is None else payment_document(latest)
