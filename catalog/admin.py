"""The catalogue for operators: read here, changed by its sellers and through the API."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from unfold.decorators import display

from catalog.models import FeeSchedule, Item, Store
from catalog.search import SEARCH_LENGTH_MAX, found_by
from core.admin import ReadOnlyAdmin, shown_money, table


@admin.register(Store)
class StoreAdmin(ReadOnlyAdmin):
    """Found by its id, or the beginning of it."""

    icon = "storefront"
    list_display = ("public_id", "name", "seller", "area_code", "opened_at", "closed_at")
    list_select_related = ("seller",)
    search_fields = ("public_id__startswith",)
    search_help_text = "sto_…"


@admin.register(Item)
class ItemAdmin(ReadOnlyAdmin):
    """Found by its id, or the beginning of it, or by its words as buyers find it."""

    icon = "inventory_2"
    list_display = ("public_id", "title", "seller", "price", "stock", "status", "created_at")
    list_filter = ("status",)
    list_select_related = ("seller",)
    search_fields = ("public_id__startswith",)
    search_help_text = "itm_…, or words of the title and description"
    exclude = ("words",)

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        return None if term.startswith("itm_") else found_by(queryset, term[:SEARCH_LENGTH_MAX])

    @display(description="price", ordering="price_minor")
    def price(self, item: Item) -> str:
        return shown_money(item.price_minor, item.currency)


@admin.register(FeeSchedule)
class FeeScheduleAdmin(ReadOnlyAdmin):
    """Versions are drafted and activated through the API."""

    icon = "percent"
    list_display = ("public_id", "name", "version", "status", "effective_from", "created_by", "activated_by")
    list_select_related = ("created_by", "activated_by")
    search_fields = ("public_id__startswith",)
    search_help_text = "fee_…"
    exclude = ("rules",)
    readonly_fields = ("shown_rules",)

    @display(description="rules")
    def shown_rules(self, schedule: FeeSchedule) -> str:
        """Each rule as people read it; the most specific one that matches decides."""
        lines = ((_match(rule["match"]), f"{rule['rate_bps'] / 100:g} %", _fixed(rule)) for rule in schedule.rules)
        return table(["for", "rate", "and per line"], lines, numbers={"rate", "and per line"})


def _match(match: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(match.items())) or "every sale"


def _fixed(rule: dict[str, Any]) -> str:
    fixed = rule.get("fixed")
    return shown_money(fixed["amount"], fixed["currency"]) if fixed else "-"
