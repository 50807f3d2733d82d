"""What operators decide about payments whose provider never said how they ended: one asks, another one agrees."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from accounts.browser import operator_of
from core import clock
from core.admin import ReadOnlyAdmin, back_to, link_to
from core.errors import Refusal
from wallets.admin.owned import link_to_payment
from wallets.providers.models import ProviderDecision
from wallets.services import by_hand

STATES = {
    "requested": Q(decided_at=None, withdrawn_at=None),
    "decided": Q(decided_at__isnull=False),
    "withdrawn": Q(withdrawn_at__isnull=False),
}


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state) for state in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        state = STATES.get(self.value() or "")
        return queryset.filter(state) if state else queryset


@admin.register(ProviderDecision)
class ProviderDecisionAdmin(ReadOnlyAdmin):
    """Asked for on a payment's page; approved or withdrawn here."""

    icon = "gavel"
    waiting_query = "state=requested"
    list_display = ("what", "payment", "state", "reason", "requested_by", "requested_at", "decided_by")
    list_select_related = ("requested_by", "decided_by")
    list_filter = (StateFilter,)
    search_fields = ("reference__exact",)
    search_help_text = "The id of a top-up, withdrawal or charge"
    fields = readonly_fields = (
        "what",
        "payment",
        "state",
        "provider",
        "provider_reference",
        "reason",
        "asked_by",
        "requested_at",
        "decided_by",
        "decided_at",
        "withdrawn_by",
        "withdrawn_at",
    )
    actions_detail = ("approve", "withdraw")

    def rows_waiting(self) -> QuerySet:
        return ProviderDecision.objects.filter(STATES["requested"])

    @display(description="payment")
    def payment(self, decision: ProviderDecision) -> str:
        return link_to_payment(decision.reference)

    @display(description="state", label={"requested": "warning", "decided": "success", "withdrawn": "info"})
    def state(self, decision: ProviderDecision) -> str:
        return decision.status

    @display(description="asked for by")
    def asked_by(self, decision: ProviderDecision) -> str:
        return link_to("accounts.account", decision.requested_by_id, decision.requested_by.name)

    def has_decide_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("wallets.change_providerdecision")

    @action(
        description="Approve",
        url_path="approve",
        permissions=["decide"],
        dialog={
            "title": "Settle this payment as asked",
            "description": "It ends as the provider's people are said to have told; the money follows. This is final.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Approve",
        },
    )
    def approve(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, by_hand.approve_settlement, "Approved.", "The payment is settled.")

    @action(
        description="Withdraw",
        url_path="withdraw",
        permissions=["decide"],
        dialog={
            "title": "Withdraw this wish",
            "description": "The payment stays as it is, and may be asked for again.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Withdraw",
        },
    )
    def withdraw(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, by_hand.withdraw_settlement, "Withdrawn.", "The wish is withdrawn.")

    def _decide(
        self, request: HttpRequest, object_id: str, service: Callable[..., Any], logged: str, said: str
    ) -> HttpResponse:
        try:
            decision = service(decision=int(object_id), actor=operator_of(request), now=clock.now())
        except Refusal as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
        else:
            self.log_change(request, decision, logged)
            self.message_user(request, said, messages.SUCCESS)
        return back_to("wallets_providerdecision", object_id)
