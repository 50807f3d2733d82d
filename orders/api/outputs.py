"""What orders and refunds look like from outside, and to whom."""

from collections.abc import Iterator, Sequence
from typing import Any

from rest_framework import serializers

from accounts.models import Account
from accounts.references import account_ref
from orders.models import Checkout, Order, OrderLine, Refund
from orders.selectors import Lines, lines_of


class AccountRefDocument(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()


class OrderLineDocument(serializers.Serializer):
    id = serializers.CharField()
    item = serializers.CharField(allow_null=True)
    title = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_amount = serializers.IntegerField()
    amount = serializers.IntegerField()
    refunded = serializers.IntegerField()
    fee = serializers.IntegerField(required=False, help_text="The platform's part; sellers and operators see it.")


class OrderDocument(serializers.Serializer):
    id = serializers.CharField()
    trade_no = serializers.CharField()
    checkout = serializers.CharField(allow_null=True)
    channel = serializers.ChoiceField(choices=Order.Channel.choices)
    status = serializers.ChoiceField(choices=Order.Status.choices)
    buyer = AccountRefDocument(allow_null=True)
    seller = AccountRefDocument()
    payer = AccountRefDocument(allow_null=True, help_text="Whose wallet paid, and gets refunds.")
    lines = OrderLineDocument(many=True)
    total = serializers.IntegerField()
    fee = serializers.IntegerField(required=False, help_text="The platform's part; sellers and operators see it.")
    paid = serializers.IntegerField()
    refunded = serializers.IntegerField()
    currency = serializers.CharField()
    placed_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)
    fulfilled_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True, help_text="When it was cancelled or closed.")
    moves_on_at = serializers.DateTimeField(allow_null=True, help_text="When time closes or completes it.")


class CheckoutDocument(serializers.Serializer):
    id = serializers.CharField()
    status = serializers.ChoiceField(choices=["pending", "paid", "closed"])
    total = serializers.IntegerField()
    payable = serializers.IntegerField(help_text="What a payment of the whole checkout must be; 0 where none can.")
    currency = serializers.CharField()
    placed_at = serializers.DateTimeField()
    orders = OrderDocument(many=True)


class RefundLineDocument(serializers.Serializer):
    line = serializers.CharField()
    amount = serializers.IntegerField()
    restocked = serializers.IntegerField(help_text="Units put back into stock.")


class RefundDocument(serializers.Serializer):
    id = serializers.CharField()
    order = serializers.CharField()
    amount = serializers.IntegerField()
    currency = serializers.CharField()
    lines = RefundLineDocument(many=True)
    status = serializers.ChoiceField(choices=["succeeded"], help_text="A refund is final when it is made.")
    reason = serializers.CharField()
    refunded_at = serializers.DateTimeField()


def order_document(order: Order, lines: Sequence[OrderLine], viewer: Account) -> dict[str, Any]:
    """Fees are the business of the seller and of operators only."""
    sees_fees = viewer.is_staff or viewer.id == order.seller_id
    return {
        "id": order.public_id,
        "trade_no": order.trade_no,
        "checkout": order.checkout.public_id if order.checkout else None,
        "channel": order.channel,
        "status": order.status,
        "buyer": account_ref(order.buyer),
        "seller": account_ref(order.seller),
        "payer": account_ref(order.payer),
        "lines": [_line_document(line, sees_fees) for line in lines],
        "total": order.total_minor,
        **({"fee": order.fee_minor} if sees_fees else {}),
        "paid": order.paid_minor,
        "refunded": order.refunded_minor,
        "currency": order.currency,
        "placed_at": order.placed_at,
        "paid_at": order.paid_at,
        "fulfilled_at": order.fulfilled_at,
        "completed_at": order.completed_at,
        "ended_at": order.ended_at,
        "moves_on_at": order.next_transition_at,
    }


def _line_document(line: OrderLine, sees_fees: bool) -> dict[str, Any]:
    document = {
        "id": line.public_id,
        "item": line.item.public_id if line.item else None,
        "title": line.title,
        "quantity": line.quantity,
        "unit_amount": line.unit_minor,
        "amount": line.amount_minor,
        "refunded": line.refunded_minor,
    }
    return document | ({"fee": line.fee_minor} if sees_fees else {})


def present_orders(orders: Sequence[Order], viewer: Account) -> Iterator[dict[str, Any]]:
    lines = lines_of(orders)
    for order in orders:
        yield order_document(order, lines[order.id], viewer)


def one_order(order: Order, viewer: Account) -> dict[str, Any]:
    return next(present_orders([order], viewer))


def checkout_document(checkout: Checkout, orders: Sequence[Order], lines: Lines, viewer: Account) -> dict[str, Any]:
    pending = [order for order in orders if order.status == Order.Status.PENDING]
    return {
        "id": checkout.public_id,
        "status": _checkout_status(orders),
        "total": checkout.total_minor,
        "payable": sum(order.total_minor for order in pending),
        "currency": checkout.currency,
        "placed_at": checkout.placed_at,
        "orders": [order_document(order, lines[order.id], viewer) for order in orders],
    }


def _checkout_status(orders: Sequence[Order]) -> str:
    """Pending while something can be paid; then paid if anything was, else closed."""
    if any(order.status == Order.Status.PENDING for order in orders):
        return "pending"
    return "paid" if any(order.paid_minor for order in orders) else "closed"


def refund_document(refund: Refund) -> dict[str, Any]:
    return next(present_refunds([refund]))


def present_refunds(refunds: Sequence[Refund]) -> Iterator[dict[str, Any]]:
    for refund in refunds:
        yield {
            "id": refund.public_id,
            "order": refund.order.public_id,
            "amount": refund.amount_minor,
            "currency": refund.order.currency,
            "lines": [
                {"line": part.line.public_id, "amount": part.amount_minor, "restocked": part.restocked}
                for part in refund.lines.all()
            ],
            "status": "succeeded",
            "reason": refund.reason,
            "refunded_at": refund.refunded_at,
        }
