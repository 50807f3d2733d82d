"""What was imported from where, for operators to look up; nothing here is changed by hand."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from core.admin import ReadOnlyAdmin, link_to, list_link
from replay.models import Article, Invoice, Party


class NamedInHistory(ReadOnlyAdmin):
    """Found by the name in the history, blanks included, or by the public id of what stands for it."""

    name_field = ""
    public_id_field = ""
    public_id_prefix = ""

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        is_public_id = term.startswith(f"{self.public_id_prefix}_")
        return queryset.filter(**{self.public_id_field if is_public_id else self.name_field: term})


@admin.register(Invoice)
class InvoiceAdmin(NamedInHistory):
    icon = "history"
    list_display = ("number", "source", "seller", "shown_order", "refunds_count", "refused_count")
    list_select_related = ("seller", "order")
    search_fields = ("number__exact",)
    name_field, public_id_field, public_id_prefix = "number", "order__public_id", "ord"
    search_help_text = "Invoice number or order"
    fields = ("number", "source", "seller", "shown_order", "refunds_count", "refused")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invoice]:
        return super().get_queryset(request).annotate(refunds_count=Count("refunds"))

    @display(description="source")
    def source(self, invoice: Invoice) -> str:
        return invoice.seller.source

    @display(description="order")
    def shown_order(self, invoice: Invoice) -> str:
        return link_to("orders.order", invoice.order_id, invoice.order.public_id) if invoice.order else ""

    @display(description="refunds")
    def refunds_count(self, invoice: Any) -> int:
        return invoice.refunds_count

    @display(description="lines left out")
    def refused_count(self, invoice: Invoice) -> int:
        return len(invoice.refused)


@admin.register(Party)
class PartyAdmin(NamedInHistory):
    icon = "groups"
    list_display = ("key", "role", "source", "shown_account")
    list_select_related = ("account",)
    search_fields = ("key__exact",)
    name_field, public_id_field, public_id_prefix = "key", "account__public_id", "acc"
    search_help_text = "Name in the history, such as “customer 17850”, or account"
    fields = ("key", "role", "source", "shown_account")
    readonly_fields = fields

    @display(description="account")
    def shown_account(self, party: Party) -> str:
        return link_to("accounts.account", party.account_id, party.account.name)


@admin.register(Article)
class ArticleAdmin(NamedInHistory):
    icon = "sell"
    list_display = ("stock_code", "currency", "seller", "shown_item")
    list_select_related = ("seller", "item")
    search_fields = ("stock_code__exact",)
    name_field, public_id_field, public_id_prefix = "stock_code", "item__public_id", "itm"
    search_help_text = "Stock code or item"
    fields = ("stock_code", "currency", "seller", "shown_item")
    readonly_fields = fields

    @display(description="item")
    def shown_item(self, article: Article) -> str:
        return list_link("catalog.item", f"q={article.item.public_id}", article.item.title)
