"""Ordering one item: what it comes to, from whose wallet, now or later; one press, one order."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from catalog.errors import ItemNotOnSale
from catalog.models import Item
from core import clock
from core.errors import AmountTooLarge
from core.money import AMOUNT_MINOR_MAX, Money
from orders.errors import AmountMismatch
from orders.services import WantedLine, place_checkout
from portal.forms import OrderForm, QuantityForm
from portal.pages.base import BuyerPage, FormPage
from portal.pages.items import PageOfItem, describe
from portal.pages.payments import WalletPage, attempt_of, once, start_payment, ways_to_pay


class OrderItem(BuyerPage, WalletPage, PageOfItem, FormPage):
    """/items/<id>/order?quantity="""

    template_name = "portal/order_item.html"
    form_class = OrderForm
    refused_beside = {"out_of_stock": "quantity"}

    kept = ("quantity", "wallet")

    def get(self, request: HttpRequest, item_id: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        """How many is asked on the item's own page, and what is wrong with it or with the item is said there."""
        item, quantity = self.find_item(), QuantityForm({"quantity": self.asked.get("quantity", 1)})
        if not quantity.is_valid() or "quantity" in form.errors:
            quantity.errors.setdefault("quantity", form.errors.get("quantity"))
            return self._show("portal/item.html", describe(self, item, quantity), status if form.errors else 422)
        if not item.is_for_sale:
            return self._show("portal/item.html", describe(self, item, quantity), ItemNotOnSale.status)
        return self._show(self.template_name, self._look(item, quantity.cleaned_data["quantity"], form), status)

    def act(self, form: Any) -> HttpResponse:
        said = form.cleaned_data

        def effect() -> str:
            order = self._place(said)
            if not said["later"]:
                start_payment(order=order, said=said, actor=self.customer)
            return reverse("portal:order", args=[order])

        return redirect(once(attempt_of(said, self.request.path, self.customer), effect))

    def _place(self, said: dict[str, Any]) -> str:
        """:raises AmountMismatch: the price is no longer the one that was on the page."""
        wanted = [WantedLine(self.kwargs["item_id"], said["quantity"])]
        scans = [self.scan] if self.scan else []
        placed = place_checkout(lines=wanted, scans=scans, actor=self.customer, now=clock.now())
        if Money(placed.checkout.total_minor, placed.checkout.currency) != Money(said["amount"], said["currency"]):
            raise AmountMismatch
        return placed.orders[0].public_id

    def _look(self, item: Item, quantity: int, form: Any) -> dict[str, Any]:
        total = Money(item.price_minor * quantity, item.currency)
        if total.minor > AMOUNT_MINOR_MAX:
            raise AmountTooLarge
        line = {"title": item.title, "quantity": quantity, "item": item}
        return {
            "form": form,
            "item": item,
            "quantity": quantity,
            "lines": [(line, item.price, total)],
            "total": total,
            "minutes": settings.ORDER_PAYMENT_LIMIT // timedelta(minutes=1),
            "change": self.onward(reverse("portal:item", args=[item.public_id])),
            **ways_to_pay(total, self.customer, form=form, chosen=self.request.GET.get("wallet")),
        }

    def _show(self, template: str, context: dict[str, Any], status: int) -> HttpResponse:
        answer = self.response_class(self.request, [template], self.get_context_data(**context))
        answer.status_code = status
        return answer
