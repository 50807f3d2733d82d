"""Placing: one checkout, one order per seller, prices and fees fixed, stock taken."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from accounts.behaviours import record_behaviours
from accounts.errors import SessionEnded
from accounts.models import Account
from accounts.services import hold_open
from catalog.errors import ItemNotOnSale, ItemUnknown
from catalog.fees import FeeTable, Sale
from catalog.models import Item
from catalog.selectors import items_and_fees
from catalog.services import take_stock
from core.errors import AmountTooLarge
from core.money import AMOUNT_MINOR_MAX, Money
from core.prepared import insert, insert_all
from orders.errors import MixedCurrencies
from orders.models import Checkout, Order, OrderLine
from orders.selectors import Lines
from orders.transitions import leaves_at
from sharing.matching import SaleLine
from sharing.services import Matches, PlacedLine, match_order, record_matches


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
def place_checkout(
    *, lines: Sequence[WantedLine], scans: Sequence[str] = (), actor: Actor, now: datetime
) -> PlacedCheckout:
    """
    Order items for the acting account: one order per seller, in the order in which the sellers first appear.

    Prices, fees and stock are those of this moment, and so is who brought the customer: by the scans that the
    account has claimed, and those whose tokens are among `scans`. What is no good among these refuses nothing.
    Unpaid orders are closed after ORDER_PAYMENT_LIMIT.

    :raises ItemUnknown: a line names no item.
    :raises ItemNotOnSale: an item is not on sale.
    :raises MixedCurrencies: the items' prices are in two currencies.
    :raises AmountTooLarge: a line or the total is beyond 2^53-1.
    :raises OutOfStock: there are not as many left.
    :raises SessionEnded: the acting account was closed meanwhile.
    """
    items, fees = _find_items(lines, now)
    _hold_parties_open(items.values(), actor)
    currency = _only_currency(items.values())
    drafts = [_draft_line(line, items[line.item]) for line in lines]
    total_minor = _checked_total(drafts)
    take_stock(units_by_item=_units_to_take(drafts))
    checkout = Checkout(
        buyer=actor.acting, login_account=actor.login, total_minor=total_minor, currency=currency, placed_at=now
    )
    orders = _make_orders(checkout, drafts, fees, now)
    _write(checkout, orders)
    placed = [(order.public_id, {"checkout": checkout.public_id}) for order in orders]
    record_behaviours("order.placed", placed, by=actor, now=now)
    matches = match_order(lines=[_sale_line(draft) for draft in drafts], tokens=scans, actor=actor, now=now)
    return PlacedCheckout(checkout, orders, _write_lines(drafts, matches, actor, now))


def _find_items(lines: Sequence[WantedLine], now: datetime) -> tuple[dict[str, Item], FeeTable]:
    items, fees = items_and_fees((line.item for line in lines), now)
    items = {id_: item for id_, item in items.items() if item.status != Item.Status.DRAFT}  # Nobody else's to see.
    unknown = [f"lines.{place}.item" for place, line in enumerate(lines) if line.item not in items]
    if unknown:
        raise ItemUnknown.at(unknown)
    not_on_sale = sorted(item.public_id for item in items.values() if item.status != Item.Status.ON_SALE)
    if not_on_sale:
        raise ItemNotOnSale(items=not_on_sale)
    return items, fees


def _hold_parties_open(items: Iterable[Item], actor: Actor) -> None:
    """A seller who closes at this moment has the order to settle first, or is closed and sells nothing."""
    are_open = hold_open({actor.acting.pk} | {item.seller_id for item in items})
    if actor.acting.pk not in are_open:
        raise SessionEnded
    not_on_sale = sorted(item.public_id for item in items if item.seller_id not in are_open)
    if not_on_sale:
        raise ItemNotOnSale(items=not_on_sale)


def _only_currency(items: Iterable[Item]) -> str:
    currencies = {item.currency for item in items}
    if len(currencies) > 1:
        raise MixedCurrencies(currencies=sorted(currencies))
    return currencies.pop()


@dataclass(frozen=True, slots=True)
class _Draft:
    """A line on its way into the order of its item's seller."""

    item: Item
    line: OrderLine


def _draft_line(wanted: WantedLine, item: Item) -> _Draft:
    unit_minor = item.price_minor if wanted.agreed_unit_minor is None else wanted.agreed_unit_minor
    line = OrderLine(
        item=item,
        store_id=item.store_id,
        title=item.title,
        quantity=wanted.quantity,
        unit_minor=unit_minor,
        amount_minor=unit_minor * wanted.quantity,
        stock_taken=0 if item.stock is None else wanted.quantity,
    )
    return _Draft(item, line)


def _sale_line(draft: _Draft) -> SaleLine:
    return SaleLine(
        item_id=draft.item.pk,
        seller_id=draft.item.seller_id,
        quantity=draft.line.quantity,
        amount_minor=draft.line.amount_minor,
        fee_minor=draft.line.fee_minor,
        currency=draft.item.currency,
    )


def _checked_total(drafts: Sequence[_Draft]) -> int:
    total_minor = sum(draft.line.amount_minor for draft in drafts)
    if total_minor > AMOUNT_MINOR_MAX:
        raise AmountTooLarge
    return total_minor


def _units_to_take(drafts: Sequence[_Draft]) -> dict[int, int]:
    """Two lines of one item take from the same shelf."""
    units: dict[int, int] = defaultdict(int)
    for draft in drafts:
        if draft.line.stock_taken:
            units[draft.item.id] += draft.line.stock_taken
    return units


def _make_orders(checkout: Checkout, drafts: Sequence[_Draft], fees: FeeTable, now: datetime) -> list[Order]:
    """Charge every line and put it into the order of its seller."""
    orders: dict[int, Order] = {}
    for draft in drafts:
        line, seller = draft.line, draft.item.seller
        if seller.id not in orders:
            orders[seller.id] = _empty_order(checkout, seller, now)
        line.order = orders[seller.id]
        sale = Sale(seller=seller.public_id, category=draft.item.category, channel=line.order.channel)
        fee = fees.fee(sale, Money(line.amount_minor, checkout.currency))
        line.fee_minor, line.fee_rule = fee.minor, fee.rule
        line.order.total_minor += line.amount_minor
        line.order.fee_minor += fee.minor
    return list(orders.values())


def _empty_order(checkout: Checkout, seller: Account, now: datetime) -> Order:
    return Order(
        checkout=checkout,
        buyer=checkout.buyer,
        seller=seller,
        placed_by=checkout.login_account,
        currency=checkout.currency,
        total_minor=0,
        fee_minor=0,
        placed_at=now,
        next_transition_at=leaves_at(Order.Status.PENDING, now),
    )


def _write(checkout: Checkout, orders: Sequence[Order]) -> None:
    """One statement where there is one seller, as there nearly always is."""
    if len(orders) == 1:
        insert(checkout, *orders)
        return
    insert(checkout)
    for order in orders:
        order.checkout = checkout
    insert_all(orders)


def _write_lines(drafts: Sequence[_Draft], matches: Matches, actor: Actor, now: datetime) -> Lines:
    """Their orders have keys only now, and who brought them is kept by theirs."""
    lines: Lines = defaultdict(list)
    orders = [draft.line.order for draft in drafts]
    for draft, order, terms in zip(drafts, orders, matches.terms, strict=True):
        draft.line.order_id, draft.line.share_terms = order.id, terms
        lines[order.id].append(draft.line)
    insert_all([line for of_order in lines.values() for line in of_order])
    record_matches(
        matches=matches,
        order=orders[0].public_id,
        lines=[PlacedLine(order.public_id, draft.line.id) for draft, order in zip(drafts, orders, strict=True)],
        buyer_id=actor.acting.pk,
        now=now,
    )
    return lines
