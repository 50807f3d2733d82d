"""What may be done with orders; one function per use case."""

from orders.services.identity_payments import request_identity_payment
from orders.services.paying import pay_checkout, pay_order
from orders.services.placing import PlacedCheckout, WantedLine, place_checkout
from orders.services.progress import cancel_order, complete_order, fulfil_order
from orders.services.provider_payments import (
    call_provider,
    note_outcome,
    pay_with_top_up,
    request_checkout_payment,
    request_order_payment,
)
from orders.services.refund_requests import accept_refund_request, refuse_refund_request, request_refund
from orders.services.refunding import WantedRefundLine, refund_order
from orders.services.returning import return_refund
from orders.services.timed import run_due_transitions

__all__ = [
    "PlacedCheckout",
    "WantedLine",
    "WantedRefundLine",
    "accept_refund_request",
    "call_provider",
    "cancel_order",
    "complete_order",
    "fulfil_order",
    "note_outcome",
    "pay_checkout",
    "pay_order",
    "pay_with_top_up",
    "place_checkout",
    "refund_order",
    "refuse_refund_request",
    "request_checkout_payment",
    "request_identity_payment",
    "request_order_payment",
    "request_refund",
    "return_refund",
    "run_due_transitions",
]
