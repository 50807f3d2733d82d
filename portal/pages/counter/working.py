"""The till while something is being rung up: what is found on the shelf, the sale, its total."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from catalog.models import Item
from catalog.search import SEARCH_LENGTH_MAX
from core import clock
from core.errors import NotFound, Refusal
from core.money import Money
from orders.counter.cashier import cart
from orders.counter.cashier.selling import ring_up
from orders.counter.cashier.shelf import find_items, get_sellable, usual_currency, usual_items
from portal.pages.counter.base import TillPage, is_fragment
from portal.pages.counter.forms import FreeLineForm, RingUpForm, SaleForm, SequenceForm
from portal.pages.counter.wording import say_at_till

WHOLE, SALE, SHELF = "portal/counter/till.html", "portal/counter/_sale.html", "portal/counter/_shelf.html"


class WorkingPage(TillPage):
    """What the pages of a sale have in common: how it is shown, and what a refusal leads to."""

    def show_sale(self, *, said: str = "", free: FreeLineForm | None = None, status: int = 200) -> HttpResponse:
        """Answer the sale as it is now: the part where a script asks, else the whole page."""
        sale = cart.sale_at(self.cashier)
        if sale.trade is not None:
            return self.lead_to("portal:till-trade", self.kwargs["terminal_id"], sale.trade.order.trade_no)
        context = {
            "sale": sale,
            "total": sale.total,
            "said": said,
            "free": free or self._free_line(sale),
            **({} if is_fragment(self.request) else self.shelf()),
        }
        template = SALE if is_fragment(self.request) else WHOLE
        return TemplateResponse(self.request, template, self.get_context_data(**context), status=status)

    def shelf(self) -> dict[str, Any]:
        """What there is to sell: what somebody types, or the usual."""
        wanted = self.request.GET.get("find", "")[:SEARCH_LENGTH_MAX].strip()
        items = find_items(wanted, cashier=self.cashier) if wanted else usual_items(cashier=self.cashier)
        return {"find": wanted, "items": items}

    def lead_to(self, page: str, *of: str) -> HttpResponse:
        """Go to another page, from a form or from a script."""
        answer = redirect(page, *of)
        if is_fragment(self.request):
            return HttpResponse(headers={"HX-Redirect": answer["Location"]})
        return answer

    def _free_line(self, sale: cart.Sale) -> FreeLineForm:
        currency = sale.currency or usual_currency(cashier=self.cashier)
        return FreeLineForm(initial={"sequence": sale.sequence, "currency": currency})


class Till(WorkingPage):
    """/counter/<till>, with ?find="""

    def get(self, request: HttpRequest, terminal_id: str) -> HttpResponse:
        if is_fragment(request):
            sale = cart.sale_at(self.cashier)
            context = self.get_context_data(sale=sale, **self.shelf())
            return TemplateResponse(request, SHELF, context)
        return self.show_sale()


class ChangeSale(WorkingPage):
    """/counter/<till>/sale"""

    def get(self, request: HttpRequest, terminal_id: str) -> HttpResponse:
        return redirect("portal:till", terminal_id)

    def post(self, request: HttpRequest, terminal_id: str) -> HttpResponse:
        if "description" in request.POST:
            return self._add_free_line()
        form = SaleForm(request.POST)
        if not form.is_valid():
            return self.show_sale(status=422)
        return self._try(lambda: self._change(form.cleaned_data))

    def _add_free_line(self) -> HttpResponse:
        form = FreeLineForm(self.request.POST)
        if not form.is_valid():
            return self.show_sale(free=form, status=422)
        said = form.cleaned_data
        put = {"sequence": said["sequence"], "description": said["description"], "unit": said["unit"]}
        return self._try(lambda: cart.put_free_line(cashier=self.cashier, **put))

    def _change(self, said: dict[str, Any]) -> None:
        of = {"cashier": self.cashier, "sequence": said["sequence"]}
        if said["empty"]:
            cart.empty_cart(**of)
        elif said["place"] is not None and said["quantity"] is not None:
            cart.set_quantity(**of, place=said["place"], quantity=said["quantity"])
        elif said["item"] or said["find"]:
            cart.put_item(**of, item=self._item(said))

    def _item(self, said: dict[str, Any]) -> Item:
        """The item that was pressed, or the first that what was typed finds."""
        if said["item"]:
            return get_sellable(said["item"], cashier=self.cashier)
        found = find_items(said["find"], cashier=self.cashier)
        if not found:
            raise NotFound
        return found[0]

    def _try(self, change: Callable[[], None]) -> HttpResponse:
        try:
            change()
        except Refusal as refusal:
            return self.show_sale(said=say_at_till(refusal), status=refusal.status)
        return self.show_sale() if is_fragment(self.request) else redirect("portal:till", self.kwargs["terminal_id"])


class RingUp(WorkingPage):
    """/counter/<till>/ring-up"""

    def get(self, request: HttpRequest, terminal_id: str) -> HttpResponse:
        return redirect("portal:till", terminal_id)

    def post(self, request: HttpRequest, terminal_id: str) -> HttpResponse:
        form = RingUpForm(request.POST)
        if not form.is_valid():
            return self.show_sale(status=422)
        said = form.cleaned_data
        try:
            trade = ring_up(
                cashier=self.cashier,
                sequence=said["sequence"],
                amount=Money(said["amount"], said["currency"]),
                now=clock.now(),
            )
        except Refusal as refusal:
            return self.show_sale(said=say_at_till(refusal), status=refusal.status)
        return self.lead_to("portal:till-trade", terminal_id, trade.order.trade_no)


class NextSale(WorkingPage):
    """/counter/<till>/next"""

    def get(self, request: HttpRequest, terminal_id: str) -> HttpResponse:
        return redirect("portal:till", terminal_id)

    def post(self, request: HttpRequest, terminal_id: str) -> HttpResponse:
        form = SequenceForm(request.POST)
        if form.is_valid():
            cart.next_sale(cashier=self.cashier, after=form.cleaned_data["sequence"])
        return redirect("portal:till", terminal_id)
