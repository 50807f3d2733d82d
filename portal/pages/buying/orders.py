"""What a buyer does with orders besides paying: look through them, cancel, say that it is there, ask for money back."""

import secrets
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock
from core.api.lists import after_cursor, write_cursor
from core.errors import NotFound, Refusal
from core.money import Money
from orders import services
from orders.models import Order, OrderLine
from orders.selectors import get_order, lines_of, orders_in_role
from orders.services import WantedRefundLine
from portal.pages.base import BuyerPage, FormPage, TextPage
from portal.pages.buying.forms import KeyedForm, RefundForm
from portal.pages.buying.wording import badge_of
from portal.pages.payments import attempt_of, once
from portal.pages.scanning import with_query

Status = Order.Status

NEWEST_FIRST = ("-id",)

_TABS: dict[str, tuple[str | Promise, tuple[Status, ...]]] = {
    "": (gettext_lazy("All"), ()),
    "to-pay": (gettext_lazy("To pay"), (Status.PENDING,)),
    "paid": (gettext_lazy("On the way"), (Status.PAID,)),
    "arrived": (gettext_lazy("Handed over"), (Status.FULFILLED,)),
    "completed": (gettext_lazy("Completed"), (Status.COMPLETED,)),
    "ended": (gettext_lazy("Cancelled"), (Status.CANCELLED, Status.CLOSED)),
}


class OrderList(BuyerPage, TextPage):
    """/orders, with ?state= and, further down, ?cursor="""

    template_name = "portal/buying/orders.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        state = request.GET.get("state", "")
        state = state if state in _TABS else ""
        page, following = self._page(_TABS[state][1], request.GET.get("cursor"))
        lines = lines_of(page)
        here = reverse("portal:orders")
        return self.render_to_response(
            self.get_context_data(
                orders=[
                    (order, lines[order.pk], Money(order.total_minor, order.currency), badge_of(order))
                    for order in page
                ],
                tabs=[
                    (title, with_query(here, {"state": name}), name == state)
                    for name, (title, _statuses) in _TABS.items()
                ],
                state=state,
                more=with_query(here, {"state": state, "cursor": following}) if following else "",
            )
        )

    def _page(self, statuses: Sequence[Status], cursor: str | None) -> tuple[list[Order], str]:
        """The orders of one page, and the cursor of the next; "" where there is none."""
        own = orders_in_role("buyer", visible_to=self.customer.acting)
        if statuses:
            own = own.filter(status__in=statuses)
        found = list(after_cursor(own, NEWEST_FIRST, cursor)[: settings.ORDERS_PER_PAGE + 1])
        page = found[: settings.ORDERS_PER_PAGE]
        return page, write_cursor(page[-1], NEWEST_FIRST) if len(found) > len(page) else ""


class OwnOrderPage(BuyerPage, FormPage):
    """A page about something that the buyer of an order may do with it now; others have no such order."""

    form_class: Any = KeyedForm

    def get(self, request: HttpRequest, order_id: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def show_refusal(self, refusal: Refusal) -> HttpResponse:
        if not isinstance(refusal, NotFound):
            return super().show_refusal(refusal)
        answer = TemplateResponse(self.request, "portal/order_not_there.html", self.get_context_data(form=None))
        answer.status_code = refusal.status
        return answer.render()

    def find_order(self) -> Order:
        """:raises NotFound: the acting account has not ordered it."""
        order = get_order(self.kwargs["order_id"], visible_to=self.customer.acting)
        if order.buyer_id != self.customer.acting.pk:
            raise NotFound
        return order

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        form = context.get("form")
        kept = form.data.get("key") if form is not None else None
        return super().get_context_data(key=kept or secrets.token_urlsafe(16), **context)


class MoveOrder(OwnOrderPage):
    """Asks once more before an order is moved on for good, with its sum."""

    service: ClassVar[Callable[..., Order]]
    allowed_from: ClassVar[Status]
    done: ClassVar[str | Promise]

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        """Where it is too late, the order's own page says how far it is."""
        order = self.find_order()
        if order.status != self.allowed_from and not form.is_bound:
            return redirect("portal:order", order.public_id)
        total, days = Money(order.total_minor, order.currency), settings.EARNINGS_HOLD_PERIOD.days
        context = self.get_context_data(form=form, order=order, total=total, days=days)
        answer = self.render_to_response(context)
        answer.status_code = status
        return answer

    def act(self, form: Any) -> HttpResponse:
        order = self.kwargs["order_id"]

        def effect() -> str:
            type(self).service(order=order, actor=self.customer, now=clock.now())
            return reverse("portal:order", args=[order])

        leads_to = once(attempt_of(form.cleaned_data, self.request.path, self.customer), effect)
        messages.success(self.request, str(self.done))
        return redirect(leads_to)


class Cancel(MoveOrder):
    """/orders/<id>/cancel"""

    template_name = "portal/buying/cancel.html"
    service = staticmethod(services.cancel_order)
    allowed_from = Status.PENDING
    done = gettext_lazy("The order is cancelled. Nothing was paid.")


class Received(MoveOrder):
    """/orders/<id>/received"""

    template_name = "portal/buying/received.html"
    service = staticmethod(services.complete_order)
    allowed_from = Status.FULFILLED
    done = gettext_lazy("Thank you. The order is completed.")


class AskForRefund(OwnOrderPage):
    """/orders/<id>/refund: which things, how much of each, and why"""

    template_name = "portal/buying/refund.html"
    form_class = RefundForm

    order: Order

    def get_form(self, form_class: Any = None) -> Any:
        self.order = self.find_order()
        form = super().get_form(form_class)
        form.offer_lines(self.order, self._lines())
        return form

    def _lines(self) -> list[OrderLine]:
        return lines_of([self.order])[self.order.pk]

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        left = Money(self.order.refundable_minor, self.order.currency)
        if not left.minor and not form.is_bound:
            return redirect("portal:order", self.order.public_id)
        context = self.get_context_data(form=form, order=self.order, left=left, days=settings.REFUND_REQUEST_LIMIT.days)
        answer = self.render_to_response(context)
        answer.status_code = status
        return answer

    def act(self, form: Any) -> HttpResponse:
        said, order = form.cleaned_data, self.kwargs["order_id"]
        lines = [WantedRefundLine(line, minor) for line, minor in said["asked"].items()]

        def effect() -> str:
            services.request_refund(
                order=order, lines=lines, reason=said["reason"], actor=self.customer, now=clock.now()
            )
            return reverse("portal:order", args=[order])

        leads_to = once(attempt_of(said, self.request.path, self.customer), effect)
        messages.success(self.request, _("The seller is asked. You see here what the answer is."))
        return redirect(leads_to)
