"""Orders and the counter for operators: money is read here, and moved by the services only."""

from orders.admin import orders, terminals, trades

__all__ = ["orders", "terminals", "trades"]
