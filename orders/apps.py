from importlib import import_module

from django.apps import AppConfig

from accounts.lifecycle import register_export, register_obstacles
from core.registry import register_book_check, register_proof_lines

ORDERS_LOCK_PLACE = 10  # Before the earnings of the order.


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = "Orders"

    def ready(self) -> None:
        import_module("orders.services")  # Registers the timed transitions.
        import_module("orders.consumers")
        register_proof_lines("orders", import_module("orders.proof").platform_line)
        selectors = import_module("orders.selectors")
        register_obstacles("orders", selectors.unsettled)
        register_export("orders", selectors.export_orders)
        import_module("billing.subjects").register_subject_lock(
            ORDERS_LOCK_PLACE, import_module("orders.locks").lock_subjects
        )
        register_book_check("orders", import_module("orders.book_check").check_orders)
