"""Placing: one checkout, one order per seller, prices and fees fixed, stock taken."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from catalog.errors import ItemNotOnSale, ItemUnknown
from catalog.fees import FeeTable, Sale
from catalog.models import Item
from catalog.selectors import fee_table_in_force, items_by_id
from catalog.services import take_stock
from core.errors import AmountTooLarge
from core.money import AMOUNT_MINOR_MAX, Money
from orders.errors import MixedCurrencies
from orders.models import Checkout, Order, OrderLine
from orders.selectors import Lines
from orders.transitions import leaves_at


@dataclass(frozen=True, slots=True)
class WantedLine:
    """
    What somebody wants to buy: an item by its public id, and how many of it.

    `agreed_unit_minor`: the price of one that buyer and seller agreed on elsewhere, in the item's currency;
    None takes the item's own.
    """

    item: str
    quantity: int
    agreed_unit_minor: int | None = None


@dataclass(frozen=True, slots=True)
class PlacedCheckout:
    """A checkout with its orders and their lines, so that nobody reads again what was just written."""

    checkout: Checkout
    orders: Sequence[Order]
    lines: Lines


@transaction.atomic
def place_checkout(*, lines: Sequence[WantedLine], actor: Actor, now: datetime) -> PlacedCheckout:
    """
    Order items for the acting account: one order per seller, in the order in which the sellers first appear.

    Prices, fees and stock are those of this moment. Unpaid orders are closed after ORDER_PAYMENT_LIMIT.

    :raises ItemUnknown: a line names no item.
    :raises ItemNotOnSale: an item is not on sale.
    :raises MixedCurrencies: the items' prices are in two currencies.
    :raises AmountTooLarge: a line or the total is beyond 2^53-1.
    :raises OutOfStock: there are not as many left.
    """
    items = _find_items(lines)
    currency = _only_currency(items.values())
    drafts = _draft_lines(lines, items)
    total_minor = _checked_total(drafts)
    take_stock(units_by_item=_units_to_take(drafts))
    checkout = Checkout.objects.create(
        buyer=actor.acting, login_account=actor.login, total_minor=total_minor, currency=currency, placed_at=now
    )
    orders = _make_orders(checkout, drafts, fee_table_in_force(now), actor, now)
    made = Order.objects.bulk_create(orders)
    for line in drafts:  # Their orders have keys only now.
        line.order_id = line.order.id
    OrderLine.objects.bulk_create(drafts)
    return PlacedCheckout(checkout, made, _by_order(drafts))


def _find_items(lines: Sequence[WantedLine]) -> dict[str, Item]:
    items = items_by_id(line.item for line in lines)
    unknown = [f"lines.{place}.item" for place, line in enumerate(lines) if line.item not in items]
    if unknown:
        raise ItemUnknown.at(unknown)
    not_on_sale = sorted(item.public_id for item in items.values() if item.status != Item.Status.ON_SALE)
    if not_on_sale:
        raise ItemNotOnSale(items=not_on_sale)
    return items


def _only_currency(items: Iterable[Item]) -> str:
    currencies = {item.currency for item in items}
    if len(currencies) > 1:
        raise MixedCurrencies(currencies=sorted(currencies))
    return currencies.pop()


def _draft_lines(lines: Sequence[WantedLine], items: Mapping[str, Item]) -> list[OrderLine]:
    return [_draft_line(line, items[line.item]) for line in lines]


def _draft_line(line: WantedLine, item: Item) -> OrderLine:
    unit_minor = item.price_minor if line.agreed_unit_minor is None else line.agreed_unit_minor
    return OrderLine(
        item=item,
        title=item.title,
        quantity=line.quantity,
        unit_minor=unit_minor,
        amount_minor=unit_minor * line.quantity,
        stock_taken=0 if item.stock is None else line.quantity,
    )


def _checked_total(drafts: Sequence[OrderLine]) -> int:
    total_minor = sum(line.amount_minor for line in drafts)
    if total_minor > AMOUNT_MINOR_MAX:
        raise AmountTooLarge
    return total_minor


def _units_to_take(drafts: Sequence[OrderLine]) -> dict[int, int]:
    """Two lines of one item take from the same shelf."""
    units: dict[int, int] = defaultdict(int)
    for line in drafts:
        if line.stock_taken:
            units[line.item_id] += line.stock_taken
    return units


def _make_orders(
    checkout: Checkout, drafts: Sequence[OrderLine], fees: FeeTable, actor: Actor, now: datetime
) -> list[Order]:
    """Charge every line and put it into the order of its seller."""
    orders: dict[int, Order] = {}
    for line in drafts:
        seller = line.item.seller
        order = orders.setdefault(seller.id, _empty_order(checkout, seller, actor, now))
        fee = fees.fee(
            Sale(seller=seller.public_id, category=line.item.category, channel=order.channel),
            Money(line.amount_minor, checkout.currency),
        )
        line.fee_minor, line.fee_rule = fee.minor, fee.rule
        line.order = order
        order.total_minor += line.amount_minor
        order.fee_minor += fee.minor
    return list(orders.values())


def _empty_order(checkout: Checkout, seller: Account, actor: Actor, now: datetime) -> Order:
    return Order(
        checkout=checkout,
        buyer=actor.acting,
        seller=seller,
        placed_by=actor.login,
        currency=checkout.currency,
        total_minor=0,
        fee_minor=0,
        placed_at=now,
        next_transition_at=leaves_at(Order.Status.PENDING, now),
    )


def _by_order(lines: Sequence[OrderLine]) -> Lines:
    found: Lines = defaultdict(list)
    for line in lines:
        found[line.order_id].append(line)
    return found
