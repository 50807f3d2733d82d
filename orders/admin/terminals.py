"""Tills for operators: read, and taken out of service for a reason. A till's key is nowhere to be seen."""

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.browser import operator_of
from core import clock
from core.admin import ReadOnlyAdmin, link_to, list_link, table
from core.errors import Refusal
from orders.counter.models import Terminal, TillRequest
from orders.counter.services.shutting import shut_terminal

REASON_LENGTH_MAX = 500
REQUESTS_SHOWN_MAX = 25


class ReasonForm(BaseDialogForm):
    """Why an operator takes a till from its store."""

    reason = forms.CharField(max_length=REASON_LENGTH_MAX, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


@admin.register(Terminal)
class TerminalAdmin(ReadOnlyAdmin):
    """Found by its id, or by its store's."""

    icon = "point_of_sale"
    list_display = ("public_id", "name", "shown_store", "institution", "state", "created_at")
    list_select_related = ("store",)
    search_fields = ("public_id__exact",)
    search_help_text = "A till's id (trm_…), or its store's (sto_…)"
    fields = readonly_fields = (
        "public_id",
        "name",
        "shown_store",
        "institution",
        "state",
        "created_by",
        "created_at",
        "rotated_at",
        "revoked_at",
        "revoked_by",
        "revoke_reason",
        "trades",
        "requests",
    )
    actions_detail = ("revoke",)

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        return queryset.filter(store__public_id=term) if term.startswith("sto_") else super().find(queryset, term)

    @display(description="store")
    def shown_store(self, terminal: Terminal) -> str:
        return link_to("catalog.store", terminal.store_id, terminal.store.name)

    @display(description="state", label={"in service": "success", "revoked": "danger"})
    def state(self, terminal: Terminal) -> str:
        return "in service" if terminal.revoked_at is None else "revoked"

    @display(description="trades")
    def trades(self, terminal: Terminal) -> str:
        return list_link("orders.countertrade", f"q={terminal.public_id}", "what it has sold")

    @display(description="highest sequences")
    def requests(self, terminal: Terminal) -> str:
        """Also those that were cancelled before anything came of them."""
        made = TillRequest.objects.filter(terminal=terminal).select_related("trade__order", "refund")
        rows = [
            (request.sequence, link_to("orders.tillrequest", request.pk, request.kind), effect_of(request))
            for request in made.order_by("-sequence")[:REQUESTS_SHOWN_MAX]
        ]
        return table(("sequence", "kind", "what came of it"), rows, numbers={"sequence"}) if rows else "none"

    def has_revoke_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("orders.change_terminal")

    @action(
        description="Revoke",
        url_path="revoke",
        permissions=["revoke"],
        dialog={
            "title": "Take this till out of service",
            "description": "Its key stops at once, and for good. What it sold stays; other tills of the store can "
            "look at it, cancel it and give it back.",
            "form_class": ReasonForm,
            "form_submit_text": "Revoke",
        },
    )
    def revoke(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        terminal, reason = Terminal.objects.get(pk=object_id), form.cleaned_data["reason"]
        try:
            shut_terminal(terminal=terminal.public_id, reason=reason, actor=operator_of(request), now=clock.now())
        except Refusal as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
        else:
            self.log_change(request, terminal, f"Revoked: {reason}")
            self.message_user(request, "The till is out of service.", messages.SUCCESS)
        return HttpResponse(headers={"HX-Redirect": reverse("admin:orders_terminal_change", args=[object_id])})


def effect_of(request: TillRequest) -> str:
    """Link to what a request of a till has made."""
    if request.refund is not None:
        return link_to("orders.refund", request.refund_id, request.refund.public_id)
    if request.trade is not None:
        return link_to("orders.countertrade", request.trade_id, request.trade.order.public_id)
    return "nothing, for ever"
