"""
Top-ups, withdrawals and charges, with what was asked of their providers and what people decided in their place.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.browser import operator_of
from core import clock
from core.admin import ReadOnlyAdmin, back_to, link_to, money_field, table
from core.errors import Refusal
from wallets import services
from wallets.admin.owned import OwnedAdmin, ReadOnlyInline, ReasonForm, link_to_payment
from wallets.models import (
    IdentityCharge,
    ProviderAttempt,
    ProviderPayment,
    TopUp,
    TopUpReversal,
    WebhookNotice,
    Withdrawal,
)
from wallets.providers.models import ProviderDecision
from wallets.services import by_hand

CALLS_SHOWN_MAX = 50
SECONDS = "%Y-%m-%d %H:%M:%S"  # Narrow enough for a phone.
OUTCOMES = (
    ("succeeded", "It succeeded: the money has moved"),
    ("failed", "It failed: no money has moved, and none will"),
)


class SettlementForm(ReasonForm):
    """How the provider's people say that a payment ended, and where that is written."""

    what = forms.ChoiceField(label="outcome", choices=OUTCOMES, widget=UnfoldAdminSelectWidget)
    provider_reference = forms.CharField(
        label="the provider's own name for it", max_length=120, required=False, widget=UnfoldAdminTextInputWidget
    )
    field_order = ("what", "provider_reference", "reason")


class OpenFilter(admin.SimpleListFilter):
    """What its provider is still asked about: each list has an index of those."""

    title = "state"
    parameter_name = "state"
    states = {"in progress": Q(status="in_progress"), "given up": Q(status="failed")}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state) for state in self.states]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        state = self.states.get(self.value() or "")
        return queryset.filter(state, next_query_at__isnull=False) if state else queryset


class UnansweredFilter(admin.SimpleListFilter):
    title = "answer"
    parameter_name = "answer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("none", "none came")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(answer="") if self.value() == "none" else queryset


class TopUpReversalInline(ReadOnlyInline):
    model = TopUpReversal
    fields = readonly_fields = (
        money_field("from_wallet_minor", "top_up.currency"),
        money_field("to_debt_minor", "top_up.currency"),
        "reason",
        "made_by",
        "login_account",
        "reversed_at",
    )


class ProviderPaymentAdmin(OwnedAdmin):
    """Top-ups, withdrawals and charges: each with what was asked of its provider, and what that has told us."""

    list_display = ("public_id", "shown_owner", "amount", "provider", "shown_status", "requested_at", "finished_at")
    search_fields: tuple[str, ...] = ("public_id__exact",)
    fields: tuple[str, ...] = (
        "public_id",
        "shown_owner",
        "login_account",
        "amount",
        "provider",
        "provider_reference",
        "shown_status",
        "failure",
        "requested_at",
        "finished_at",
        "recorded_at",
        "next_query_at",
        "calls",
        "webhooks",
        "decisions",
        "events",
    )
    readonly_fields: tuple[str, ...] = fields
    list_filter = (OpenFilter,)
    actions_detail: tuple[str, ...] = ("ask_now", "settle")

    @display(description="calls of the provider")
    def calls(self, payment: ProviderPayment) -> str:
        made = ProviderAttempt.objects.filter(reference=payment.public_id).order_by("-id")[:CALLS_SHOWN_MAX]
        rows = [
            (
                f"{call.started_at:{SECONDS}}",
                call.what,
                " ".join(filter(None, (call.answer or "none came", call.reason))),
            )
            for call in made
        ]
        return table(("when (UTC)", "what", "answer"), rows) if rows else "none"

    @display(description="webhooks")
    def webhooks(self, payment: ProviderPayment) -> str:
        heard = WebhookNotice.objects.filter(reference=payment.public_id).order_by("-id")[:CALLS_SHOWN_MAX]
        rows = [(f"{notice.received_at:{SECONDS}}", f"{notice.kind} ({notice.effect})") for notice in heard]
        return table(("when (UTC)", "what (effect)"), rows) if rows else "none"

    @display(description="decisions of operators")
    def decisions(self, payment: ProviderPayment) -> str:
        made = ProviderDecision.objects.filter(reference=payment.public_id).select_related("requested_by")
        rows = [
            (
                f"{decision.requested_at:{SECONDS}}",
                link_to("wallets.providerdecision", decision.pk, decision.what),
                decision.status,
                f"{decision.requested_by.name}: {decision.reason}",
            )
            for decision in made.order_by("-id")[:CALLS_SHOWN_MAX]
        ]
        return table(("when (UTC)", "what", "state", "why"), rows) if rows else "none"

    def has_ask_now_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm(f"wallets.change_{self.model._meta.model_name}")

    @action(
        description="Ask now",
        url_path="ask-now",
        permissions=["ask_now"],
        dialog={
            "title": "Ask the provider now",
            "description": "The task asks at its next run what became of this, and cancels what is given up.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Ask",
        },
    )
    def ask_now(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Have the task ask the provider at its next run; nothing is called here."""
        payment = self.model._default_manager.get(pk=object_id)
        if services.ask_again(self.model, payment.public_id):
            self.log_change(request, payment, "Asked for at once.")
            self.message_user(request, "The provider is asked within a few seconds.", messages.SUCCESS)
        else:
            self.message_user(request, "Its outcome is final: there is nothing to ask.", messages.WARNING)
        return back_to(f"wallets_{self.model._meta.model_name}", object_id)

    def has_give_up_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("wallets.add_providerdecision")

    @action(
        description="Give up",
        url_path="give-up",
        permissions=["give_up"],
        dialog={
            "title": "Wait for this one no longer",
            "description": "It has failed for us at once, and the provider is told to cancel it until it answers. "
            "If it answers that this is too late, the money is booked after all.",
            "form_class": ReasonForm,
            "form_submit_text": "Give up",
        },
    )
    def give_up(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        payment = self.model._default_manager.get(pk=object_id)
        reason = form.cleaned_data["reason"]
        try:
            by_hand.give_up_by_hand(
                reference=payment.public_id, reason=reason, actor=operator_of(request), now=clock.now()
            )
        except Refusal as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
        else:
            self.log_change(request, payment, f"Given up: {reason}")
            self.message_user(request, "It has failed for us; the provider is told within seconds.", messages.SUCCESS)
        return back_to(f"wallets_{self.model._meta.model_name}", object_id)

    def has_settle_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("wallets.add_providerdecision")

    @action(
        description="Settle by hand",
        url_path="settle",
        permissions=["settle"],
        dialog={
            "title": "Ask for a settlement by hand",
            "description": "For a payment of which only the provider's people can say how it ended. Another operator "
            "has to approve it; until then nothing moves.",
            "form_class": SettlementForm,
            "form_submit_text": "Ask for it",
        },
    )
    def settle(self, request: HttpRequest, form: SettlementForm, object_id: str) -> HttpResponse:
        payment = self.model._default_manager.get(pk=object_id)
        said = form.cleaned_data
        try:
            by_hand.request_settlement(
                reference=payment.public_id,
                what=by_hand.What(said["what"]),
                provider_reference=said["provider_reference"],
                reason=said["reason"],
                actor=operator_of(request),
                now=clock.now(),
            )
        except Refusal as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
        else:
            self.log_change(request, payment, f"Settlement asked for ({said['what']}): {said['reason']}")
            self.message_user(request, "Asked for. Another operator approves it under Provider decisions.")
        return back_to(f"wallets_{self.model._meta.model_name}", object_id)


@admin.register(TopUp)
class TopUpAdmin(ProviderPaymentAdmin):
    """Found by its id, or by its owner's."""

    icon = "add_card"
    search_help_text = "A top-up's id (top_…), or its owner's (acc_…)"
    inlines = (TopUpReversalInline,)
    actions_detail = ("ask_now", "give_up", "settle", "reverse")

    def has_reverse_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("wallets.add_topupreversal")

    @action(
        description="Take back (chargeback)",
        url_path="reverse",
        permissions=["reverse"],
        dialog={
            "title": "Take this top-up back",
            "description": "Its provider took the money back. What the wallet lacks becomes a debt. This is final.",
            "form_class": ReasonForm,
            "form_submit_text": "Take back",
        },
    )
    def reverse(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        top_up = TopUp.objects.get(pk=object_id)
        try:
            services.reverse_top_up(
                public_id=top_up.public_id,
                reason=form.cleaned_data["reason"],
                actor=operator_of(request),
                now=clock.now(),
            )
        except Refusal as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
        else:
            self.log_change(request, top_up, f"Taken back: {form.cleaned_data['reason']}")
            self.message_user(request, "The top-up is taken back.", messages.SUCCESS)
        return back_to("wallets_topup", object_id)


@admin.register(Withdrawal)
class WithdrawalAdmin(ProviderPaymentAdmin):
    """Found by its id, or by its owner's."""

    icon = "payments"
    search_help_text = "A withdrawal's id (wdr_…), or its owner's (acc_…)"


@admin.register(IdentityCharge)
class IdentityChargeAdmin(ProviderPaymentAdmin):
    """Found by its id, its order's, or its owner's."""

    icon = "badge"
    search_fields = ("public_id__exact", "order__exact")
    search_help_text = "A charge's id (ich_…), its order's (ord_…), or its owner's (acc_…)"
    actions_detail = ("ask_now", "give_up", "settle")
    fields = (*ProviderPaymentAdmin.fields, "external_id", "trade_no", "order", "to_wallet")
    readonly_fields = fields


@admin.register(ProviderAttempt)
class ProviderAttemptAdmin(ReadOnlyAdmin):
    """Found by the payment that the call is about."""

    icon = "call_made"
    sortable_by = ()
    list_display = ("what", "payment", "answer", "reason", "provider", "started_at", "answered_at")
    list_filter = (UnansweredFilter,)
    search_fields = ("reference__exact",)
    search_help_text = "The id of a top-up, withdrawal or charge"
    fields = readonly_fields = list_display

    @display(description="payment")
    def payment(self, call: ProviderAttempt) -> str:
        return link_to_payment(call.reference)


@admin.register(WebhookNotice)
class WebhookNoticeAdmin(ReadOnlyAdmin):
    """Found by the payment that it is about."""

    icon = "call_received"
    sortable_by = ()
    list_display = ("event_id", "kind", "reference", "effect", "provider", "received_at")
    search_fields = ("reference__exact",)
    search_help_text = "The id of a top-up, withdrawal or charge"
    fields = readonly_fields = list_display
