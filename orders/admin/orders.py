"""Orders and refunds for operators: money is read here, and moved by the services only."""

from typing import ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.decorators import display

from core.admin import ReadOnlyAdmin, link_to, money_field, shown_money
from core.admin.row_pages import ShowsSections
from orders.models import Checkout, Order, OrderLine, ProviderPayment, Refund, RefundLine

LINES_SHOWN_MAX = 100


class ReadOnlyInline(TabularInline):
    """Rows that belong to a page and are not edited there either."""

    extra = 0
    ordering = ("id",)
    per_page: ClassVar[int] = LINES_SHOWN_MAX
    show_change_link = False
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class OrderLineInline(ReadOnlyInline):
    model = OrderLine
    fields = readonly_fields = (
        "public_id",
        "title",
        "quantity",
        money_field("unit_minor", "order.currency"),
        money_field("amount_minor", "order.currency"),
        money_field("fee_minor", "order.currency"),
        "fee_rule",
        money_field("refunded_minor", "order.currency"),
    )


class RefundLineInline(ReadOnlyInline):
    model = RefundLine
    fields = readonly_fields = (
        "line",
        money_field("amount_minor", "refund.order.currency"),
        money_field("fee_minor", "refund.order.currency"),
        "restocked",
    )


@admin.register(Checkout)
class CheckoutAdmin(ReadOnlyAdmin):
    icon = "shopping_cart_checkout"
    list_display = ("public_id", "buyer", "total", "placed_at")
    list_select_related = ("buyer",)
    search_fields = ("public_id__startswith",)
    search_help_text = "chk_…"

    @display(description="total")
    def total(self, checkout: Checkout) -> str:
        return shown_money(checkout.total_minor, checkout.currency)


@admin.register(Order)
class OrderAdmin(ShowsSections, ReadOnlyAdmin):
    """Found by its id, or the beginning of it, or by its trade number."""

    icon = "receipt_long"
    list_display = ("public_id", "status", "channel", "buyer", "seller", "total", "fee", "refunded", "placed_at")
    list_filter = ("status", "channel")
    list_select_related = ("buyer", "seller")
    search_fields = ("public_id__startswith", "trade_no__exact")
    search_help_text = "ord_…, or a trade number"
    inlines = (OrderLineInline,)

    @display(description="total")
    def total(self, order: Order) -> str:
        return shown_money(order.total_minor, order.currency)

    @display(description="fee")
    def fee(self, order: Order) -> str:
        return shown_money(order.fee_minor, order.currency)

    @display(description="refunded")
    def refunded(self, order: Order) -> str:
        return shown_money(order.refunded_minor, order.currency)


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    icon = "undo"
    list_display = ("public_id", "order_link", "amount", "reason", "made_by", "refunded_at")
    list_select_related = ("order", "made_by")
    search_fields = ("public_id__startswith",)
    search_help_text = "rfd_…"
    fields = (
        "public_id",
        "order_link",
        "amount",
        "reason",
        "made_by",
        "login_account",
        "refunded_at",
        "recorded_at",
    )
    readonly_fields = fields
    inlines = (RefundLineInline,)

    @display(description="order")
    def order_link(self, refund: Refund) -> str:
        return link_to("orders.order", refund.order_id, refund.order.public_id)

    @display(description="amount")
    def amount(self, refund: Refund) -> str:
        return shown_money(refund.amount_minor, refund.order.currency)


@admin.register(ProviderPayment)
class ProviderPaymentAdmin(ReadOnlyAdmin):
    icon = "credit_card"
    list_display = ("public_id", "provider", "status", "failure", "payer", "amount", "requested_at", "finished_at")
    list_filter = ("status",)
    list_select_related = ("payer",)
    search_fields = ("public_id__startswith",)
    search_help_text = "pay_…"

    @display(description="amount")
    def amount(self, payment: ProviderPayment) -> str:
        return shown_money(payment.amount_minor, payment.currency)
