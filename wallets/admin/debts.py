"""Earnings and debts; operators write debts off."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display

from accounts.browser import operator_of
from core import clock
from core.admin import back_to, link_to, money_field, shown_money
from core.errors import Refusal
from core.ids import encode_key
from wallets import services
from wallets.admin.owned import OwnedAdmin, ReadOnlyInline, ReasonForm
from wallets.models import Debt, DebtRepayment, Earning


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
