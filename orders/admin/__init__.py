"""Orders and the counter for operators: money is read here, and moved by the services only."""

from orders.admin import cockpit, orders, refund_requests, terminals, trades

__all__ = ["cockpit", "orders", "refund_requests", "terminals", "trades"]
