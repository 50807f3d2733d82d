from importlib import import_module

from django.apps import AppConfig

from accounts.lifecycle import (
    register_carrier,
    register_closer,
    register_eraser,
    register_export,
    register_obstacles,
)
from core.registry import register_book_check, register_proof_lines

ORDERS_LOCK_PLACE = 10  # Before the earnings of the order.


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = "Orders"

    def ready(self) -> None:
        import_module("orders.services")  # Registers the timed transitions.
        import_module("orders.consumers")
        charged_orders = import_module("orders.services.identity_payments").ChargedOrders()
        import_module("wallets.services").register_charged_trades(charged_orders)
        sales = import_module("orders.sales")
        import_module("distribution.sales").register_sales(lines=sales.lines_of, refunds=sales.refunded_fees)
        import_module("orders.sales_days").register()
        register_proof_lines("orders", import_module("orders.proof").platform_line)
        selectors = import_module("orders.selectors")
        register_closer("tills", import_module("orders.counter.services").close_tills)
        register_obstacles("orders", selectors.unsettled)
        register_export("orders", selectors.export_orders)
        register_export("refund_requests", selectors.export_refund_requests)
        cart = import_module("orders.cart.services")
        register_export("cart", import_module("orders.cart.selectors").export_cart)
        register_eraser("cart", cart.erase_cart)
        register_carrier("cart", cart.carry_cart)
        import_module("billing.subjects").register_subject_lock(
            ORDERS_LOCK_PLACE, import_module("orders.locks").lock_subjects
        )
        register_book_check("orders", import_module("orders.book_check").check_orders)
        import_module("orders.counter.book_check").register()
