"""What tests do again and again with items, orders and wallets, in one short call each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Item
from catalog.services import offer_item
from core import clock
from core.money import Money
from ledger import codes
from ledger.models import LedgerAccount
from orders.models import Order
from orders.services import PlacedCheckout, WantedLine, pay_order, place_checkout


def offer(seller: Account, **fields: Any) -> Item:
    """An item of this seller: tea for 10.00 GBP, on sale without limit, unless said otherwise."""
    minor, currency = fields.pop("price_minor", 1000), fields.pop("currency", "GBP")
    offered = {"title": "Tea", "kind": "goods", "price": Money(minor, currency), **fields}
    return offer_item(**offered, actor=Actor.own(seller), now=clock.now())


def place(buyer: Account, *wanted: Item | tuple[Item, int], now: datetime | None = None) -> PlacedCheckout:
    """A checkout of items, each alone or with how many of it."""
    lines = [WantedLine(*_line(one)) for one in wanted]
    return place_checkout(lines=lines, actor=Actor.own(buyer), now=now or clock.now())


def _line(wanted: Item | tuple[Item, int]) -> tuple[str, int]:
    item, quantity = wanted if isinstance(wanted, tuple) else (wanted, 1)
    return item.public_id, quantity


def fund(account: Account, minor: int, currency: str = "GBP") -> None:
    """Money in a wallet, without the road that brings it there."""
    LedgerAccount.objects.update_or_create(
        code=codes.wallet(account.public_id),
        currency=currency,
        create_defaults={"credits_minor": minor, "must_cover": True},
        defaults={"credits_minor": minor},
    )


def pay(order: Order, now: datetime | None = None) -> Order:
    """The buyer pays an order from its own wallet, which is filled for it."""
    buyer = order.buyer
    assert buyer is not None
    fund_more(buyer, order.total_minor, order.currency)
    amount = Money(order.total_minor, order.currency)
    return pay_order(order=order.public_id, amount=amount, payer=buyer, actor=Actor.own(buyer), now=now or clock.now())


def fund_more(account: Account, minor: int, currency: str = "GBP") -> None:
    """The same, on top of what is there."""
    wallet = LedgerAccount.objects.filter(code=codes.wallet(account.public_id), currency=currency).first()
    fund(account, minor + (wallet.credits_minor if wallet else 0), currency)


def held(account: Account, currency: str = "GBP") -> int:
    """What is held in a wallet."""
    wallet = LedgerAccount.objects.filter(code=codes.wallet(account.public_id), currency=currency).first()
    return wallet.held_minor if wallet else 0


def paid_order(buyer: Account, *wanted: Item | tuple[Item, int], now: datetime | None = None) -> Order:
    """One order, placed and paid."""
    return pay(place(buyer, *wanted, now=now).orders[0], now=now)


def only(orders: Sequence[Order]) -> Order:
    (order,) = orders
    return order
