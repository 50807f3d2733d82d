"""Making a trade: what the customer takes, at whose till, and in the same call who pays it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from catalog.errors import ItemNotOnSale, ItemUnknown
from catalog.fees import FeeTable, Sale
from catalog.models import Item, Store
from catalog.selectors import fee_table_in_force, items_and_fees
from catalog.services import take_stock
from core.errors import Conflict
from core.money import Money
from core.prepared import insert, insert_all
from orders.counter.errors import LinesMismatch
from orders.counter.models import CashierAct, CounterTrade, Terminal
from orders.counter.services.acts import note_act
from orders.counter.services.charging import (
    charge_code,
    ensure_may_try_codes,
    ensure_open,
    find_identity,
    scan,
)
from orders.models import Order, OrderLine
from orders.services.attributing import find_who_brought, record_who_brought
from orders.services.paying import payable
from wallets.pay_codes.errors import ConfirmationNeeded

NAMED_LENGTH_MAX = 200  # Longer than any token or code of ours; what is cut is as good as forged.


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line at a till: an item by its public id, or a description with what one of it costs."""

    quantity: int
    item: str = ""
    description: str = ""
    unit_minor: int = 0


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at a provider."""

    provider: str
    external_id: str


@transaction.atomic(savepoint=False)  # A refusal rolls back whatever is around it: a sequence is kept with its effect.
def create_trade(
    *,
    terminal: Terminal,
    sequence: int,
    lines: Sequence[SoldLine],
    amount: Money,
    pay_code: str = "",
    identity: Identity | None = None,
    named: str = "",
    now: datetime,
    by: Actor | None = None,
) -> tuple[CounterTrade, list[OrderLine]]:
    """
    Make a trade at a till, and with a pay code have it paid; return it with its lines.

    What refuses the payment is in the trade's `refusal`, and is to be committed with it. With an identity it
    is made in that customer's name, and nothing is paid yet. `named`: the scan token or the sharer's code that the
    customer shows; it is looked at when the trade is paid. Who calls has taken the sequence. `by`: who stands at it,
    where the till is a page in a browser.

    :raises StoreClosed: the store sells nothing any more.
    :raises TooManyAttempts: too many codes that were nobody's.
    :raises IdentityUnknown: the identity cannot pay here.
    :raises ItemUnknown, ItemNotOnSale, OutOfStock: of a line's item.
    :raises LinesMismatch: the lines are not this amount.
    """
    store = terminal.store
    ensure_open(store)
    if pay_code:
        ensure_may_try_codes(terminal)
    items, fees = _find_items(lines, store, now)
    drafts = [_draft_line(line, items, store, amount.currency) for line in lines]
    if sum(draft.amount_minor for draft in drafts) != amount.minor:
        raise LinesMismatch
    take_stock(units_by_item=_units_to_take(drafts))
    order = _new_order(terminal, amount, now)
    if identity is not None:
        order.buyer = find_identity(identity.provider, identity.external_id, store).account
    _charge_fees(order, drafts, fees)
    refusal = charge_code(scan(pay_code, order, now), payable(order, now), terminal, now) if pay_code else None
    brought = find_who_brought(order, drafts, named=[named], now=now) if order.paid_minor else None
    way = CounterTrade.TillWay.PAY_CODE if pay_code and refusal is None else ""
    trade = _new_trade(terminal, sequence, way, refusal, named[:NAMED_LENGTH_MAX], now)
    _write(order, drafts, trade)  # Once, as they are by now.
    if brought is not None:
        record_who_brought(order, drafts, brought, now=now)
    note_act(CashierAct.Kind.MADE, terminal=terminal, trade=trade, by=by, now=now)
    return trade, drafts


def note_refusal(trade: CounterTrade, refusal: Conflict | None, now: datetime) -> None:
    """Put into a trade what the last payment was refused for; who saves it is the caller's business."""
    trade.refusal = refusal.code if refusal else ""
    trade.refusal_detail = refusal.detail if refusal else ""
    if isinstance(refusal, ConfirmationNeeded):
        trade.confirming_since = trade.confirming_since or now


def _find_items(lines: Sequence[SoldLine], store: Store, now: datetime) -> tuple[dict[str, Item], FeeTable]:
    """Items of the store's seller that are not another store's, and what their sale is charged by."""
    wanted = [line.item for line in lines if line.item]
    found, fees = items_and_fees(wanted, now) if wanted else ({}, fee_table_in_force(now))
    items = {
        id_: item
        for id_, item in found.items()
        if item.seller_id == store.seller_id and item.store_id in (None, store.pk) and item.status != Item.Status.DRAFT
    }
    unknown = [f"lines.{place}.item" for place, line in enumerate(lines) if line.item and line.item not in items]
    if unknown:
        raise ItemUnknown.at(unknown)
    not_on_sale = sorted(item.public_id for item in items.values() if item.status != Item.Status.ON_SALE)
    if not_on_sale:
        raise ItemNotOnSale(items=not_on_sale)
    return items, fees


def _draft_line(line: SoldLine, items: dict[str, Item], store: Store, currency: str) -> OrderLine:
    item = items.get(line.item)
    if item is not None and item.currency != currency:
        raise LinesMismatch
    unit_minor = item.price_minor if item is not None else line.unit_minor
    return OrderLine(
        item=item,
        store=store,
        title=item.title if item is not None else line.description,
        quantity=line.quantity,
        unit_minor=unit_minor,
        amount_minor=unit_minor * line.quantity,
        stock_taken=line.quantity if item is not None and item.stock is not None else 0,
    )


def _units_to_take(drafts: Sequence[OrderLine]) -> dict[int, int]:
    """Two lines of one item take from the same shelf."""
    units: dict[int, int] = defaultdict(int)
    for draft in drafts:
        if draft.item_id is not None and draft.stock_taken:
            units[draft.item_id] += draft.stock_taken
    return units


def _new_order(terminal: Terminal, amount: Money, now: datetime) -> Order:
    return Order(
        channel=Order.Channel.STORE,
        seller=terminal.store.seller,
        store=terminal.store.public_id,
        terminal=terminal.public_id,
        institution=terminal.institution,
        currency=amount.currency,
        total_minor=amount.minor,
        fee_minor=0,
        placed_at=now,
        next_transition_at=now + settings.COUNTER_PAYMENT_LIMIT,
    )


def _charge_fees(order: Order, drafts: Sequence[OrderLine], fees: FeeTable) -> None:
    for draft in drafts:
        category = draft.item.category if draft.item else ""
        sale = Sale(seller=order.seller.public_id, category=category, channel=order.channel)
        fee = fees.fee(sale, Money(draft.amount_minor, order.currency))
        draft.fee_minor, draft.fee_rule = fee.minor, fee.rule
        order.fee_minor += fee.minor


def _new_trade(
    terminal: Terminal, sequence: int, way: str, refusal: Conflict | None, named: str, now: datetime
) -> CounterTrade:
    trade = CounterTrade(
        store=terminal.store,
        terminal=terminal,
        sequence=sequence,
        closes_at=now + settings.COUNTER_PAYMENT_LIMIT,
        paid_at_till_by=way,
        scan=named,
    )
    note_refusal(trade, refusal, now)
    return trade


def _write(order: Order, drafts: Sequence[OrderLine], trade: CounterTrade) -> None:
    """One statement where there is one line, as there nearly always is."""
    if len(drafts) == 1:
        insert(order, *drafts, trade)
        return
    insert(order, trade)
    for draft in drafts:
        draft.order = order
    insert_all(drafts)
