"""What orders and refunds look like from outside, and to whom."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rest_framework import serializers

from accounts.models import Account
from accounts.references import AccountRefDocument, account_ref, references
from orders.models import Checkout, Order, OrderLine, ProviderPayment, Refund, RefundLine, RefundRequest
from orders.selectors import Lines, Payments, lines_of, payments_of
from wallets.models import TopUp


class FixedAmountDocument(serializers.Serializer):
    amount = serializers.IntegerField()
    currency = serializers.CharField()


class ShareTermsDocument(serializers.Serializer):
    share = serializers.CharField()
    sharer = AccountRefDocument(help_text="Who brought the customer.")
    program = serializers.CharField()
    version = serializers.IntegerField()
    rate_bps = serializers.IntegerField(required=False, help_text="Of the line; or `amount`.")
    amount = FixedAmountDocument(required=False, help_text="For each unit; or `rate_bps`.")
    charge = serializers.IntegerField(help_text="What that comes to, if the program's budget lasts.")


class OrderLineDocument(serializers.Serializer):
    id = serializers.CharField()
    item = serializers.CharField(allow_null=True)
    title = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_amount = serializers.IntegerField()
    amount = serializers.IntegerField()
    refunded = serializers.IntegerField()
    fee = serializers.IntegerField(required=False, help_text="The platform's part; sellers and operators see it.")
    share_terms = ShareTermsDocument(
        required=False,
        allow_null=True,
        help_text="Who brought the customer, and on what terms; sellers and operators see it.",
    )


class PaymentDocument(serializers.Serializer):
    status = serializers.ChoiceField(ProviderPayment.Status.values)
    provider = serializers.CharField()
    amount = serializers.IntegerField(help_text="What the provider was to charge: the wallet had the rest.")
    currency = serializers.CharField()
    failure = serializers.CharField(allow_null=True, help_text="Why it failed; money that came in is in the wallet.")
    client_secret = serializers.CharField(
        allow_null=True, help_text="While in progress, where the payer has to go on in the provider's own form."
    )


class OrderDocument(serializers.Serializer):
    id = serializers.CharField()
    trade_no = serializers.CharField(help_text="Unguessable.")
    checkout = serializers.CharField(allow_null=True)
    channel = serializers.ChoiceField(Order.Channel.values)
    status = serializers.ChoiceField(Order.Status.values)
    buyer = AccountRefDocument(allow_null=True)
    seller = AccountRefDocument()
    payer = AccountRefDocument(allow_null=True, help_text="Whose wallet paid, and gets refunds.")
    lines = OrderLineDocument(many=True)
    total = serializers.IntegerField()
    fee = serializers.IntegerField(required=False, help_text="The platform's part; sellers and operators see it.")
    paid = serializers.IntegerField()
    refunded = serializers.IntegerField()
    currency = serializers.CharField()
    payment = PaymentDocument(
        allow_null=True, help_text="The latest one by a provider; the buyer and operators see it."
    )
    placed_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)
    fulfilled_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True, help_text="When it was cancelled or closed.")
    moves_on_at = serializers.DateTimeField(allow_null=True, help_text="When time closes or completes it.")


class CheckoutDocument(serializers.Serializer):
    id = serializers.CharField()
    status = serializers.ChoiceField(["pending", "paid", "closed"])
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
    status = serializers.ChoiceField(["succeeded"], help_text="A refund is final when it is made.")
    reason = serializers.CharField()
    refunded_at = serializers.DateTimeField()


class AskedLineDocument(serializers.Serializer):
    line = serializers.CharField()
    amount = serializers.IntegerField()


class RefundRequestDocument(serializers.Serializer):
    id = serializers.CharField()
    order = serializers.CharField()
    lines = AskedLineDocument(many=True, allow_null=True, help_text="Null asks for all that is left.")
    asked = serializers.IntegerField(help_text="What it asks for; without lines what is left now, or was given back.")
    refunded = serializers.IntegerField(help_text="What was given back for it.")
    currency = serializers.CharField()
    reason = serializers.CharField()
    status = serializers.ChoiceField(RefundRequest.Status.values)
    requested_by = AccountRefDocument()
    requested_at = serializers.DateTimeField()
    operators_from = serializers.DateTimeField(help_text="When operators may decide in the seller's place.")
    decided_by = AccountRefDocument(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    answer = serializers.CharField(help_text="What the seller or operator says to it; may be empty.")
    refund = serializers.CharField(allow_null=True)


People = Mapping[str, dict[str, str]]  # References to accounts, by public id.


def order_document(
    order: Order,
    lines: Sequence[OrderLine],
    viewer: Account,
    payment: ProviderPayment | None = None,
    sharers: People | None = None,
) -> dict[str, Any]:
    """
    Fees and share terms are the business of the seller and of operators only, payments that of the buyer and of
    operators. `sharers`: whom the terms name, where many orders are shown; else they are looked up.
    """
    sees_fees = sees_fees_of(order, viewer)
    if sees_fees and sharers is None:
        sharers = sharers_of(lines)
    sees_payment = viewer.is_staff or viewer.id != order.seller_id
    return {
        "id": order.public_id,
        "trade_no": order.trade_no,
        "checkout": order.checkout.public_id if order.checkout else None,
        "channel": order.channel,
        "status": order.status,
        "buyer": account_ref(order.buyer),
        "seller": account_ref(order.seller),
        "payer": account_ref(order.payer),
        "lines": [_line_document(line) | (_fee_of(line, sharers or {}) if sees_fees else {}) for line in lines],
        "total": order.total_minor,
        **({"fee": order.fee_minor} if sees_fees else {}),
        "paid": order.paid_minor,
        "refunded": order.refunded_minor,
        "currency": order.currency,
        "payment": payment_document(payment) if payment and sees_payment else None,
        "placed_at": order.placed_at,
        "paid_at": order.paid_at,
        "fulfilled_at": order.fulfilled_at,
        "completed_at": order.completed_at,
        "ended_at": order.ended_at,
        "moves_on_at": order.next_transition_at,
    }


def sees_fees_of(order: Order, viewer: Account) -> bool:
    """Whether an account sees what a sale costs its seller."""
    return viewer.is_staff or viewer.pk == order.seller_id


def sharers_of(lines: Iterable[OrderLine]) -> People:
    """Return whom the share terms of lines name; one statement, none where nobody brought any."""
    named = {line.share_terms["sharer"] for line in lines if line.share_terms}
    return references(named)


def _line_document(line: OrderLine) -> dict[str, Any]:
    return {
        "id": line.public_id,
        "item": line.item.public_id if line.item else None,
        "title": line.title,
        "quantity": line.quantity,
        "unit_amount": line.unit_minor,
        "amount": line.amount_minor,
        "refunded": line.refunded_minor,
    }


def _fee_of(line: OrderLine, sharers: People) -> dict[str, Any]:
    terms = line.share_terms
    shown = terms | {"sharer": sharers[terms["sharer"]]} if terms else None
    return {"fee": line.fee_minor, "share_terms": shown}


def payment_document(payment: ProviderPayment) -> dict[str, Any]:
    """A payment whose top-up has failed has failed: nobody will tell it."""
    top_up = payment.top_up
    has_failed_top_up = top_up is not None and top_up.status == TopUp.Status.FAILED
    return {
        "status": ProviderPayment.Status.FAILED if has_failed_top_up else payment.status,
        "provider": payment.provider,
        "amount": top_up.amount_minor if top_up is not None else 0,
        "currency": payment.currency,
        "failure": (top_up.failure if top_up is not None and has_failed_top_up else payment.failure) or None,
        "client_secret": (top_up.client_secret if top_up is not None else "") or None,
    }


def present_orders(orders: Sequence[Order], viewer: Account) -> Iterator[dict[str, Any]]:
    lines, payments = lines_of(orders), payments_of(orders)
    sharers = sharers_of(line for order in orders if sees_fees_of(order, viewer) for line in lines[order.id])
    for order in orders:
        yield order_document(order, lines[order.id], viewer, payments.get(order.id), sharers)


def one_order(order: Order, viewer: Account) -> dict[str, Any]:
    return next(present_orders([order], viewer))


def order_just_paid(order: Order, viewer: Account) -> dict[str, Any]:
    """An order paid from a wallet: what a provider may have failed to charge before is past."""
    return order_document(order, lines_of([order])[order.id], viewer)


def checkout_document(
    checkout: Checkout, orders: Sequence[Order], lines: Lines, viewer: Account, payments: Payments | None = None
) -> dict[str, Any]:
    payments = payments or {}
    return {
        "id": checkout.public_id,
        "status": _checkout_status(orders),
        "total": checkout.total_minor,
        "payable": sum(order.total_minor for order in orders if order.status == Order.Status.PENDING),
        "currency": checkout.currency,
        "placed_at": checkout.placed_at,
        "orders": [order_document(order, lines[order.id], viewer, payments.get(order.id)) for order in orders],
    }


def _checkout_status(orders: Sequence[Order]) -> str:
    """Pending while something can be paid; then paid if anything was, else closed."""
    if any(order.status == Order.Status.PENDING for order in orders):
        return "pending"
    return "paid" if any(order.paid_minor for order in orders) else "closed"


def read_checkout(checkout: Checkout, orders: Sequence[Order], viewer: Account) -> dict[str, Any]:
    return checkout_document(checkout, orders, lines_of(orders), viewer, payments_of(orders))


def refund_document(refund: Refund) -> dict[str, Any]:
    return next(present_refunds([refund]))


def present_refunds(refunds: Sequence[Refund]) -> Iterator[dict[str, Any]]:
    for refund in refunds:
        yield {
            "id": refund.public_id,
            "order": refund.order.public_id,
            "amount": refund.amount_minor,
            "currency": refund.order.currency,
            "lines": [_refund_line_document(part) for part in refund.lines.all()],
            "status": "succeeded",
            "reason": refund.reason,
            "refunded_at": refund.refunded_at,
        }


def _refund_line_document(part: RefundLine) -> dict[str, Any]:
    line = OrderLine.public_id_of(part.line_id)
    return {"line": line, "amount": part.amount_minor, "restocked": part.restocked}


def refund_request_document(request: RefundRequest) -> dict[str, Any]:
    return {
        "id": request.public_id,
        "order": request.order.public_id,
        "lines": request.lines,
        "asked": request.asked_minor,
        "refunded": request.refund.amount_minor if request.refund else 0,
        "currency": request.order.currency,
        "reason": request.reason,
        "status": request.status,
        "requested_by": account_ref(request.requested_by),
        "requested_at": request.requested_at,
        "operators_from": request.operators_from,
        "decided_by": account_ref(request.decided_by),
        "decided_at": request.decided_at,
        "answer": request.answer,
        "refund": request.refund.public_id if request.refund else None,
    }


def present_refund_requests(requests: Sequence[RefundRequest]) -> Iterator[dict[str, Any]]:
    return map(refund_request_document, requests)
