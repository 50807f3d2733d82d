"""
What is being rung up. Each change names the sale it belongs to by its sequence: one that comes late, from a page that
was left open or a press whose answer was lost, changes no other sale.

The cart's row is a till's own. It is locked before anything that sales lock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from catalog.models import Item
from catalog.selectors import items_by_id
from core.errors import AmountTooLarge, NotFound
from core.money import AMOUNT_MINOR_MAX, Money
from orders.counter.cashier.callers import Cashier
from orders.counter.cashier.errors import SaleMovedOn, SaleUnderWay, TillCartFull
from orders.counter.models import CounterTrade, Terminal, TillCart
from orders.counter.services import SoldLine
from orders.errors import MixedCurrencies
from orders.models import OrderLine

# A till may be used with its key as well, and then has taken numbers that no browser was given.
_FREE_NUMBER = """
SELECT min(number) FROM (
    SELECT %(from)s::bigint AS number
    UNION ALL
    SELECT sequence + 1 FROM orders_tillrequest WHERE terminal_id = %(terminal)s AND sequence >= %(from)s
) AS candidate
WHERE NOT EXISTS (SELECT FROM orders_tillrequest WHERE terminal_id = %(terminal)s AND sequence = number)
"""


@dataclass(frozen=True, slots=True)
class RungUp:
    """One line as a cashier sees it, at the price of now. `is_sold`: whether it can be sold so."""

    title: str
    quantity: int
    unit: Money
    is_sold: bool = True
    left: int | None = None
    item: str = ""

    @property
    def amount(self) -> Money:
        return Money(self.unit.minor * self.quantity, self.unit.currency)

    def sold(self) -> SoldLine:
        """Return it as trades are made of."""
        if self.item:
            return SoldLine(quantity=self.quantity, item=self.item)
        return SoldLine(quantity=self.quantity, description=self.title, unit_minor=self.unit.minor)


@dataclass(frozen=True, slots=True)
class Sale:
    """The sale at a till as it is now; `trade` once it has been rung up."""

    sequence: int
    currency: str
    lines: list[RungUp]
    trade: CounterTrade | None

    @property
    def total(self) -> Money | None:
        """What it comes to; None where nothing is rung up."""
        return Money(sum(line.amount.minor for line in self.lines), self.currency) if self.lines else None


def sale_at(cashier: Cashier) -> Sale:
    """Return the sale at a till; two statements, and one more where items are in it."""
    cart = TillCart.objects.select_related("trade__order").filter(terminal=cashier.terminal).first()
    return read_cart(cart or _first_cart(cashier.terminal))


def read_cart(cart: TillCart) -> Sale:
    """Return what a cart's row says, with its items as they are now."""
    named = [line["item"] for line in cart.lines if "item" in line]
    items = items_by_id(named) if named else {}
    lines = [_read(line, cart.currency, items) for line in cart.lines]
    return Sale(cart.sequence, cart.currency, lines, cart.trade)


@transaction.atomic
def put_item(*, cashier: Cashier, sequence: int, item: Item) -> None:
    """
    Put one more of an item of the store into the sale.

    :raises SaleMovedOn: this sale has been rung up or ended.
    :raises MixedCurrencies: what is there is in another currency.
    :raises TillCartFull, AmountTooLarge: there is too much in it.
    """
    cart = lock_cart(cashier, sequence)
    line = next((line for line in cart.lines if line.get("item") == item.public_id), None)
    if line is None:
        line = {"item": item.public_id, "quantity": 0}
        _append(cart, line, item.currency)
    line["quantity"] += 1
    _save(cart)


@transaction.atomic
def put_free_line(*, cashier: Cashier, sequence: int, description: str, unit: Money) -> None:
    """
    Put something into the sale that the catalogue does not have. `unit`: what it costs.

    Refusals are those of `put_item`.
    """
    cart = lock_cart(cashier, sequence)
    _append(cart, {"description": description, "unit_minor": unit.minor, "quantity": 1}, unit.currency)
    _save(cart)


@transaction.atomic
def set_quantity(*, cashier: Cashier, sequence: int, place: int, quantity: int) -> None:
    """
    Have so many of the line at a place (from 0); of none, the line goes.

    :raises NotFound: there is no such line.
    :raises SaleMovedOn: this sale has been rung up or ended.
    :raises AmountTooLarge: it would come to too much.
    """
    cart = lock_cart(cashier, sequence)
    if not 0 <= place < len(cart.lines):
        raise NotFound
    if quantity > 0:
        cart.lines[place]["quantity"] = min(quantity, settings.CART_QUANTITY_MAX)
    else:
        del cart.lines[place]
    _save(cart)


@transaction.atomic
def empty_cart(*, cashier: Cashier, sequence: int) -> None:
    """
    Take everything out; nobody was asked to pay for it.

    :raises SaleMovedOn: this sale has been rung up or ended.
    """
    cart = lock_cart(cashier, sequence)
    cart.lines = []
    _save(cart)


@transaction.atomic
def next_sale(*, cashier: Cashier, after: int, like: Sequence[OrderLine] = (), currency: str = "") -> None:
    """
    Begin the next sale, after one that was rung up; a repeat finds it begun.

    `like`: lines of another order of the store to begin with, in their currency, at the prices of now.

    :raises SaleUnderWay: something is being rung up that nobody was asked to pay for yet.
    """
    cart = _locked(cashier)
    if cart.trade_id is not None:
        cart.sequence = cart.last_given = free_number(cart)
        cart.trade, cart.lines, cart.currency = None, [], ""
    elif cart.lines and (like or cart.sequence == after):
        raise SaleUnderWay
    if like:
        cart.lines, cart.currency = [_as_rung_up(line) for line in like], currency
    _save(cart)


@transaction.atomic
def give_number(*, cashier: Cashier) -> int:
    """Return a number of this till that was not used: for a refund, before its first attempt."""
    cart = _locked(cashier)
    cart.last_given = free_number(cart)
    _save(cart)
    return cart.last_given


@transaction.atomic
def renumber(*, cashier: Cashier, sequence: int) -> None:
    """Give a sale another number: the till's own software has used this one."""
    cart = _locked(cashier)
    if cart.trade_id is None and cart.sequence == sequence:
        cart.sequence = cart.last_given = free_number(cart)
        _save(cart)


def lock_cart(cashier: Cashier, sequence: int) -> TillCart:
    """
    Lock a till's cart, for a sale that has not been rung up.

    :raises SaleMovedOn: it has been, or another one has begun.
    """
    cart = _locked(cashier)
    if cart.sequence != sequence or cart.trade_id is not None:
        raise SaleMovedOn
    return cart


def free_number(cart: TillCart) -> int:
    """Return the lowest number after the last given one under which this till has asked for nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_FREE_NUMBER, {"terminal": cart.terminal_id, "from": cart.last_given + 1})
        return cursor.fetchone()[0]


def _first_cart(terminal: Terminal) -> TillCart:
    """The cart of a till that has had none: it is written by who first puts something in."""
    cart = TillCart(terminal=terminal, last_given=0)
    cart.sequence = cart.last_given = free_number(cart)
    return cart


def _locked(cashier: Cashier) -> TillCart:
    locking = TillCart.objects.select_for_update(no_key=True)
    cart = locking.filter(terminal=cashier.terminal).first()
    if cart is None:
        TillCart.objects.bulk_create([_first_cart(cashier.terminal)], ignore_conflicts=True)
        cart = locking.get(terminal=cashier.terminal)
    return cart


def _append(cart: TillCart, line: dict[str, Any], currency: str) -> None:
    if cart.lines and cart.currency != currency:
        raise MixedCurrencies
    if len(cart.lines) >= settings.CART_LINES_MAX:
        raise TillCartFull
    cart.currency = currency
    cart.lines.append(line)


def _save(cart: TillCart) -> None:
    if sum(line.amount.minor for line in read_cart(cart).lines) > AMOUNT_MINOR_MAX:
        raise AmountTooLarge
    cart.save()


def _read(line: dict[str, Any], currency: str, items: dict[str, Item]) -> RungUp:
    if "item" not in line:
        return RungUp(line["description"], line["quantity"], Money(line["unit_minor"], currency))
    item = items[line["item"]]
    is_on_sale = item.status == Item.Status.ON_SALE and item.currency == currency
    is_sold = is_on_sale and (item.stock is None or item.stock >= line["quantity"])
    unit = Money(item.price_minor, currency)
    return RungUp(item.title, line["quantity"], unit, is_sold, item.stock, item.public_id)


def _as_rung_up(line: OrderLine) -> dict[str, Any]:
    if line.item is not None:
        return {"item": line.item.public_id, "quantity": line.quantity}
    return {"description": line.title, "unit_minor": line.unit_minor, "quantity": line.quantity}
