"""
The cart: what an account means to order, at the prices and the stock of the moment in which somebody looks.

Things of several sellers are ordered together and paid as one; things in several currencies are not, and so each
currency has a sum and a way to the checkout of its own.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Account
from catalog.models import Item
from catalog.selectors import SHOWN_TO_ALL, get_item
from core import clock
from core.errors import NotFound, Refusal
from core.money import AMOUNT_MINOR_MAX, Money
from orders.cart import services
from orders.cart.models import Availability, CartLine
from orders.cart.selectors import cart_lines
from portal.forms import QuantityForm
from portal.pages.base import BuyerPage, FormPage, TextPage
from portal.pages.buying.forms import AddForm
from portal.pages.items import PageOfItem, limit_quantity
from portal.pages.payments import attempt_of, once
from portal.pages.scanning import with_query
from portal.wording import say


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the cart as its page shows it; `amount` is None where it cannot be ordered."""

    line: CartLine
    form: QuantityForm
    amount: Money | None

    @property
    def is_shown(self) -> bool:
        """Whether everybody may look at the item (still)."""
        return self.line.item.status in SHOWN_TO_ALL


@dataclass(frozen=True, slots=True)
class Basket:
    """What of a cart is ordered and paid as one: all in one currency, by seller. `total` None: beyond every order."""

    currency: str
    sellers: Sequence[tuple[Account, Sequence[Row]]]
    total: Money | None
    number: int
    """How many things of it can be ordered now."""


class CartPage(BuyerPage, TextPage):
    """/cart; ?removed= and ?quantity= offer to put back what was taken out a moment ago"""

    template_name = "portal/buying/cart.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show({}, status=200)

    def show(self, faulty: Mapping[str, QuantityForm], *, status: int) -> HttpResponse:
        """Answer with the cart as it is; `faulty`: forms with what is wrong in them, by the item's public id."""
        rows = [_row(line, faulty.get(line.item.public_id)) for line in cart_lines(visible_to=self.customer.acting)]
        for_sale = [row for row in rows if row.line.availability != Availability.NOT_ON_SALE]
        context = self.get_context_data(
            baskets=_baskets(for_sale),
            gone=[row for row in rows if row.line.availability == Availability.NOT_ON_SALE],
            removed=self._removed(),
            put_back=self.request.GET.get("quantity", ""),
        )
        answer = self.render_to_response(context)
        answer.status_code = status
        return answer

    def _removed(self) -> Item | None:
        """What can be put back: that it was taken out is only what the address says, and pressing decides."""
        removed = self.request.GET.get("removed")
        try:
            found = get_item(removed, visible_to=self.customer.acting) if removed else None
        except NotFound:
            return None
        return found if found is not None and found.is_for_sale else None


def _row(line: CartLine, faulty: QuantityForm | None) -> Row:
    form = faulty or QuantityForm({"quantity": line.quantity}, auto_id=f"id_%s_{line.item.public_id}")
    limit_quantity(form, line.item)
    is_available = line.availability == Availability.AVAILABLE
    return Row(line, form, _money(line.item.price_minor * line.quantity, line.item.currency) if is_available else None)


def _money(minor: int, currency: str) -> Money | None:
    return Money(minor, currency) if minor <= AMOUNT_MINOR_MAX else None


def _baskets(rows: Sequence[Row]) -> list[Basket]:
    """Cut a cart by currency, and what is in each by seller, as they were put in."""
    return [
        _basket(currency, [row for row in rows if row.line.item.currency == currency])
        for currency in dict.fromkeys(row.line.item.currency for row in rows)
    ]


def _basket(currency: str, rows: Sequence[Row]) -> Basket:
    sellers = {row.line.item.seller_id: row.line.item.seller for row in rows}
    orderable = [row.line for row in rows if row.line.availability == Availability.AVAILABLE]
    return Basket(
        currency=currency,
        sellers=[(seller, [row for row in rows if row.line.item.seller_id == key]) for key, seller in sellers.items()],
        total=_money(sum(line.item.price_minor * line.quantity for line in orderable), currency),
        number=sum(line.quantity for line in orderable),
    )


class ChangeLine(CartPage):
    """POST /cart/lines/<item>: so many of it, however many there were"""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, item_id: str) -> HttpResponse:
        form = QuantityForm(request.POST, auto_id=f"id_%s_{item_id}")
        if not form.is_valid():
            return self.show({item_id: form}, status=422)
        try:
            services.put_line(
                item=item_id, quantity=form.cleaned_data["quantity"], actor=self.customer, now=clock.now()
            )
        except Refusal as refusal:
            form.add_error("quantity", say(refusal))
            return self.show({item_id: form}, status=refusal.status)
        return redirect("portal:cart")


class TakeOut(BuyerPage):
    """POST /cart/lines/<item>/remove; twice is as once"""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, item_id: str) -> HttpResponse:
        try:
            services.take_line_out(item=item_id, actor=self.customer)
        except NotFound:
            return redirect("portal:cart")
        undo = {"removed": item_id, "quantity": request.POST.get("quantity", "")}
        return redirect(with_query(reverse("portal:cart"), undo))


class AddToCart(BuyerPage, PageOfItem, FormPage):
    """/items/<id>/cart?quantity=: so many more of it; with `now` the order instead, and the cart stays as it is"""

    template_name = "portal/buying/add.html"
    form_class = AddForm
    refused_beside = {"cart_full": "quantity"}

    def way_back(self) -> str:
        """A log-in in between loses neither how many nor the scan."""
        asked = self.request.POST if self.request.method == "POST" else self.request.GET
        taken_along = {name: asked.get(name, "")[:10] for name in ("quantity", "now")}
        return with_query(self.request.path, taken_along)

    def get(self, request: HttpRequest, item_id: str) -> HttpResponse:
        if request.GET.get("now"):
            return self._order(request.GET.get("quantity", "1"))
        return self.show_form(AddForm(initial={"quantity": request.GET.get("quantity", 1)}), status=200)

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        item = self.find_item()
        limit_quantity(form, item)
        context = self.get_context_data(form=form, item=item, key=form.data.get("key") or secrets.token_urlsafe(16))
        answer = self.render_to_response(context)
        answer.status_code = status
        return answer

    def act(self, form: Any) -> HttpResponse:
        said = form.cleaned_data
        if said["now"]:
            return self._order(str(said["quantity"]))
        item = self.kwargs["item_id"]

        def effect() -> str:
            services.add_to_line(item=item, quantity=said["quantity"], actor=self.customer, now=clock.now())
            return reverse("portal:cart")

        leads_to = once(attempt_of(said, self.request.path, self.customer), effect)
        messages.success(self.request, _("“%(title)s” is in your cart.") % {"title": self.find_item().title})
        return redirect(leads_to)

    def _order(self, quantity: str) -> HttpResponse:
        order = reverse("portal:order-item", args=[self.kwargs["item_id"]])
        return redirect(self.onward(with_query(order, {"quantity": quantity})))
