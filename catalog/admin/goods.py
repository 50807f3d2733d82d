"""What sellers offer, and where: read here, changed by its sellers."""

from django.contrib import admin
from django.db.models import QuerySet
from unfold.decorators import display

from catalog.models import Item, Store
from catalog.search import SEARCH_LENGTH_MAX, found_by
from core.admin import ReadOnlyAdmin, shown_money


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
