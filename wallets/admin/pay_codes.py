"""Pay codes as facts: whose, until when, what for, how it ended. The digits are kept nowhere."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from core import clock
from core.admin import ReadOnlyAdmin, link_to, list_link, shown_money
from wallets.pay_codes.models import PayCode

STATES = {
    "paid": Q(used_at__isnull=False, refusal="") & ~Q(used_for=""),
    "refused": ~Q(refusal=""),
    "unused": Q(used_at=None),
}


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, state) for state in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        state = STATES.get(self.value() or "")
        return queryset.filter(state) if state else queryset


@admin.register(PayCode)
class PayCodeAdmin(ReadOnlyAdmin):
    """Nobody finds a code by its digits here, and nobody is shown any."""

    icon = "pin"
    list_display = ("__str__", "state", "owner", "tried_for", "refusal", "made_at", "used_at")
    list_select_related = ("account",)
    list_filter = (StateFilter,)
    fields = readonly_fields = ("owner", "state", "maximum", "made_at", "expires_at", "used_at", "tried_for", "refusal")

    @display(description="owner")
    def owner(self, code: PayCode) -> str:
        return link_to("accounts.account", code.account_id, code.account.name)

    @display(description="maximum")
    def maximum(self, code: PayCode) -> str:
        return shown_money(code.max_minor, code.max_currency)

    @display(description="tried for")
    def tried_for(self, code: PayCode) -> str:
        return list_link("orders.countertrade", f"q={code.used_for}", code.used_for) if code.used_for else "-"

    @display(
        description="state", label={"paid": "success", "refused": "danger", "unused": "info", "taken back": "warning"}
    )
    def state(self, code: PayCode) -> str:
        if code.refusal:
            return "refused"
        if code.used_for:
            return "paid"
        if code.used_at is not None:
            return "taken back"
        return "expired" if code.expires_at <= clock.now() else "unused"
