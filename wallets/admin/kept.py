"""What owners keep with us for later, as facts: where their money goes, and which phones make codes. No secrets."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from core.admin import ReadOnlyAdmin, link_to, shown_money
from wallets.pay_codes.models import PayCodeSecret
from wallets.payout_targets.models import PayoutTarget

COLOURS = {"in use": "success", "removed": "info", "revoked": "info"}


class InUseFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"
    ended: str

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("in_use", "in use"), ("ended", "ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        in_use = Q(**{f"{self.ended}__isnull": True})
        chosen = {"in_use": in_use, "ended": ~in_use}.get(self.value() or "")
        return queryset if chosen is None else queryset.filter(chosen)


class RemovedFilter(InUseFilter):
    ended = "removed_at"


class RevokedFilter(InUseFilter):
    ended = "revoked_at"


@admin.register(PayoutTarget)
class PayoutTargetAdmin(ReadOnlyAdmin):
    """Its owner adds and removes it; the whole of it is for the provider only."""

    icon = "account_balance"
    list_display = ("public_id", "shown_owner", "provider", "ending", "state", "added_at", "removed_at")
    list_select_related = ("owner",)
    list_filter = (RemovedFilter,)
    search_fields = ("public_id__exact", "owner__public_id__exact")
    search_help_text = "pyt_… or acc_…"
    fields = readonly_fields = (
        "public_id", "shown_owner", "provider", "name", "ending", "state", "added_at", "removed_at",
    )  # fmt: skip

    @display(description="owner")
    def shown_owner(self, target: PayoutTarget) -> str:
        return link_to("accounts.account", target.owner_id, target.owner.name)

    @display(description="ends in")
    def ending(self, target: PayoutTarget) -> str:
        return f"…{target.ends_in}" if target.ends_in else "-"

    @display(description="state", label=COLOURS)
    def state(self, target: PayoutTarget) -> str:
        return "in use" if target.removed_at is None else "removed"


@admin.register(PayCodeSecret)
class PayCodeSecretAdmin(ReadOnlyAdmin):
    """A phone makes codes as long as it is logged in: who ends its session ends it."""

    icon = "phonelink_lock"
    list_display = ("public_id", "shown_owner", "name", "maximum", "state", "made_at", "revoked_at")
    list_select_related = ("account",)
    list_filter = (RevokedFilter,)
    search_fields = ("public_id__exact", "account__public_id__exact", "key_number__exact")
    search_help_text = "pcs_…, acc_…, or the key number that its codes carry"
    fields = readonly_fields = (
        "public_id", "shown_owner", "name", "key_number", "maximum", "state", "shown_session", "made_at", "revoked_at",
    )  # fmt: skip

    @display(description="owner")
    def shown_owner(self, secret: PayCodeSecret) -> str:
        return link_to("accounts.account", secret.account_id, secret.account.name)

    @display(description="maximum")
    def maximum(self, secret: PayCodeSecret) -> str:
        return shown_money(secret.max_minor, secret.max_currency)

    @display(description="state", label=COLOURS)
    def state(self, secret: PayCodeSecret) -> str:
        return "in use" if secret.revoked_at is None else "revoked"

    @display(description="session")
    def shown_session(self, secret: PayCodeSecret) -> str:
        return link_to("accounts.session", secret.session_id, "the phone's log-in")
