"""What sellers' pages have in common: lists that go on, words for states, and what was done said once."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import Item
from core.api.lists import after_cursor, write_cursor
from core.errors import Conflict, NotFound, Refusal
from orders.models import Order, RefundRequest
from portal.pages.base import FormPage, PressPage, SellerPage
from portal.wording import say
from wallets.models import Earning

Row = TypeVar("Row", bound=Model)

NEWEST_FIRST = ("-id",)


@dataclass(frozen=True, slots=True)
class State:
    """A state in one word, and how it looks: good, bad, wait or plain."""

    text: str | Promise
    tone: str = "plain"


ITEM_STATES = {
    Item.Status.DRAFT: State(gettext_lazy("Draft")),
    Item.Status.ON_SALE: State(gettext_lazy("On sale"), "good"),
    Item.Status.PAUSED: State(gettext_lazy("Withdrawn"), "wait"),
    Item.Status.REMOVED: State(gettext_lazy("Removed")),
}
SOLD_OUT = State(gettext_lazy("Sold out"), "bad")
ORDER_STATES = {
    Order.Status.PENDING: State(gettext_lazy("Not paid yet")),
    Order.Status.PAID: State(gettext_lazy("To hand over"), "wait"),
    Order.Status.FULFILLED: State(gettext_lazy("Handed over"), "good"),
    Order.Status.COMPLETED: State(gettext_lazy("Completed"), "good"),
    Order.Status.CANCELLED: State(gettext_lazy("Cancelled")),
    Order.Status.CLOSED: State(gettext_lazy("Never paid")),
}
GIVEN_BACK = State(gettext_lazy("Given back"), "bad")
REQUEST_STATES = {
    RefundRequest.Status.OPEN: State(gettext_lazy("To answer"), "wait"),
    RefundRequest.Status.ACCEPTED: State(gettext_lazy("Accepted"), "good"),
    RefundRequest.Status.REFUSED: State(gettext_lazy("Refused")),
}
EARNING_STATES = {
    Earning.Status.PENDING: State(gettext_lazy("Waiting"), "wait"),
    Earning.Status.HELD: State(gettext_lazy("Held"), "bad"),
    Earning.Status.RELEASED: State(gettext_lazy("Released"), "good"),
    Earning.Status.REVERSED: State(gettext_lazy("Taken back")),
}


def state_of_item(item: Item) -> State:
    if item.status == Item.Status.ON_SALE and item.stock == 0:
        return SOLD_OUT
    return ITEM_STATES[Item.Status(item.status)]


def state_of_order(order: Order) -> State:
    if order.refunded_minor and not order.refundable_minor:
        return GIVEN_BACK
    return ORDER_STATES[Order.Status(order.status)]


@dataclass(frozen=True, slots=True)
class Tab:
    """One of several views of a list: how many are in it, and whether it is the one that is shown."""

    title: str | Promise
    query: str
    count: int | None
    is_here: bool


def a_page_of(rows: QuerySet[Row], asked: QueryDict, *, ordering: Sequence[str] = NEWEST_FIRST) -> tuple[Any, str]:
    """Return the rows of one page, and the query of the next; "" where there is none."""
    size = settings.SELLERS_ROWS_PER_PAGE
    found: list[Any] = list(after_cursor(rows, ordering, asked.get("cursor"))[: size + 1])
    page = found[:size]
    if len(found) <= size:
        return page, ""
    following = asked.copy()
    following["cursor"] = write_cursor(page[-1], ordering)
    return page, f"?{following.urlencode()}"


def new_key() -> str:
    """Return the key of one look at a form, under which it is done once."""
    return secrets.token_urlsafe(16)


class SellingPage(SellerPage):
    """A seller's page; what is not there is said in the words of `gone`, with the way back to `list_page`."""

    gone: Any = gettext_lazy("This is not one of yours, or not any more.")
    list_page: Any = "sell"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        """A form is made where it is shown: making it looks for what it is about, which may be what is not there."""
        return super().get_context_data(**{"form": None, **context})

    def show_refusal(self, refusal: Refusal) -> HttpResponse:
        if not isinstance(refusal, NotFound):
            return super().show_refusal(refusal)
        context = self.get_context_data(gone=self.gone, list_page=f"portal:{self.list_page}")
        return TemplateResponse(self.request, "portal/selling/gone.html", context, status=refusal.status).render()

    def done(self, said: str, page: str, *which: str) -> HttpResponse:
        """Go on to a page of ours, which says once what was done."""
        messages.success(self.request, said)
        return redirect(f"portal:{page}", *which)


class SumChanged(Conflict):
    """Somebody said yes to a sum that is another one by now."""

    code = "sum_changed"
    message = "The sum has changed meanwhile. Look at it again."


class ActionPage(SellingPage, PressPage, FormPage):
    """A button of another page: what refuses it is said there, once."""

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            return self.act(form)
        except NotFound:
            raise
        except Refusal as refusal:
            messages.error(self.request, say(refusal))
            return redirect(self.page_of_button())

    def form_invalid(self, form: Any) -> HttpResponse:
        """Nobody types into a button: somebody has made the form up, or its page is old."""
        return redirect(self.page_of_button())


def saved() -> str:
    return _("Saved.")
