"""What pages of the counter have in common: they are for sellers, and those of a till act for it."""

from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django_htmx.http import HttpResponseClientRedirect

from core.errors import Refusal
from orders.counter.cashier.callers import Cashier, cashier_at
from portal.pages.base import SellerPage
from portal.pages.counter.wording import say_at_till


class CounterPage(SellerPage):
    """A page of the counter; what it refuses is said in the counter's words."""

    def refuse_entry(self) -> HttpResponseBase | None:
        refused = super().refuse_entry()
        if isinstance(refused, HttpResponseRedirect) and is_fragment(self.request):
            return HttpResponseClientRedirect(refused.url)  # Else a part of the page would become the log-in.
        return refused

    def show_refusal(self, refusal: Refusal) -> HttpResponse:
        context = self.get_context_data(said=say_at_till(refusal))
        template = "portal/counter/refusal.html"
        return TemplateResponse(self.request, template, context, status=refusal.status).render()


class TillPage(CounterPage):
    """A page of one till, for whoever acts for the seller whose it is."""

    @cached_property
    def cashier(self) -> Cashier:
        """:raises NotFound: the seller has no such till. :raises TerminalRevoked: it is out of service."""
        return cashier_at(self.kwargs["terminal_id"], actor=self.customer)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(cashier=self.__dict__.get("cashier"), **context)


def is_fragment(request: HttpRequest) -> bool:
    """Whether a script of ours asks for the part that changed."""
    return bool(request.htmx)  # type: ignore[attr-defined]
