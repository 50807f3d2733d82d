"""A sale with everybody in it: agents, who brought the buyer, the seller and the customer, and a refund."""

from dataclasses import dataclass

from accounts.models import Account
from orders.models import Order
from tests.conftest import make_account
from tests.distribution.money import World, plan, world
from tests.sharing.money import refund, sold
from tests.sharing.programs import give, share
from tests.shop import offer


@dataclass(frozen=True)
class FullSale:
    """One paid and booked order, and whose parts it has."""

    order: Order
    world: World
    sharer: Account

    @property
    def seller(self) -> Account:
        return self.world.seller

    @property
    def buyer(self) -> Account:
        return self.world.buyer


def full_sale(*, price_minor: int = 100_00, refunded_minor: int = 0) -> FullSale:
    """The seller's own agents of two levels (the province has none), two levels of people, a sharer with 8 %."""
    plan()
    behind = world(agents=(2, 3))
    sharer = make_account(name="Sam Sharer")
    item = offer(behind.seller, title="Darjeeling", price_minor=price_minor)
    give(item, rate_bps=800)
    order = sold(share(sharer, item), behind.buyer)
    if refunded_minor:
        refund(order, refunded_minor)
    order.refresh_from_db()
    return FullSale(order, behind, sharer)
