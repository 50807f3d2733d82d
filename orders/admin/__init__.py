"""Orders and the counter for operators: money is read here, and moved by the services only."""

from orders.admin import orders, refund_requests, terminals, trades

__all__ = ["orders", "refund_requests", "terminals", "trades"]
