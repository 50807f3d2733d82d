"""Receipts over HTTP, for tills and for the customers: JSON, text for a printer, or a PDF, as `Accept` asks."""

from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from core.api import fields
from core.api.schema import refuses
from core.api.views import ApiView
from core.qr import qr_svg
from orders.counter import selectors
from orders.counter.api.customers import BUYER
from orders.counter.api.trades import TILL
from orders.counter.callers import till_of
from orders.counter.errors import TradeNotPaid
from orders.counter.models import CounterTrade
from orders.counter.receipts.pdf import draw_pdf
from orders.counter.receipts.reading import GivenBack, Receipt, ReceiptLine, receipt_of
from orders.counter.receipts.texts import write_text

TEXT = "text/plain"
PDF = "application/pdf"


class ReceiptLineDocument(serializers.Serializer):
    id = serializers.CharField()
    title = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_amount = serializers.IntegerField()
    amount = serializers.IntegerField()
    refunded = serializers.IntegerField()


class GivenBackDocument(serializers.Serializer):
    amount = serializers.IntegerField()
    refunded_at = serializers.DateTimeField()


class ReceiptDocument(serializers.Serializer):
    """As much as a receipt on paper says; never who the customer is."""

    number = serializers.CharField(help_text="The end of the trade's number, for people to compare.")
    url = serializers.CharField(help_text="Opens the receipt for whoever has it, and so proves it: the QR code.")
    qr_svg = serializers.CharField(help_text="The QR code as a data URI.")
    store_name = serializers.CharField()
    address = serializers.CharField(allow_blank=True)
    seller_name = serializers.CharField()
    terminal_name = serializers.CharField()
    sequence = serializers.IntegerField()
    lines = ReceiptLineDocument(many=True)
    amount = serializers.IntegerField()
    currency = serializers.CharField()
    refunded = serializers.IntegerField()
    refunds = GivenBackDocument(many=True, help_text="The oldest comes first.")
    paid_at = serializers.DateTimeField()


class TextRenderer(BaseRenderer):
    """Lets `Accept: text/plain` through content negotiation; the view writes it. Refusals are JSON."""

    media_type = TEXT
    format = "text"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return JSONRenderer().render(data)


class PDFRenderer(TextRenderer):
    media_type = PDF
    format = "pdf"


class ReceiptView(ApiView):
    """What both views of receipts have in common."""

    class Query(fields.Input):
        width = serializers.ChoiceField(
            settings.RECEIPT_TEXT_WIDTHS,
            default=settings.RECEIPT_TEXT_WIDTH,
            help_text="Of a text: how many columns the printer has.",
        )

    def get_renderers(self) -> list[BaseRenderer]:
        return [JSONRenderer(), TextRenderer(), PDFRenderer()]

    def answer(self, trade: CounterTrade) -> HttpResponse | Response:
        width = self.checked_query()["width"]
        receipt = receipt_of(trade)
        wanted = self.request.accepted_renderer.format
        if wanted == "text":
            return text_answer(receipt, width=width)
        return pdf_answer(receipt) if wanted == "pdf" else Response(receipt_document(receipt))


ANSWERS = {
    (200, "application/json"): ReceiptDocument,
    (200, TEXT): OpenApiTypes.STR,
    (200, PDF): OpenApiTypes.BINARY,
}


class TillReceipt(ReceiptView):
    """GET /api/v1/terminal/trades/<trade_no>/receipt"""

    audience: ClassVar = {"*": TILL}

    @extend_schema(summary="The receipt of a paid trade of this till's store", responses=ANSWERS)
    @refuses(TradeNotPaid)
    def get(self, request: Request, trade_no: str) -> HttpResponse | Response:
        return self.answer(selectors.get_trade(trade_no, store=till_of(request).store))


class CustomerReceipt(ReceiptView):
    """GET /api/v1/trades/<trade_no>/receipt"""

    audience: ClassVar = {"*": BUYER}

    @extend_schema(summary="The receipt of an own trade that is paid", responses=ANSWERS)
    @refuses(TradeNotPaid)
    def get(self, request: Request, trade_no: str) -> HttpResponse | Response:
        return self.answer(selectors.get_trade_to_pay(trade_no, visible_to=actor_of(request).acting))


def text_answer(receipt: Receipt, *, width: int) -> HttpResponse:
    """Answer a receipt as text."""
    return HttpResponse(write_text(receipt, width=width), content_type=f"{TEXT}; charset=utf-8")


def pdf_answer(receipt: Receipt) -> HttpResponse:
    """Answer a receipt as a PDF to keep."""
    name = f'attachment; filename="receipt-{receipt.number}.pdf"'
    return HttpResponse(draw_pdf(receipt), content_type=PDF, headers={"Content-Disposition": name})


def receipt_document(receipt: Receipt) -> dict[str, Any]:
    return {
        "number": receipt.number,
        "url": receipt.url,
        "qr_svg": qr_svg(receipt.url),
        "store_name": receipt.store,
        "address": receipt.address,
        "seller_name": receipt.seller,
        "terminal_name": receipt.till,
        "sequence": receipt.sequence,
        "lines": [_line_document(line) for line in receipt.lines],
        "amount": receipt.total.minor,
        "currency": receipt.total.currency,
        "refunded": receipt.refunded.minor,
        "refunds": [_refund_document(refund) for refund in receipt.refunds],
        "paid_at": receipt.paid_at,
    }


def _line_document(line: ReceiptLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "title": line.title,
        "quantity": line.quantity,
        "unit_amount": line.unit.minor,
        "amount": line.amount.minor,
        "refunded": line.returned.minor,
    }


def _refund_document(refund: GivenBack) -> dict[str, Any]:
    return {"amount": refund.amount.minor, "refunded_at": refund.at}
