"""What a receipt says: as much as one on paper does, as of now, and never who the customer is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.errors import NotFound
from core.money import Money
from core.pages import page_url
from orders.counter import selectors
from orders.counter.errors import TradeNotPaid
from orders.counter.models import CounterTrade
from orders.counter.receipts.codes import read_code, sign_receipt
from orders.models import OrderLine
from orders.selectors import lines_of, refunds_of

PAGE = "portal:receipt"
_NUMBER_SHOWN = 8  # of 26 characters: tells a store's trades apart, and leaves 90 bits that nobody knows.


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """One line as it was sold; `returned` is what has been given back of it."""

    id: str
    title: str
    quantity: int
    unit: Money
    amount: Money
    returned: Money


@dataclass(frozen=True, slots=True)
class GivenBack:
    """One refund."""

    amount: Money
    at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receipt of a paid trade. `number`: the end of the trade's, for people to compare."""

    code: str
    number: str
    store: str
    address: str
    seller: str
    till: str
    sequence: int
    lines: Sequence[ReceiptLine]
    total: Money
    refunds: Sequence[GivenBack]
    refunded: Money
    paid_at: datetime

    @property
    def kept(self) -> Money:
        """What is paid and has not been given back."""
        return self.total - self.refunded

    @property
    def url(self) -> str:
        return receipt_url(self.code)


def receipt_url(code: str) -> str:
    """Return the whole address that the QR code of a receipt holds."""
    return page_url(PAGE, code)


def short_number(trade_no: str) -> str:
    """Return the end of a trade's number, in two halves: nobody pays or finds a trade with it."""
    end = trade_no[-_NUMBER_SHOWN:]
    return f"{end[: _NUMBER_SHOWN // 2]}-{end[_NUMBER_SHOWN // 2 :]}"


def receipt_of(trade: CounterTrade) -> Receipt:
    """
    Return the receipt of a trade as it is now; two statements.

    :raises TradeNotPaid: there is nothing to receipt.
    """
    order = trade.order
    if not order.paid_minor or order.paid_at is None:
        raise TradeNotPaid
    refunds = refunds_of(order).prefetch_related(None).order_by("id")
    return Receipt(
        code=sign_receipt(order.public_id),
        number=short_number(order.trade_no),
        store=trade.store.name,
        address=trade.store.address,
        seller=order.seller.name,
        till=trade.terminal.name,
        sequence=trade.sequence,
        lines=[_line_of(line, order.currency) for line in lines_of([order])[order.pk]],
        total=Money(order.paid_minor, order.currency),
        refunds=[GivenBack(Money(refund.amount_minor, order.currency), refund.refunded_at) for refund in refunds],
        refunded=Money(order.refunded_minor, order.currency),
        paid_at=order.paid_at,
    )


def open_receipt(code: str) -> Receipt:
    """
    Return the receipt that a signed code belongs to, as it is now.

    :raises NotFound: we have never given out a receipt with this code.
    """
    order = read_code(code)
    trade = selectors.find_trade_of(order) if order is not None else None
    if trade is None or not trade.order.paid_minor:
        raise NotFound
    return receipt_of(trade)


def _line_of(line: OrderLine, currency: str) -> ReceiptLine:
    return ReceiptLine(
        id=line.public_id,
        title=line.title,
        quantity=line.quantity,
        unit=Money(line.unit_minor, currency),
        amount=Money(line.amount_minor, currency),
        returned=Money(line.refunded_minor, currency),
    )
