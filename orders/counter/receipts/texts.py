"""A receipt as plain text for the printers of tills: so many columns, of which a Chinese character takes two."""

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime

from django.utils.translation import gettext as _
from wcwidth import wcwidth

from core.money import Money, format_minor
from orders.counter.receipts.reading import Receipt, ReceiptLine

# What a printer would take for a command is a blank; what only turns the order of the text around it is nothing. The
# joiners stay: without them words of some scripts are misspelt.
_PRINTED_AS = {"Cc": " ", "Cs": " ", "Zl": " ", "Zp": " ", "Cf": ""}
_JOINERS = "\u200c\u200d"


def write_text(receipt: Receipt, *, width: int) -> str:
    """Return a receipt as lines of at most `width` columns; the QR code is the printer's to draw, of its address."""
    return "".join(f"{line.rstrip()}\n" for line in _lines(receipt, width))


def columns_of(text: str) -> int:
    """Return how many columns a printable text takes."""
    return sum(max(wcwidth(character), 0) for character in text)


def printable(text: str) -> str:
    """Return a text, which somebody else wrote, without anything that is not a character to read."""
    kept = (c if c in _JOINERS else _PRINTED_AS.get(unicodedata.category(c), c) for c in text)
    return " ".join("".join(kept).split())


def wrap(text: str, width: int) -> Iterator[str]:
    """Yield a text in lines of at most `width` columns: cut at blanks, and only within a word that is too long."""
    line = ""
    for word in printable(text).split(" "):
        joined = f"{line} {word}" if line else word
        if columns_of(joined) <= width:
            line = joined
            continue
        if line:
            yield line
        *whole, line = _chop(word, width)
        yield from whole
    yield line


def _chop(word: str, width: int) -> list[str]:
    """What takes no column (an accent, a joiner) stays with the character before it."""
    pieces = [""]
    for character in word:
        if columns_of(pieces[-1] + character) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces


def _lines(receipt: Receipt, width: int) -> Iterator[str]:
    rule = "-" * width
    yield from _heading(receipt, width)
    yield rule
    yield from spread(time_of(receipt.paid_at), receipt.number, width)
    yield from spread(receipt.till, f"#{receipt.sequence}", width)
    yield rule
    for line in receipt.lines:
        yield from _sold(line, width)
    yield rule
    yield from _sums(receipt, width)
    yield rule
    yield from wrap(_("Genuine? Scan the code, or open"), width)
    yield from wrap(receipt.url, width)


def _heading(receipt: Receipt, width: int) -> Iterator[str]:
    for text in filter(None, (receipt.store, receipt.address, _("Sold by %s") % receipt.seller)):
        for line in wrap(text, width):
            yield " " * ((width - columns_of(line)) // 2) + line


def _sold(line: ReceiptLine, width: int) -> Iterator[str]:
    yield from wrap(line.title, width)
    yield from spread(f"  {line.quantity} x {_plain(line.unit)}", _plain(line.amount), width)
    if line.returned.minor:
        yield from spread("  " + _("given back"), f"-{_plain(line.returned)}", width)


def _sums(receipt: Receipt, width: int) -> Iterator[str]:
    currency = receipt.total.currency
    yield from spread(_("PAID %s") % currency, _plain(receipt.total), width)
    for refund in receipt.refunds:
        yield from spread(_("Given back") + f" {time_of(refund.at)}", f"-{_plain(refund.amount)}", width)
    if receipt.refunds:
        yield from spread(_("REMAINS %s") % currency, _plain(receipt.kept), width)


def spread(left: str, right: str, width: int) -> Iterator[str]:
    """Yield two texts at the two edges: on one line if they fit, else on lines below each other."""
    indent = " " * (len(left) - len(left.lstrip()))
    left = indent + printable(left)
    gap = width - columns_of(left) - columns_of(right)
    if gap > 0:
        yield left + " " * gap + right
        return
    yield from (indent + line for line in wrap(left, width - len(indent)))
    yield " " * (width - columns_of(right)) + right


def time_of(moment: datetime) -> str:
    """Return a time as receipts say it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _plain(money: Money) -> str:
    return format_minor(money.minor, money.currency)
