"""Money in, money out, earnings and debts; operators write debts off and take charged-back top-ups back."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.admin import TabularInline
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.browser import operator_of
from accounts.models import Account
from core import clock
from core.admin import ReadOnlyAdmin, link_to, list_link, money_field, shown_money, table
from core.errors import Refusal
from core.ids import encode_key
from wallets import services
from wallets.models import (
    Debt,
    DebtRepayment,
    Earning,
    IdentityCharge,
    ProviderAttempt,
    ProviderPayment,
    TopUp,
    TopUpReversal,
    WebhookNotice,
    Withdrawal,
)

REASON_LENGTH_MAX = 500
CALLS_SHOWN_MAX = 50
SECONDS = "%Y-%m-%d %H:%M:%S"  # Narrow enough for a phone.
STATUS_COLOURS = {
    "in_progress": "info",
    "pending": "info",
    "succeeded": "success",
    "released": "success",
    "failed": "danger",
    "reversed": "warning",
}


class ReasonForm(BaseDialogForm):
    """Why an operator does what cannot be undone."""

    reason = forms.CharField(max_length=REASON_LENGTH_MAX, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


class OwnedAdmin(ReadOnlyAdmin):
    """Rows of one owner and one currency."""

    list_select_related = ("owner",)
    sortable_by = ()

    @display(description="owner")
    def shown_owner(self, row: Any) -> str:
        return link_to("accounts.account", row.owner_id, row.owner.name)

    @display(description="amount")
    def amount(self, row: Any) -> str:
        return shown_money(row.amount_minor, row.currency)

    @display(description="status", label=STATUS_COLOURS)
    def shown_status(self, row: Any) -> str:
        return row.status

    @display(description="events")
    def events(self, row: Any) -> str:
        return list_link("events.eventrecord", f"q={self.subject_of(row)}", "what happened")

    def subject_of(self, row: Any) -> str:
        """Whose events belong to this row."""
        return row.public_id

    def find_owner(self, queryset: QuerySet, term: str) -> QuerySet | None:
        """An owner is found by public id, in a look-up of its own: the lists are indexed by owner."""
        if not term.startswith("acc_"):
            return None
        owner = Account.objects.filter(public_id=term).values_list("id", flat=True).first()
        return queryset.filter(owner_id=owner or 0)

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        owned = self.find_owner(queryset, term)
        return super().find(queryset, term) if owned is None else owned


class ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


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
        "events",
    )
    readonly_fields: tuple[str, ...] = fields
    actions_detail: tuple[str, ...] = ("ask_now",)

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


@admin.register(TopUp)
class TopUpAdmin(ProviderPaymentAdmin):
    """Found by its id, or by its owner's."""

    icon = "add_card"
    search_help_text = "A top-up's id (top_…), or its owner's (acc_…)"
    inlines = (TopUpReversalInline,)
    actions_detail = ("ask_now", "reverse")

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
    fields = (*ProviderPaymentAdmin.fields, "external_id", "trade_no", "order", "to_wallet")
    readonly_fields = fields


@admin.register(ProviderAttempt)
class ProviderAttemptAdmin(ReadOnlyAdmin):
    """Found by the payment that the call is about."""

    icon = "call_made"
    sortable_by = ()
    list_display = ("reference", "what", "answer", "reason", "provider", "started_at", "answered_at")
    search_fields = ("reference__exact",)
    search_help_text = "The id of a top-up, withdrawal or charge"
    fields = readonly_fields = list_display


@admin.register(WebhookNotice)
class WebhookNoticeAdmin(ReadOnlyAdmin):
    """Found by the payment that it is about."""

    icon = "call_received"
    sortable_by = ()
    list_display = ("event_id", "kind", "reference", "effect", "provider", "received_at")
    search_fields = ("reference__exact",)
    search_help_text = "The id of a top-up, withdrawal or charge"
    fields = readonly_fields = list_display


@admin.register(Earning)
class EarningAdmin(OwnedAdmin):
    """Found by its order, or by its owner."""

    icon = "savings"
    list_display = ("order", "shown_owner", "role", "original", "amount", "shown_status", "earned_at", "releases_at")
    search_fields = ("order__exact",)
    search_help_text = "An order's id (ord_…), or the owner's (acc_…)"
    fields = (
        "order",
        "shown_owner",
        "role",
        "original",
        "amount",
        "shown_status",
        "earned_at",
        "releases_at",
        "released_at",
        "why",
        "channel",
        "institution",
        "events",
    )
    readonly_fields = fields

    @display(description="original")
    def original(self, earning: Earning) -> str:
        return shown_money(earning.original_minor, earning.currency)

    def subject_of(self, row: Earning) -> str:
        return row.order


class DebtRepaymentInline(ReadOnlyInline):
    model = DebtRepayment
    fields = readonly_fields = (
        "kind",
        money_field("amount_minor", "debt.currency"),
        "event",
        "made_by",
        "login_account",
        "reason",
        "repaid_at",
    )

    @display(description="event")
    def event(self, repayment: DebtRepayment) -> str:
        return link_to("events.eventrecord", repayment.event_id, encode_key("evt", repayment.event_id))


@admin.register(Debt)
class DebtAdmin(OwnedAdmin):
    """Found by what it came from, or by its owner."""

    icon = "credit_card_off"
    list_display = ("__str__", "shown_owner", "amount", "owed", "subject", "opened_at")
    search_fields = ("subject__exact",)
    search_help_text = "The order's or top-up's id that it came from, or the owner's (acc_…)"
    fields = ("shown_owner", "amount", "owed", "subject", "opened_by", "opened_at", "events")
    readonly_fields = fields
    inlines = (DebtRepaymentInline,)
    actions_detail = ("write_off",)

    @display(description="still owed")
    def owed(self, debt: Debt) -> str:
        return shown_money(debt.owed_minor, debt.currency)

    @display(description="opened by")
    def opened_by(self, debt: Debt) -> str:
        return link_to("events.eventrecord", debt.event_id, encode_key("evt", debt.event_id))

    def subject_of(self, row: Debt) -> str:
        return row.subject

    def has_write_off_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("wallets.add_debtrepayment")

    @action(
        description="Write off",
        url_path="write-off",
        permissions=["write_off"],
        dialog={
            "title": "Write this debt off",
            "description": "What is still owed is given up, and the platform bears the loss. This is final.",
            "form_class": ReasonForm,
            "form_submit_text": "Write off",
        },
    )
    def write_off(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        reason = form.cleaned_data["reason"]
        try:
            written_off = services.write_off_debt(
                debt_id=int(object_id), reason=reason, actor=operator_of(request), now=clock.now()
            )
        except Refusal as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
        else:
            self.log_change(request, written_off.debt, f"Written off: {reason}")
            self.message_user(request, "The debt is written off.", messages.SUCCESS)
        return back_to("wallets_debt", object_id)


def back_to(page: str, object_id: str) -> HttpResponse:
    """Close the dialog and show the row as it is now."""
    return HttpResponse(headers={"HX-Redirect": reverse(f"admin:{page}_change", args=[object_id])})
