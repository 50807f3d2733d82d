"""A receipt as a PDF."""

from pathlib import Path
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core.money import Money, format_minor
from core.qr import qr_picture
from core.typesetting import typeset
from orders.counter.receipts.reading import Receipt
from orders.counter.receipts.texts import printable, time_of

_TEMPLATE = Path(__file__).with_name("receipt.typ")


def draw_pdf(receipt: Receipt) -> bytes:
    """Return a receipt as a PDF with its fonts and its QR code in it."""
    return typeset(_TEMPLATE, _said(receipt), timestamp=int(receipt.paid_at.timestamp()), format="pdf")


def _said(receipt: Receipt) -> dict[str, Any]:
    return {
        "language": (get_language() or "en").partition("-")[0],
        "title": _("Receipt %s") % receipt.number,
        "store": printable(receipt.store),
        "about": [printable(text) for text in (receipt.address, _("Sold by %s") % receipt.seller) if text],
        "facts": [
            (_("Paid"), time_of(receipt.paid_at)),
            (_("Trade"), receipt.number),
            (_("Till"), f"{printable(receipt.till)} · #{receipt.sequence}"),
        ],
        "lines": [
            {
                "title": printable(line.title),
                "count": f"{line.quantity} × {_plain(line.unit)}",
                "amount": _plain(line.amount),
                "returned": f"−{_plain(line.returned)}" if line.returned.minor else "",
            }
            for line in receipt.lines
        ],
        "returned": _("given back"),
        "sums": _sums(receipt),
        "check": _("Is it genuine? Scan the code, or open"),
        "url": receipt.url,
        "qr": qr_picture(receipt.url),
    }


def _sums(receipt: Receipt) -> list[tuple[str, str, bool]]:
    """Label, amount, and whether it is printed bold."""
    given_back = [
        (f"{_('Given back')} {time_of(refund.at)}", f"−{_plain(refund.amount)}", False) for refund in receipt.refunds
    ]
    remains = [(_("Remains"), str(receipt.kept), True)] if given_back else []
    return [(_("Paid"), str(receipt.total), True), *given_back, *remains]


def _plain(money: Money) -> str:
    return format_minor(money.minor, money.currency)
