"""A seller's stores and their tills: made, given a new key, taken out of service."""

from collections import defaultdict
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from catalog.models import Store
from catalog.selectors import get_own_store, stores_of
from core import clock
from core.money import Money
from orders.counter import services
from orders.counter.day import takings_by_till
from orders.counter.models import Terminal
from orders.counter.selectors import tills_of
from portal.pages.base import FormPage, TextPage
from portal.pages.counter.base import CounterPage, TillPage
from portal.pages.counter.forms import TillForm


class Counter(CounterPage, TextPage):
    """/counter"""

    template_name = "portal/counter/counter.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        seller = self.customer.acting
        stores = list(stores_of(seller.public_id, visible_to=seller).order_by("closed_at", "id"))
        return self.render_to_response(self.get_context_data(stores=self._stores(stores)))

    def _stores(self, stores: list[Store]) -> list[dict[str, Any]]:
        """Each store with its tills, and each till with what it has taken today; a constant number of statements."""
        tills: dict[int, list[Terminal]] = defaultdict(list)
        for terminal in tills_of(visible_to=self.customer.acting):
            tills[terminal.store_id].append(terminal)
        taken: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in takings_by_till(stores, clock.now().date()):
            kept = Money(row["kept"], row["currency"])
            taken[row["terminal"]].append({"kept": kept, "count": row["count"]})
        return [
            {"store": store, "tills": [{"till": till, "taken": taken[till.pk]} for till in tills[store.pk]]}
            for store in stores
            if store.closed_at is None or tills[store.pk]
        ]


class NewTill(CounterPage, FormPage):
    """/counter/stores/<id>/new-till"""

    template_name = "portal/counter/new_till.html"
    form_class = TillForm

    def get(self, request: HttpRequest, store_id: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        store = get_own_store(self.kwargs["store_id"], seller=self.customer.acting)
        context = self.get_context_data(form=form, store=store)
        return TemplateResponse(self.request, self.template_name, context, status=status)

    def act(self, form: Any) -> HttpResponse:
        """No redirect: the key is nowhere to be read again."""
        terminal, key = services.create_terminal(
            store=self.kwargs["store_id"], **form.cleaned_data, actor=self.customer, now=clock.now()
        )
        return show_key(self, terminal, key, is_new=True)


class NewKey(TillPage):
    """/counter/<till>/key"""

    def get(self, request: HttpRequest, terminal_id: str) -> HttpResponse:
        context = self.get_context_data(terminal=self.cashier.terminal)
        return TemplateResponse(request, "portal/counter/new_key.html", context)

    def post(self, request: HttpRequest, terminal_id: str) -> HttpResponse:
        """No redirect: the key is nowhere to be read again."""
        rotated = services.rotate_terminal_key(terminal=terminal_id, actor=self.customer, now=clock.now())
        return show_key(self, *rotated, is_new=False)


class Revoke(TillPage):
    """/counter/<till>/revoke"""

    def get(self, request: HttpRequest, terminal_id: str) -> HttpResponse:
        context = self.get_context_data(terminal=self.cashier.terminal)
        return TemplateResponse(request, "portal/counter/revoke.html", context)

    def post(self, request: HttpRequest, terminal_id: str) -> HttpResponse:
        services.revoke_terminal(terminal=terminal_id, actor=self.customer, now=clock.now())
        messages.success(request, _("The till is out of service. What it sold stays, and can be given back."))
        return redirect("portal:counter")


def show_key(page: CounterPage, terminal: Terminal, key: str, *, is_new: bool) -> HttpResponse:
    """Answer a key, once."""
    context = page.get_context_data(terminal=terminal, key=key, is_new=is_new)
    return TemplateResponse(page.request, "portal/counter/key.html", context)
