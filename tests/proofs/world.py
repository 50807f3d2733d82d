"""Real orders through the real services: one item, one buyer, one seller."""

from datetime import datetime, timedelta

from accounts.actor import Actor
from accounts.models import Account
from catalog.services import offer_item
from core import clock
from core.money import Money
from distribution import services as distribution
from orders.models import Order
from orders.services import WantedLine, complete_order, fulfil_order, pay_order, place_checkout, refund_order
from sharing import services as sharing
from tests import money_facts
from tests.money_facts import AT
from wallets.services import release_due_earnings

PRICE = 1000
AFTER_HOLD_PERIOD = AT + timedelta(days=30)


def place(buyer: Account, seller: Account, *, price: int = PRICE, quantity: int = 1) -> Order:
    item = offer_item(title="A small thing", price=Money(price, "GBP"), kind="goods", actor=Actor.own(seller), now=AT)
    line = WantedLine(item=item.public_id, quantity=quantity)
    return place_checkout(lines=[line], actor=Actor.own(buyer), now=AT).orders[0]


def pay(order: Order, buyer: Account) -> Order:
    total = Money(order.total_minor, order.currency)
    return pay_order(order=order.public_id, amount=total, payer=buyer, actor=Actor.own(buyer), now=AT)


def paid_order(buyer: Account, seller: Account, *, price: int = PRICE) -> Order:
    return pay(place(buyer, seller, price=price), buyer)


def release(order: Order, buyer: Account, seller: Account) -> None:
    fulfil_order(order=order.public_id, actor=Actor.own(seller), now=AT)
    complete_order(order=order.public_id, actor=Actor.own(buyer), now=AT)
    release_due_earnings(AFTER_HOLD_PERIOD)


def refund(order: Order, seller: Account, minor: int, *, at: datetime = AFTER_HOLD_PERIOD) -> None:
    refund_order(order=order.public_id, amount_minor=minor, reason="It broke.", actor=Actor.own(seller), now=at)


def book() -> None:
    """Charge, share out and book everything that waits, without waiting for a period."""
    while sharing.hear_what_waits(clock.now()) + distribution.hear_what_waits(clock.now()):
        pass
    money_facts.book()
