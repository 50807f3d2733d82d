"""What tills and their trades look like from outside."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rest_framework import serializers

from accounts.references import AccountRefDocument, account_ref
from core.pages import page_url
from orders.api.outputs import RefundDocument, refund_document
from orders.counter.models import CounterTrade, Terminal
from orders.counter.receipts.codes import sign_receipt
from orders.counter.receipts.reading import receipt_url
from orders.counter.services.charging import REFUSALS
from orders.counter.states import TradeStatus, status_of
from orders.models import OrderLine, Refund

PAY_PAGE = "portal:pay"


class TerminalDocument(serializers.Serializer):
    id = serializers.CharField()
    store = serializers.CharField()
    name = serializers.CharField()
    institution = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    rotated_at = serializers.DateTimeField(allow_null=True, help_text="When it last got a new key.")
    revoked_at = serializers.DateTimeField(allow_null=True)


class TerminalShownOnce(TerminalDocument):
    key = serializers.CharField(help_text="Shown once: `Authorization: Terminal <key>`.")


def present_terminals(terminals: Sequence[Terminal]) -> Iterator[dict[str, Any]]:
    for terminal in terminals:
        yield {
            "id": terminal.public_id,
            "store": terminal.store.public_id,
            "name": terminal.name,
            "institution": terminal.institution,
            "created_at": terminal.created_at,
            "rotated_at": terminal.rotated_at,
            "revoked_at": terminal.revoked_at,
        }


def terminal_shown_once(terminal: Terminal, key: str) -> dict[str, Any]:
    return {**next(present_terminals([terminal])), "key": key}


class TradeLineDocument(serializers.Serializer):
    id = serializers.CharField()
    item = serializers.CharField(allow_null=True)
    title = serializers.CharField(help_text="The item's title, or what the till typed.")
    quantity = serializers.IntegerField()
    unit_amount = serializers.IntegerField()
    amount = serializers.IntegerField()
    refunded = serializers.IntegerField()


class TradeRefusalDocument(serializers.Serializer):
    code = serializers.ChoiceField(sorted(REFUSALS))
    detail = serializers.CharField()


class TradeDocument(serializers.Serializer):
    trade_no = serializers.CharField(help_text="Unguessable: whoever has it may look at the trade, and pay it.")
    order = serializers.CharField()
    store = serializers.CharField()
    store_name = serializers.CharField()
    seller = AccountRefDocument()
    terminal = serializers.CharField()
    sequence = serializers.IntegerField()
    status = serializers.ChoiceField([status.value for status in TradeStatus])
    lines = TradeLineDocument(many=True)
    amount = serializers.IntegerField()
    currency = serializers.CharField()
    refunded = serializers.IntegerField()
    placed_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)
    closes_at = serializers.DateTimeField(help_text="When time closes it, unless it is paid.")
    qr = serializers.CharField(help_text="What the till shows as a QR code: the page where a phone reads and pays it.")
    receipt = serializers.CharField(
        allow_null=True, help_text="The address that the QR code on the receipt holds; null until it is paid."
    )
    refusal = TradeRefusalDocument(allow_null=True, help_text="Why the last payment of an unpaid trade was refused.")


class TillRefundDocument(RefundDocument):
    trade_no = serializers.CharField()
    sequence = serializers.IntegerField()


class OutcomeDocument(serializers.Serializer):
    outcome = serializers.ChoiceField(["final", "in_progress", "not_known"])
    trade = TradeDocument(required=False, help_text="As it is now.")
    answer = serializers.JSONField(required=False, help_text="The first answer to this sequence, as it was.")


class CancelledDocument(serializers.Serializer):
    result = serializers.ChoiceField(["not_created", "closed", "refunded"])


def trade_document(trade: CounterTrade, lines: Sequence[OrderLine], *, now: datetime) -> dict[str, Any]:
    order = trade.order
    return {
        "trade_no": order.trade_no,
        "order": order.public_id,
        "store": order.store,
        "store_name": trade.store.name,
        "seller": account_ref(order.seller),
        "terminal": order.terminal,
        "sequence": trade.sequence,
        "status": status_of(trade, now).value,
        "lines": [_line_document(line) for line in lines],
        "amount": order.total_minor,
        "currency": order.currency,
        "refunded": order.refunded_minor,
        "placed_at": order.placed_at,
        "paid_at": order.paid_at,
        "closes_at": trade.closes_at,
        "qr": page_url(PAY_PAGE, order.trade_no),
        "receipt": receipt_url(sign_receipt(order.public_id)) if order.paid_minor else None,
        "refusal": _refusal_document(trade),
    }


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


def _refusal_document(trade: CounterTrade) -> dict[str, Any] | None:
    if not trade.refusal or trade.order.paid_minor:
        return None
    return {"code": trade.refusal, "detail": trade.refusal_detail}


def till_refund_document(refund: Refund, trade: CounterTrade, sequence: int) -> dict[str, Any]:
    return refund_document(refund) | {"trade_no": trade.order.trade_no, "sequence": sequence}
