from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = "Orders"

    def ready(self) -> None:
        from core.registry import register_book_check, register_proof_lines
        from orders import services  # noqa: F401 - registers the timed transitions
        from orders.book_check import check_orders
        from orders.proof import platform_line

        register_proof_lines("orders", platform_line)
        register_book_check("orders", check_orders)
