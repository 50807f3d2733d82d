"""What a seller has sold: what waits to be handed over, each order's own page, fulfilling and cancelling."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock
from core.errors import NotFound
from core.money import Money
from orders.models import Order
from orders.selectors import get_order, lines_of, orders_in_role, refund_requests_of
from orders.selling import counts_by_status, foresee_refund
from orders.services import cancel_order, fulfil_order
from portal.pages.base import FormPage, TextPage
from portal.pages.payments import attempt_of, once
from portal.pages.selling.forms import ConfirmedForm, OnceForm, SoldForm
from portal.pages.selling.parts import (
    ORDER_STATES,
    REQUEST_STATES,
    SellingPage,
    SumChanged,
    Tab,
    a_page_of,
    new_key,
    state_of_order,
)
from portal.wording import earning_in_words
from sharing.attributions import attribution_of

Status = Order.Status
_TABS = (Status.PAID, Status.FULFILLED, Status.COMPLETED, Status.PENDING, Status.CANCELLED, Status.CLOSED)


class PageOfSales(SellingPage):
    gone = gettext_lazy("This is not one of your sales.")
    list_page = "sell-orders"

    def own_sale(self) -> Order:
        """:raises NotFound: the seller has no such order."""
        order = get_order(self.kwargs["order_id"], visible_to=self.customer.acting)
        if order.seller_id != self.customer.acting.pk:
            raise NotFound
        return order


class SoldOrders(PageOfSales, TextPage):
    """/sell/orders, with ?state= and, further down, ?cursor=: first what is to be handed over"""

    template_name = "portal/selling/orders.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        form, seller = SoldForm(request.GET), self.customer.acting
        form.is_valid()
        state = form.cleaned_data.get("state", "")
        orders = orders_in_role("seller", visible_to=seller)
        page, more = a_page_of(orders.filter(status=state) if state else orders, request.GET)
        lines = lines_of(page)
        context = self.get_context_data(
            tabs=_tabs(counts_by_status(seller), state),
            state=state,
            orders=[
                (order, state_of_order(order), lines[order.pk], Money(order.total_minor, order.currency))
                for order in page
            ],
            more=more,
        )
        return self.render_to_response(context)


def _tabs(counts: dict[str, int], state: str) -> list[Tab]:
    tabs = [Tab(ORDER_STATES[one].text, f"?state={one}", counts.get(one, 0), state == one) for one in _TABS]
    shown = [tab for tab in tabs if tab.count or tab.is_here]
    return [Tab(_("All"), "?", sum(counts.values()), not state), *shown]


class SoldOrder(PageOfSales, FormPage):
    """/sell/orders/<id>: what was sold to whom, what is left of the money, and handing it over"""

    template_name = "portal/selling/order.html"
    form_class = OnceForm

    def get(self, request: HttpRequest, order_id: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def get_initial(self) -> dict[str, Any]:
        return {"key": new_key()}

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        answer = self.render_to_response(self.get_context_data(form=form, **describe(self.own_sale())))
        answer.status_code = status
        return answer

    def act(self, form: Any) -> HttpResponse:
        order = self.kwargs["order_id"]

        def effect() -> str:
            fulfil_order(order=order, actor=self.customer, now=clock.now())
            return reverse("portal:sell-order", args=[order])

        return redirect(once(attempt_of(form.cleaned_data, self.request.path, self.customer), effect))


class CancelOrder(PageOfSales, FormPage):
    """/sell/orders/<id>/cancel: asked first, with the sum that goes back and where it comes from"""

    template_name = "portal/selling/order_cancel.html"
    form_class = ConfirmedForm

    def get(self, request: HttpRequest, order_id: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def get_initial(self) -> dict[str, Any]:
        return {"key": new_key(), "sum": self.own_sale().refundable_minor}

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        order = self.own_sale()
        if order.status not in (Status.PENDING, Status.PAID):
            return redirect("portal:sell-order", order.public_id)
        left = order.refundable_minor
        foreseen = foresee_refund(order=order, amount_minor=left) if left else None
        answer = self.render_to_response(self.get_context_data(form=form, order=order, foreseen=foreseen))
        answer.status_code = status
        return answer

    def act(self, form: Any) -> HttpResponse:
        order = self.kwargs["order_id"]

        def effect() -> str:
            if self.own_sale().refundable_minor != form.cleaned_data["sum"]:
                raise SumChanged
            cancel_order(order=order, actor=self.customer, now=clock.now())
            return reverse("portal:sell-order", args=[order])

        return redirect(once(attempt_of(form.cleaned_data, self.request.path, self.customer), effect))


def describe(order: Order) -> dict[str, Any]:
    """Return what the page of an own sale says."""
    lines, currency = lines_of([order])[order.pk], order.currency
    requests = list(refund_requests_of(order).order_by("-id")) if order.paid_minor else []
    fee = Money(order.fee_minor - order.fee_refunded_minor, currency)
    return {
        "order": order,
        "state": state_of_order(order),
        "lines": [(line, Money(line.unit_minor, currency), Money(line.amount_minor, currency)) for line in lines],
        "total": Money(order.total_minor, currency),
        "refunded": Money(order.refunded_minor, currency) if order.refunded_minor else None,
        "kept": Money(order.refundable_minor, currency),
        "fee": fee,
        "brought": list(_brought(order, lines)),
        "refunds": [(refund, Money(refund.amount_minor, currency)) for refund in _refunds(order)],
        "requests": [(one, REQUEST_STATES[one.status], Money(one.asked_minor, currency)) for one in requests],  # type: ignore[index]
        "steps": list(_steps(order)),
        "may_fulfil": order.status == Status.PAID,
        "may_cancel": order.status in (Status.PENDING, Status.PAID),
        "may_refund": bool(order.refundable_minor),
    }


def _refunds(order: Order) -> list[Any]:
    """Most orders have none: they are not asked about."""
    return list(order.refunds.order_by("-id")) if order.refunded_minor else []


def _brought(order: Order, lines: Any) -> Any:
    """Yield who brought the customer of which line, for what, and what that costs."""
    titles = {line.pk: line.title for line in lines if line.share_terms}
    for won in attribution_of(order.public_id).won if titles else ():
        charged_minor = won.promised_minor if won.charged_minor is None else won.charged_minor
        cost = Money(charged_minor - won.reversed_minor, order.currency)
        yield won.sharer.name, titles[won.line], earning_in_words(won.share.program), cost


def _steps(order: Order) -> Any:
    """Yield how far it has come, and what comes next, for a timeline."""
    yield {"title": _("Ordered"), "at": order.placed_at, "tone": "done"}
    if order.paid_at:
        yield {"title": _("Paid"), "at": order.paid_at, "tone": "done"}
    if order.fulfilled_at:
        yield {"title": _("Handed over"), "at": order.fulfilled_at, "tone": "done"}
    if order.completed_at:
        yield {"title": _("Completed"), "at": order.completed_at, "tone": "done"}
    if order.ended_at:
        title = _("Cancelled") if order.status == Status.CANCELLED else _("Closed: it was never paid")
        yield {"title": title, "at": order.ended_at, "tone": "bad"}
    if next_step := _next_step(order):
        yield next_step


def _next_step(order: Order) -> dict[str, Any] | None:
    said = {
        Status.PENDING: (_("Waiting for the customer to pay"), _("What is not paid in time is closed by itself.")),
        Status.PAID: (_("Hand it over"), _("Then say so here: the customer sees it, and can confirm.")),
        Status.FULFILLED: (
            _("The customer confirms"),
            _("Or time does. After that the hold period of your earnings begins."),
        ),
    }.get(Status(order.status))
    if said is None:
        return None
    title, text = said
    return {"title": title, "text": text, "at": None, "tone": "now" if order.status == Status.PAID else "next"}
