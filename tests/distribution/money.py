"""A sale with everybody behind it: an area's agents, two who brought the buyer, one who brought the seller."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from accounts.models import Account
from catalog.models import Store
from core import clock
from distribution.consumers.allocating import allocate
from distribution.models import Allocation, Area, Placement, Plan
from distribution.rule_numbers import NodeKind, new_rule_number
from distribution.services import appoint_agent
from events.models import Delivery, EventRecord
from tests.conftest import make_account
from tests.distribution.people import areas, came, clerk

CITY = "N11"

DOCUMENT: dict[str, Any] = {
    "name": "standard",
    "pool": {"of": "fee", "bps": 5000},
    "agents": [{"level": 3, "bps": 3000}, {"level": 2, "bps": 1500}, {"level": 1, "bps": 500}],
    "differential": False,
    "referrers": [{"level": 1, "bps": 2000}, {"level": 2, "bps": 1000}],
    "merchant_referrer": {"bps": 500},
    "cashback": {"bps": 1000},
    "vacancy": "house",
    "hold_days": 7,
}


def plan(effective_from: datetime | None = None, **changes: Any) -> Plan:
    """A plan in force, since ever unless said."""
    version = Plan.objects.count() + 1
    return Plan.objects.create(
        name="standard",
        version=version,
        status="active",
        document=DOCUMENT | changes,
        effective_from=effective_from,
    )


@dataclass
class World:
    """Everybody behind a sale; agents by the level of their area."""

    start: datetime
    areas: dict[str, Area]
    store: Store
    seller: Account
    buyer: Account
    brought_buyer: Account
    brought_them: Account
    brought_seller: Account
    agents: dict[int, Account] = field(default_factory=dict)

    @property
    def names(self) -> dict[int, str]:
        people = {
            "seller": self.seller,
            "buyer": self.buyer,
            "first": self.brought_buyer,
            "second": self.brought_them,
            "merchant": self.brought_seller,
        }
        agents = {account.pk: f"agent {level}" for level, account in self.agents.items()}
        return agents | {account.pk: name for name, account in people.items()}


def world(*, agents: tuple[int, ...] = (1, 2, 3), now: datetime | None = None) -> World:
    """Agents of these levels (1 the province, 3 the city's district) and two levels of people; made a day ago."""
    start = (now or clock.now()) - timedelta(days=1)
    tree = areas(below={"N": "ZZ", "N1": "N", CITY: "N1"})
    second = came(start)
    first = came(start, through=second)
    merchant = came(start)
    buyer = came(start, through=first)
    seller = came(start, through=merchant, side="seller")
    store = place_store(seller, tree[CITY], start)
    made = World(start, tree, store, seller, buyer, first, second, merchant)
    for level, code in ((1, "N"), (2, "N1"), (3, CITY)):
        if level in agents:
            made.agents[level] = seat(tree[code], start)
    return made


def place_store(seller: Account, area: Area | None, at: datetime, *, waiting: bool = False) -> Store:
    """A store that stands in an area, or waits for an operator to say where."""
    store = Store.objects.create(seller=seller, name="Corner", opened_by=seller, opened_at=at)
    place(store, area, at, waiting=waiting)
    return store


def place(store: Store, area: Area | None, at: datetime, *, waiting: bool = False) -> Placement:
    number = area and new_rule_number(
        NodeKind.PLACEMENT, serial=store.pk, scheme=area.scheme_id, code=area.code, level=area.level
    )
    return Placement.objects.create(
        store=store,
        area=area,
        evidence="centre" if waiting else "declared",
        rule_number=number,
        from_at=at,
        is_waiting=waiting,
        doubt="centre" if waiting else "",
    )


def seat(area: Area, at: datetime) -> Account:
    agent = make_account(created_at=at)
    appoint_agent(area=area, account=agent, from_at=None, actor=clerk(), now=at)
    return agent


def hear() -> None:
    """Everything that waits for allocation, as its consumer hears it."""
    waiting = Delivery.objects.filter(consumer="distribution").order_by("event_id")
    allocate(list(EventRecord.objects.filter(id__in=list(waiting.values_list("event_id", flat=True))).order_by("id")))
    waiting.delete()


def parts(of: World, *, order: str | None = None) -> dict[str, int]:
    """What everybody has of it now, by their names; in escrow by its ledger account."""
    found: dict[str, int] = {}
    rows = Allocation.objects.all() if order is None else Allocation.objects.filter(order=order)
    for row in rows:
        name = row.escrow if row.account_id is None else of.names[row.account_id]
        found[name] = found.get(name, 0) + row.amount_minor
    return found
