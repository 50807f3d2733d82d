"""Giving money back: all, a part, or by item; shown first with its sum and where it comes from, and then done once."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from core import clock
from core.api.idempotency import KEY_LENGTH_MAX
from core.errors import Refusal
from core.money import Money
from orders.models import Order
from orders.selectors import lines_of
from orders.selling import foresee_refund
from orders.services import refund_order
from portal.pages.base import FormPage
from portal.pages.payments import attempt_of, once
from portal.pages.selling.forms import RefundForm
from portal.pages.selling.orders import PageOfSales
from portal.pages.selling.parts import SumChanged, new_key
from portal.wording import say


class RefundOrder(PageOfSales, FormPage):
    """
    /sell/orders/<id>/refund

    Its form is sent twice: first it comes back as a question with the sum on the button, and then it is done, once for
    the key (`confirmed`) of that question.
    """

    template_name = "portal/selling/refund.html"
    form_class = RefundForm
    refused_beside = {"refund_exceeds_paid": "how"}

    def get(self, request: HttpRequest, order_id: str) -> HttpResponse:
        return self.show_form(self.get_form(), status=200)

    def get_form_kwargs(self) -> dict[str, Any]:
        order = self.own_sale()
        return {**super().get_form_kwargs(), "order": order, "lines": lines_of([order])[order.pk]}

    def form_valid(self, form: Any) -> HttpResponse:
        key = self.request.POST.get("confirmed", "")[:KEY_LENGTH_MAX]
        if key and "change" not in self.request.POST:
            return super().form_valid(form)
        if "change" in self.request.POST:
            return self.show_form(form, status=200)
        try:
            return self._ask(form)
        except Refusal as refusal:
            form.add_error(self.refused_beside.get(refusal.code), say(refusal))
            return self.show_form(form, status=refusal.status)

    def _ask(self, form: Any) -> HttpResponse:
        said = form.cleaned_data
        foreseen = foresee_refund(order=form.order, amount_minor=said["amount_minor"], lines=said["wanted"])
        context = self.get_context_data(form=form, order=form.order, foreseen=foreseen, key=new_key())
        return self.response_class(self.request, ["portal/selling/refund_confirm.html"], context)

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        order: Order = form.order
        if not order.refundable_minor:
            return redirect("portal:sell-order", order.public_id)
        left = Money(order.refundable_minor, order.currency)
        answer = self.render_to_response(self.get_context_data(form=form, order=order, left=left))
        answer.status_code = status
        return answer

    def act(self, form: Any) -> HttpResponse:
        order, said = self.kwargs["order_id"], form.cleaned_data
        wanted = {"order": order, "amount_minor": said["amount_minor"], "lines": said["wanted"]}

        def effect() -> str:
            if form.asked_minor != form.cleaned_data["sum"]:
                raise SumChanged
            refund_order(**wanted, reason=said["reason"], actor=self.customer, now=clock.now())
            return reverse("portal:sell-order", args=[order])

        attempt = attempt_of(_sent(self.request.POST), self.request.path, self.customer)
        return redirect(once(attempt, effect))


def _sent(post: QueryDict) -> dict[str, Any]:
    """What was sent, as it was: what is left of an order may be another sum by the time of a repeat."""
    fields = {name: value for name, value in post.items() if name not in ("csrfmiddlewaretoken", "confirmed")}
    return {"key": post.get("confirmed", "")[:KEY_LENGTH_MAX], "fields": json.dumps(fields, sort_keys=True)}
