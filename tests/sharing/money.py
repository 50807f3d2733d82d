"""Sales that somebody brought, from the scan to the refund, in one short call each."""

from collections.abc import Sequence
from datetime import datetime

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Item
from core import clock
from core.money import Money
from core.registry import Finding, book_checks
from orders.models import Order, OrderLine
from orders.services import (
    PlacedCheckout,
    WantedLine,
    complete_order,
    fulfil_order,
    pay_order,
    place_checkout,
    refund_order,
)
from proofs.order_money import OrderMoney, order_money
from sharing.models import ScanClaim, Share, Touch, WonLine
from sharing.services.claiming import claim_scan
from tests import money_facts
from tests.conftest import make_account
from tests.proofs.world import book
from tests.sharing.scans import token_of
from tests.wallets.shop import fill
from wallets.models import Earning


def claim(share: Share, buyer: Account, *, now: datetime | None = None, **look: str) -> ScanClaim:
    """A buyer scans a share and is logged in."""
    at = now or clock.now()
    return claim_scan(token=token_of(share, now=at, **look), account=buyer, login=buyer, now=at)


def order(
    buyer: Account, *items: Item | tuple[Item, int], scans: Sequence[str] = (), now: datetime | None = None
) -> PlacedCheckout:
    wanted = [item if isinstance(item, tuple) else (item, 1) for item in items]
    lines = [WantedLine(item.public_id, quantity) for item, quantity in wanted]
    return place_checkout(lines=lines, scans=scans, actor=Actor.own(buyer), now=now or clock.now())


def pay(placed: Order, now: datetime | None = None) -> Order:
    """The buyer pays with money that came in on its proper road, so that the books are right."""
    buyer = placed.buyer
    assert buyer is not None
    fill(buyer, placed.total_minor)
    money_facts.book()  # And nobody hears of anything yet.
    amount = Money(placed.total_minor, placed.currency)
    return pay_order(order=placed.public_id, amount=amount, payer=buyer, actor=Actor.own(buyer), now=now or clock.now())


def sold(share: Share, buyer: Account | None = None, *, quantity: int = 1, now: datetime | None = None) -> Order:
    """A sale that a share has brought: scanned, ordered, paid, charged and booked."""
    buyer = buyer or make_account()
    claim(share, buyer, now=now)
    paid = pay(order(buyer, (share.item, quantity), now=now).orders[0], now=now)
    book()
    return paid


def complete(sale: Order, now: datetime | None = None) -> None:
    assert sale.buyer is not None
    fulfil_order(order=sale.public_id, actor=Actor.own(sale.seller), now=now or clock.now())
    complete_order(order=sale.public_id, actor=Actor.own(sale.buyer), now=now or clock.now())


def refund(sale: Order, minor: int, now: datetime | None = None) -> None:
    refund_order(
        order=sale.public_id, amount_minor=minor, reason="Cold.", actor=Actor.own(sale.seller), now=now or clock.now()
    )


def won(sale: Order) -> WonLine:
    """The only line of a sale that somebody brought."""
    return WonLine.objects.get(order=sale.public_id)


def line_of(sale: Order) -> OrderLine:
    return sale.lines.get()


def touches(sale: Order) -> list[tuple[str, bool]]:
    """Why each won or did not, and whether it did, as they are kept."""
    return list(Touch.objects.filter(order=sale.public_id).order_by("id").values_list("reason", "won"))


def earned(sharer: Account) -> dict[str, int]:
    """What a sharer has of sales, by what has become of it."""
    found = Earning.objects.filter(owner=sharer, kind="share").order_by("id")
    sums: dict[str, int] = {}
    for earning in found:
        sums[earning.status] = sums.get(earning.status, 0) + earning.amount_minor
    return sums


def proof(sale: Order, viewer: Account) -> OrderMoney:
    return order_money(sale.public_id, visible_to=viewer)


def parts(sale: Order, viewer: Account) -> dict[str, int]:
    return {line.party: line.amount_minor for line in proof(sale, viewer).shares}


def gbp(minor: int) -> Money:
    return Money(minor, "GBP")


def faults() -> list[Finding]:
    """What is wrong with the books of everybody."""
    return [finding for check in book_checks() for finding in check.run()]
