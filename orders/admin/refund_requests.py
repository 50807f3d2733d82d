"""What buyers ask to have back, and the operator's word where the seller has had its time."""

from collections.abc import Callable

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from unfold.decorators import action, display

from accounts.browser import operator_of
from billing.admin.forms import sent
from core import clock
from core.admin import ReadOnlyAdmin, attempt, link_to, page, show_page, shown_money, table
from orders import services
from orders.models import OrderLine, RefundRequest

MINUTES = "%Y-%m-%d %H:%M UTC"
COLOURS = {"open": "warning", "accepted": "success", "refused": "info"}
VERDICTS = {"accept": services.accept_refund_request, "refuse": services.refuse_refund_request}


class AnswerForm(forms.Form):
    """What the operator says to it; the button pressed says which of the two it is."""

    answer = forms.CharField(
        max_length=RefundRequest._meta.get_field("answer").max_length,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Buyer and seller read it.",
    )


@admin.register(RefundRequest)
class RefundRequestAdmin(ReadOnlyAdmin):
    """The seller answers; what it has left lying is answered here."""

    icon = "contact_support"
    waiting_query = "status__exact=open"
    list_display = ("public_id", "order_link", "state", "requested_by", "requested_at", "operators_from", "decided_by")
    list_filter = ("status",)
    list_select_related = ("order", "requested_by", "decided_by")
    search_fields = ("public_id__startswith", "order__public_id__exact")
    search_help_text = "rfq_… or ord_…"
    pages = ("answer",)
    actions_detail = ("go_answer",)

    def rows_waiting(self) -> QuerySet:
        return RefundRequest.objects.filter(status=RefundRequest.Status.OPEN, overdue_at__isnull=False)

    @display(description="order")
    def order_link(self, request: RefundRequest) -> str:
        return link_to("orders.order", request.order_id, request.order.public_id)

    @display(description="status", label=COLOURS)
    def state(self, request: RefundRequest) -> str:
        return request.status

    def has_answer_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        if not request.user.has_perm("orders.change_refundrequest"):
            return False
        return object_id is None or RefundRequest.objects.filter(pk=object_id, status="open").exists()

    @action(description="Answer it", icon="gavel", permissions=["answer"])
    def go_answer(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:orders_refundrequest_answer", object_id)

    @page("<int:request_id>/answer/", permission="orders.change_refundrequest")
    def answer(self, request: HttpRequest, request_id: int) -> HttpResponse:
        """What is asked for, with the sum, and two ways to answer; the services say whether it is time."""
        asked = get_object_or_404(RefundRequest.objects.select_related("order__buyer", "order__seller"), pk=request_id)
        form, decide = AnswerForm(sent(request)), VERDICTS.get(request.POST.get("verdict", ""))
        if decide and form.is_valid() and self._answered(request, asked, decide, form.cleaned_data["answer"]):
            return redirect(reverse("admin:orders_refundrequest_change", args=[asked.pk]))
        return show_page(
            request,
            self,
            "orders/admin/refund_request.html",
            title=f"What {asked.requested_by} asks to have back",
            original=asked,
            form=form,
            sum=shown_money(_asked_minor(asked), asked.order.currency),
            known=_known(asked),
        )

    def _answered(
        self, request: HttpRequest, asked: RefundRequest, decide: Callable[..., RefundRequest], answer: str
    ) -> bool:
        actor, now = operator_of(request), clock.now()
        answered = attempt(request, lambda: decide(request=asked.public_id, answer=answer, actor=actor, now=now))
        if answered is None:
            return False
        self.log_change(request, answered, f"Answered: {answered.status}.")
        messages.success(request, f"The request is {answered.status}.")
        return True


def _asked_minor(asked: RefundRequest) -> int:
    """What an acceptance gives back."""
    if asked.lines is None:
        return asked.order.refundable_minor
    return sum(line["amount"] for line in asked.lines)


def _known(asked: RefundRequest) -> str:
    order = asked.order
    lines = [
        ("order", link_to("orders.order", order.pk, order.public_id)),
        ("of it", _lines(asked)),
        ("because", asked.reason),
        ("buyer", link_to("accounts.account", order.buyer_id, order.buyer) if order.buyer else "nobody"),
        ("seller", link_to("accounts.account", order.seller_id, order.seller)),
        ("paid", shown_money(order.paid_minor, order.currency)),
        ("given back so far", shown_money(order.refunded_minor, order.currency)),
        ("asked at", f"{asked.requested_at:{MINUTES}}"),
        ("operators may answer from", f"{asked.operators_from:{MINUTES}}"),
    ]
    return table(["", ""], lines)


def _lines(asked: RefundRequest) -> str:
    if asked.lines is None:
        return "all that is left"
    titles = {line.public_id: line.title for line in OrderLine.objects.filter(order=asked.order)}
    return ", ".join(
        f"{titles[line['line']]}: {shown_money(line['amount'], asked.order.currency)}" for line in asked.lines
    )
