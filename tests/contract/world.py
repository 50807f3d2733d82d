"""Something of everything, so that requests made from the schema name things that are there."""

from dataclasses import dataclass, field
from typing import Any

from accounts import sessions
from accounts.models import Account
from accounts.sessions import open_session
from billing.models import RuleSet
from billing.services.replaying import REPLAY
from catalog.models import FeeSchedule, Store
from core.jobs import submit_job
from events.models import EventRecord
from ledger import codes
from ledger.models import Journal
from orders.counter.callers import TERMINAL
from tests import shop
from tests.conftest import Api, make_account
from tests.money_facts import book
from tests.orders.counter.till import make_till
from tests.sharing.programs import give, share


@dataclass
class World:
    """Accounts by kind, and ids by the name under which paths and bodies ask for them."""

    accounts: dict[str, Account] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    till_key: str = ""

    def authorization(self, audience: list[str] | None) -> str:
        """A fresh session of an account that may call, or the till's key: what the last call did must not matter."""
        if audience == [TERMINAL]:
            return f"Terminal {self.till_key}"
        kind = next((kind for kind in audience or ["buyer"] if kind in self.accounts), "buyer")
        return f"Bearer {sessions.open_session(account=self.accounts[kind]).token}"

    def place_ids(self, value: Any) -> Any:
        """Put ids that exist into a body, wherever it names something by a text."""
        if isinstance(value, list):
            return [self.place_ids(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        return {
            name: self.ids[name] if name in self.ids and isinstance(inner, str) else self.place_ids(inner)
            for name, inner in value.items()
        }


def some_journal() -> Journal:
    """What is booked of what waits."""
    book()
    return Journal.objects.order_by("event_id")[0]


def make_world() -> World:
    """An item in a store, an order that is paid, and what the house ships; all of it by ordinary means."""
    buyer, seller, operator = make_account(), make_account(side="seller"), make_account(operator=True)
    shop.fund(buyer, 10**12)
    item = shop.offer(seller)
    give(item)
    pending = shop.place(buyer, item)
    order = shop.paid_order(buyer, item)
    store = Api(seller).post("/stores", {"name": "Corner"}).json()
    top_up = Api(buyer).post("/wallet/top-ups", {"amount": 5, "currency": "GBP"}, key="world").json()
    withdrawal = Api(buyer).post("/wallet/withdrawals", {"amount": 5, "currency": "GBP"}, key="world-2").json()
    refund = Api(seller).post(f"/orders/{order.public_id}/refunds", {"amount": 1, "reason": "x"}, key="world").json()
    till = make_till(Store.objects.get(public_id=store["id"]))
    idle = make_till(till.terminal.store, "To be taken away")  # Others than this one are called with.
    world = World({"buyer": buyer, "seller": seller, "operator": operator}, till_key=till.key)
    world.ids = {
        "account": buyer.public_id,
        "wallet": buyer.public_id,
        "item": item.public_id,
        "item_id": item.public_id,
        "store": store["id"],
        "store_id": store["id"],
        "order_id": order.public_id,
        "checkout_id": pending.checkout.public_id,
        "refund_id": refund["id"],
        "top_up_id": top_up["id"],
        "withdrawal_id": withdrawal["id"],
        "share_id": share(buyer, item).public_id,
        "session_id": open_session(account=buyer).session.public_id,
        "rule_set_id": RuleSet.objects.values_list("public_id", flat=True)[0],
        "schedule_id": FeeSchedule.objects.values_list("public_id", flat=True)[0],
        "event_id": EventRecord.objects.first().public_id,
        "journal_id": some_journal().public_id,
        "job_id": submit_job(kind=REPLAY, arguments={}, owner=operator.public_id, login=operator.public_id).public_id,
        "terminal_id": idle.terminal.public_id,
        "trade_no": till.sell(sequence=2**50).json()["trade_no"],
        "code": codes.wallet(buyer.public_id),
        "currency": "GBP",
    }
    return world
