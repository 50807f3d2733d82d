"""What sellers give to those who bring customers: every version, read here and changed by its seller."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from catalog.models import Item
from core.admin import ReadOnlyAdmin, link_to, list_link, shown_money
from sharing.models import ShareBudget, ShareProgram

IN_FORCE, FOLLOWED, ENDED = "in force", "followed", "ended"
COLOURS = {IN_FORCE: "success", FOLLOWED: "info", ENDED: "warning"}


class StateFilter(admin.SimpleListFilter):
    """In force: what shares are made under now. Ended: by the seller, with all its versions and their shares."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("in_force", IN_FORCE), ("ended", ENDED)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        states = {"in_force": Q(until_at=None), "ended": Q(ended_at__isnull=False)}
        return queryset.filter(states.get(self.value() or "", Q()))


@admin.register(ShareProgram)
class ShareProgramAdmin(ReadOnlyAdmin):
    """Found by its id, or by its item's."""

    icon = "campaign"
    list_display = ("public_id", "shown_item", "seller", "version", "shown_state", "gives", "when", "budget", "from_at")
    list_select_related = ("item__seller",)
    list_filter = (StateFilter,)
    search_fields = ("public_id__exact",)
    search_help_text = "spr_… or itm_…"
    fields = readonly_fields = (
        "public_id",
        "shown_item",
        "seller",
        "version",
        "shown_state",
        "gives",
        "when",
        "budget",
        "spent",
        "shown_hosts",
        "shares",
        "versions",
        "by",
        "from_at",
        "until_at",
        "ended_at",
    )

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        """Whose key is looked up first: PostgreSQL then knows how much there is of it."""
        return queryset.filter(item_id=_key_of(term)) if term.startswith("itm_") else None

    @display(description="item")
    def shown_item(self, program: ShareProgram) -> str:
        return link_to("catalog.item", program.item_id, program.item.title)

    @display(description="seller")
    def seller(self, program: ShareProgram) -> str:
        return link_to("accounts.account", program.item.seller_id, program.item.seller.name)

    @display(description="state", label=COLOURS)
    def shown_state(self, program: ShareProgram) -> str:
        if program.ended_at is not None:
            return ENDED
        return IN_FORCE if program.until_at is None else FOLLOWED

    @display(description="gives")
    def gives(self, program: ShareProgram) -> str:
        return what_it_gives(program)

    @display(description="to whom")
    def when(self, program: ShareProgram) -> str:
        model = program.get_model_display().lower()
        lock = f", locked for {program.lock_days} days" if program.lock_days else ""
        return f"{model} of {program.window_days} days{lock}"

    @display(description="budget")
    def budget(self, program: ShareProgram) -> str:
        return "any sum" if program.budget_minor is None else shown_money(program.budget_minor, program.currency)

    @display(description="spent")
    def spent(self, program: ShareProgram) -> str:
        """Whatever the version: the budget is the item's."""
        budget = ShareBudget.objects.filter(item=program.item_id).first()
        return shown_money(budget.spent_minor, budget.currency) if budget else "never had a budget"

    @display(description="hosts")
    def shown_hosts(self, program: ShareProgram) -> str:
        return ", ".join(program.hosts) or "our own pages only"

    @display(description="shares")
    def shares(self, program: ShareProgram) -> str:
        return list_link("sharing.share", f"q={program.public_id}", "made under this version")

    @display(description="versions")
    def versions(self, program: ShareProgram) -> str:
        return list_link("sharing.shareprogram", f"q={program.item.public_id}", "all of this item")

    @display(description="made by")
    def by(self, program: ShareProgram) -> str:
        return link_to("accounts.account", program.login_account_id, program.login_account.name)


def what_it_gives(program: ShareProgram) -> str:
    """Return a version's rate or amount in words."""
    if program.amount is not None:
        return f"{shown_money(program.amount.minor, program.currency)} per unit"
    return f"{(program.rate_bps or 0) / 100:g} % of the line"


def _key_of(item: str) -> int | None:
    return Item.objects.filter(public_id=item).values_list("pk", flat=True).first()
