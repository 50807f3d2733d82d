"""
Reading a history file: lines become invoices in the order of time, or are refused with a reason.

Nothing here looks at the database. The columns are explained in docs/replay.md.
"""

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO

from core.money import AMOUNT_MINOR_MAX, CURRENCY_DIGITS
from replay.reasons import Reason

REQUIRED_COLUMNS = ("invoice_no", "stock_code", "quantity", "invoice_date", "unit_price")
OPTIONAL_COLUMNS = ("description", "customer_id", "country", "seller", "currency")
CANCELLATION_PREFIX = "C"
QUANTITY_MAX = 2**31 - 1
KEY_LENGTH_MAX = 100  # of invoice numbers, stock codes, customers, sellers
GZIP_MAGIC = b"\x1f\x8b"


class NotAHistory(ValueError):
    """The file is no history at all; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is left out, in whole or in part; `line` is its number in the file, the heading being 1."""

    line: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Line:
    """One accepted line: `quantity` units, of a sale or given back, at `unit_minor` each."""

    number: int
    stock_code: str
    title: str
    quantity: int
    unit_minor: int

    @property
    def amount_minor(self) -> int:
        return self.quantity * self.unit_minor


@dataclass(frozen=True, slots=True)
class Customer:
    """Who bought: a customer of the file, or everybody without a number in one country."""

    number: str
    country: str

    @property
    def key(self) -> str:
        return f"customer {self.number}" if self.number else f"walk-in {self.country}"

    @property
    def name(self) -> str:
        if self.number:
            return f"Customer {self.number}"
        return f"Walk-in customers, {self.country}" if self.country else "Walk-in customers"


@dataclass(slots=True)
class Invoice:
    """One invoice of one seller with the lines that can be used; `at` is in UTC."""

    seller: str
    number: str
    at: datetime
    customer: Customer
    currency: str
    lines: list[Line] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        return (self.seller, self.number)

    @property
    def is_cancellation(self) -> bool:
        return self.number.startswith(CANCELLATION_PREFIX)

    @property
    def total_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)


@dataclass(frozen=True, slots=True)
class History:
    """A whole file: its usable invoices in the order of time, what was refused, and how many invoices it has."""

    invoices: Sequence[Invoice]
    refused: Sequence[Refused]
    invoices_read: int


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What holds for lines that do not say it themselves."""

    seller: str
    currency: str
    timezone: tzinfo


def read_history(path: Path, *, assumed: Assumptions, now: datetime) -> History:
    """
    Read a CSV file, plain or gzipped, with a heading.

    Only invoices with a usable line come back. `now`: nothing later can have happened yet.

    :raises NotAHistory: a required column is missing.
    :raises OSError: the file cannot be read.
    :raises EOFError: a gzipped file ends in the middle.
    """
    reading = _Reading(assumed, now)
    with _open(path) as file:
        rows = csv.reader(file)
        columns = _columns(next(rows, []))
        for number, row in _numbered(rows):
            reading.take(number, row, columns)
    return reading.history()


class _Refusal(Exception):
    """Why the line at hand is left out."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(detail)


class _Reading:
    """The invoices found so far; the first readable line of an invoice says whose it is and when."""

    def __init__(self, assumed: Assumptions, now: datetime) -> None:
        self._assumed = assumed
        self._now = now
        self._invoices: dict[tuple[str, str], Invoice] = {}
        self._totals: dict[tuple[str, str], int] = {}
        self._refused: list[Refused] = []

    def take(self, number: int, row: Sequence[str] | None, columns: Mapping[str, int]) -> None:
        try:
            if row is None or len(row) <= max(columns.values()) or not _is_text(row):
                raise _Refusal(Reason.UNREADABLE, "Not a line of this table.")
            self._add(number, {name: row[place].strip() for name, place in columns.items()})
        except _Refusal as refusal:
            self._refused.append(Refused(number, refusal.reason, refusal.detail))

    def history(self) -> History:
        usable = [invoice for invoice in self._invoices.values() if invoice.lines]
        usable.sort(key=lambda invoice: invoice.at)  # Stable: of one minute, as the file has them.
        return History(usable, self._refused, len(self._invoices))

    def _add(self, number: int, cells: Mapping[str, str]) -> None:
        invoice = self._invoice(cells)
        line = _line(number, cells, invoice)
        total_minor = self._totals.get(invoice.key, 0) + line.amount_minor
        if total_minor > AMOUNT_MINOR_MAX:
            raise _Refusal(Reason.AMOUNT_TOO_LARGE, "With this line the invoice would be too large.")
        self._totals[invoice.key] = total_minor
        invoice.lines.append(line)

    def _invoice(self, cells: Mapping[str, str]) -> Invoice:
        number = _key(cells["invoice_no"], Reason.INVOICE_MISSING, "No invoice number.")
        seller = cells.get("seller", "")[:KEY_LENGTH_MAX] or self._assumed.seller
        customer = Customer(cells.get("customer_id", "")[:KEY_LENGTH_MAX], cells.get("country", "")[:KEY_LENGTH_MAX])
        currency = (cells.get("currency") or self._assumed.currency).upper()
        known = self._invoices.get((seller, number))
        if known is None:
            if currency not in CURRENCY_DIGITS:
                raise _Refusal(Reason.CURRENCY_INVALID, f"{currency} is no ISO 4217 currency with minor units.")
            known = Invoice(seller, number, self._time(cells["invoice_date"]), customer, currency)
            self._invoices[known.key] = known
        if known.customer != customer:
            raise _Refusal(Reason.CUSTOMER_DIFFERS, f"Invoice {number} is for {known.customer.name}.")
        if known.currency != currency:
            raise _Refusal(Reason.CURRENCY_DIFFERS, f"Invoice {number} is in {known.currency}.")
        return known

    def _time(self, text: str) -> datetime:
        try:
            at = datetime.fromisoformat(text)
            at = (at if at.tzinfo else at.replace(tzinfo=self._assumed.timezone)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise _Refusal(Reason.DATE_INVALID, f"{text[:40]!r} is no date such as 2010-12-01 08:26:00.") from None
        if at > self._now:
            raise _Refusal(Reason.DATE_INVALID, f"{text} has not come yet.")
        return at


def _line(number: int, cells: Mapping[str, str], invoice: Invoice) -> Line:
    stock_code = _key(cells["stock_code"], Reason.STOCK_CODE_MISSING, "No stock code.")
    quantity = _quantity(cells["quantity"], is_cancellation=invoice.is_cancellation)
    unit_minor = _unit_minor(cells["unit_price"], invoice.currency)
    if quantity > QUANTITY_MAX or quantity * unit_minor > AMOUNT_MINOR_MAX:
        raise _Refusal(Reason.AMOUNT_TOO_LARGE, f"{quantity} times {cells['unit_price']} is too large.")
    return Line(number, stock_code, cells.get("description") or stock_code, quantity, unit_minor)


def _quantity(text: str, *, is_cancellation: bool) -> int:
    """Units, above zero: of a cancellation those that come back."""
    try:
        quantity = int(text)
    except ValueError:
        raise _Refusal(Reason.QUANTITY_INVALID, f"{text[:40]!r} is no whole number.") from None
    if is_cancellation and quantity >= 0:
        raise _Refusal(Reason.QUANTITY_NOT_NEGATIVE, f"A cancellation of {quantity}.")
    if not is_cancellation and quantity <= 0:
        raise _Refusal(Reason.QUANTITY_NOT_POSITIVE, f"A sale of {quantity}.")
    return abs(quantity)


def _unit_minor(text: str, currency: str) -> int:
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise _Refusal(Reason.PRICE_INVALID, f"{text[:40]!r} is no amount.") from None
    if not price.is_finite():
        raise _Refusal(Reason.PRICE_INVALID, f"{text[:40]!r} is no amount.")
    if price <= 0:
        raise _Refusal(Reason.PRICE_NOT_POSITIVE, f"A price of {text}.")
    if price.adjusted() > len(str(AMOUNT_MINOR_MAX)):
        raise _Refusal(Reason.AMOUNT_TOO_LARGE, f"A price of {text[:40]}.")
    minor = price.scaleb(CURRENCY_DIGITS[currency])
    if minor != minor.to_integral_value():
        raise _Refusal(Reason.PRICE_NOT_WHOLE, f"{text} {currency} is not a whole number of minor units.")
    return int(minor)


def _key(text: str, reason: Reason, missing: str) -> str:
    if not text:
        raise _Refusal(reason, missing)
    if len(text) > KEY_LENGTH_MAX:
        raise _Refusal(Reason.UNREADABLE, f"A number or code of more than {KEY_LENGTH_MAX} characters.")
    return text


def _is_text(row: Sequence[str]) -> bool:
    """Bytes that are no UTF-8 came in as surrogates; NUL cannot be stored."""
    text = "".join(row)
    return "\0" not in text and (text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text))


def _open(path: Path) -> IO[str]:
    with path.open("rb") as file:
        is_gzipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    if is_gzipped:
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="")
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _columns(heading: Sequence[str]) -> dict[str, int]:
    """Where each known column stands; `Invoice No` and `InvoiceNo` are `invoice_no`, the first of two counts."""
    places = {_bare(name): place for place, name in reversed(list(enumerate(heading)))}
    missing = [name for name in REQUIRED_COLUMNS if _bare(name) not in places]
    if missing:
        raise NotAHistory(f"The first line must name the columns; missing: {', '.join(missing)}.")
    return {name: places[_bare(name)] for name in (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS) if _bare(name) in places}


def _bare(name: str) -> str:
    return name.lower().replace("_", "").replace(" ", "")


def _numbered(rows: "csv._reader") -> Iterator[tuple[int, list[str] | None]]:  # type: ignore[name-defined]
    """Each line with the number at which it begins; None for one that the CSV reader gives up on."""
    while True:
        number = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield number, None
            continue
        if row:
            yield number, row
