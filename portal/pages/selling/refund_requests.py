"""What customers ask back: a list, and an answer that names the sum before it is given."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock
from core.errors import NotFound, Refusal
from core.money import Money
from orders.models import RefundRequest
from orders.selectors import get_order, get_refund_request, lines_of, refund_requests
from orders.selling import foresee_refund
from orders.services import WantedRefundLine, accept_refund_request, refuse_refund_request
from portal.pages.base import FormPage, TextPage
from portal.pages.payments import attempt_of, once
from portal.pages.selling.forms import AnswerForm
from portal.pages.selling.parts import REQUEST_STATES, SellingPage, SumChanged, Tab, a_page_of, new_key

_OPEN = RefundRequest.Status.OPEN


class PageOfRequests(SellingPage):
    gone = gettext_lazy("Nobody has asked you for this.")
    list_page = "sell-refund-requests"


class RefundRequests(PageOfRequests, TextPage):
    """/sell/refund-requests, with ?state=: first those that wait for an answer"""

    template_name = "portal/selling/refund_requests.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        is_all = request.GET.get("state") == "all"
        found = refund_requests(visible_to=self.customer.acting, state=None if is_all else _OPEN, now=clock.now())
        page, more = a_page_of(found.select_related("requested_by", "order"), request.GET)
        context = self.get_context_data(
            tabs=[Tab(_("To answer"), "?", None, not is_all), Tab(_("All"), "?state=all", None, is_all)],
            is_all=is_all,
            requests=[
                (one, REQUEST_STATES[RefundRequest.Status(one.status)], Money(one.asked_minor, one.order.currency))
                for one in page
            ],
            more=more,
        )
        return self.render_to_response(context)


class Answer(PageOfRequests, FormPage):
    """/sell/refund-requests/<id>: accepting names the sum and where it comes from"""

    template_name = "portal/selling/refund_request.html"
    form_class = AnswerForm

    def own_request(self) -> RefundRequest:
        """:raises NotFound: nobody has asked this seller for it."""
        found = get_refund_request(self.kwargs["request_id"], visible_to=self.customer.acting)
        if found.order.seller_id != self.customer.acting.pk:
            raise NotFound
        return found

    def get(self, request: HttpRequest, request_id: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def get_initial(self) -> dict[str, Any]:
        return {"key": new_key(), "sum": self.own_request().asked_minor}

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        asked = self.own_request()
        order = get_order(asked.order.public_id, visible_to=self.customer.acting)
        titles = {line.public_id: line.title for line in lines_of([order])[order.pk]}
        context = self.get_context_data(
            form=form,
            asked=asked,
            order=order,
            state=REQUEST_STATES[RefundRequest.Status(asked.status)],
            amount=Money(asked.asked_minor, order.currency),
            lines=[(titles.get(one["line"], ""), Money(one["amount"], order.currency)) for one in asked.lines or ()],
            is_open=asked.status == _OPEN,
            **_foreseen(asked, order),
        )
        answer = self.render_to_response(context)
        answer.status_code = status
        return answer

    def act(self, form: Any) -> HttpResponse:
        said, public_id = form.cleaned_data, self.kwargs["request_id"]

        def effect() -> str:
            answered = {"request": public_id, "answer": said["answer"], "actor": self.customer, "now": clock.now()}
            if said["verdict"] == "refuse":
                refuse_refund_request(**answered)
            else:
                if self.own_request().asked_minor != said["sum"]:
                    raise SumChanged
                accept_refund_request(**answered)
            return reverse("portal:sell-refund-request", args=[public_id])

        return redirect(once(attempt_of(said, self.request.path, self.customer), effect))


def _foreseen(asked: RefundRequest, order: Any) -> dict[str, Any]:
    """Where the money would come from; or that there is not so much left."""
    if asked.status != _OPEN:
        return {}
    lines = [WantedRefundLine(line["line"], line["amount"]) for line in asked.lines or ()]
    try:
        amount_minor = None if lines else order.refundable_minor
        return {"foreseen": foresee_refund(order=order, amount_minor=amount_minor, lines=lines)}
    except Refusal:
        return {"is_too_much": True}
