"""
Receipts for whoever holds one: opening the address in its QR code shows what the house knows of it now.

So a paper that was altered is seen through, and one that was forged has no page. The code gives no rights, and the
page says no more than the paper; still nobody learns of it from a Referer, a cache or a search engine.
"""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from core.errors import NotFound, Refusal
from core.qr import qr_svg
from orders.counter.api.receipts import pdf_answer, text_answer
from orders.counter.receipts.reading import open_receipt
from portal.pages.base import Page, TextPage


class ReceiptPage(Page):
    """What the three forms of a receipt have in common: anybody may look, and what is not ours is plainly not there."""

    referrer_policy: ClassVar[str] = "no-referrer"

    def show_refusal(self, refusal: Refusal) -> HttpResponse:
        if not isinstance(refusal, NotFound):
            return super().show_refusal(refusal)
        answer = TemplateResponse(self.request, "portal/receipt_not_ours.html", self.get_context_data())
        answer.status_code = refusal.status
        return answer.render()


class Receipt(ReceiptPage, TextPage):
    """/receipts/<code>"""

    template_name = "portal/receipt.html"

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        receipt = open_receipt(code)
        widths = settings.RECEIPT_TEXT_WIDTHS
        return self.render_to_response(self.get_context_data(receipt=receipt, qr=qr_svg(receipt.url), widths=widths))


class ReceiptPDF(ReceiptPage):
    """/receipts/<code>.pdf"""

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        return pdf_answer(open_receipt(code))


class WidthForm(forms.Form):
    """For which printer; what is no width of a printer is the usual one."""

    width = forms.TypedChoiceField(choices=[(width, width) for width in settings.RECEIPT_TEXT_WIDTHS], coerce=int)


class ReceiptText(ReceiptPage):
    """/receipts/<code>.txt"""

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        form = WidthForm(request.GET)
        width: Any = form.cleaned_data["width"] if form.is_valid() else settings.RECEIPT_TEXT_WIDTH
        return text_answer(open_receipt(code), width=width)
