"""What may be done at the counter; one function per use case."""

from orders.counter.services.cancelling import cancel_sequence, cancel_trade
from orders.counter.services.paying import TillPayment, confirm_trade, pay_at_till, pay_on_phone
from orders.counter.services.providers import request_phone_payment, trade_of
from orders.counter.services.refunding import refund_at_till
from orders.counter.services.terminals import close_tills, create_terminal, revoke_terminal, rotate_terminal_key
from orders.counter.services.third_parties import call_till_charge, conclude_till_charge, request_till_charge
from orders.counter.services.trading import Identity, SoldLine, create_trade

__all__ = [
    "Identity",
    "SoldLine",
    "TillPayment",
    "call_till_charge",
    "cancel_sequence",
    "cancel_trade",
    "close_tills",
    "conclude_till_charge",
    "confirm_trade",
    "create_terminal",
    "create_trade",
    "pay_at_till",
    "pay_on_phone",
    "refund_at_till",
    "request_phone_payment",
    "request_till_charge",
    "revoke_terminal",
    "rotate_terminal_key",
    "trade_of",
]
