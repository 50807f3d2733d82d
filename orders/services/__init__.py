"""What may be done with orders; one function per use case."""

from orders.services.paying import pay_checkout, pay_order
from orders.services.placing import PlacedCheckout, WantedLine, place_checkout
from orders.services.progress import cancel_order, complete_order, fulfil_order
from orders.services.refunding import WantedRefundLine, refund_order
from orders.services.timed import run_due_transitions

__all__ = [
    "PlacedCheckout",
    "WantedLine",
    "WantedRefundLine",
    "cancel_order",
    "complete_order",
    "fulfil_order",
    "pay_checkout",
    "pay_order",
    "place_checkout",
    "refund_order",
    "run_due_transitions",
]
