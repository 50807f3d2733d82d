"""
Whoever orders with scans and loses the server at any statement presses once more, and has ordered once.

The order, its lines, what was taken from the shelf, the claims, the touches and what was won stand together or not
at all, whether the process was killed, its connection cut, or only its answer lost.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from django.db import DatabaseError

from accounts.models import Behaviour
from catalog.models import Item
from core import clock
from orders.models import Checkout, OrderLine
from sharing.models import ScanClaim, Share, Touch, WonLine
from sharing.services import claim_scan
from tests.conftest import Api, make_account
from tests.faults.dooms import Doom, Failure, Moment, start, statements_of
from tests.sharing.programs import give, share
from tests.sharing.scans import token_of
from tests.shop import offer

STOCK = 10_000
BUSY_SECONDS_MAX = 5.0  # PostgreSQL ends the session of a client that has died, and nobody else may place until then.
_numbers = count(1)


@dataclass
class Shop:
    """Two sellers' things, one of them with a stock, both shared by two people."""

    items: list[Item] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)

    @property
    def left(self) -> int | None:
        return Item.objects.get(pk=self.items[0].pk).stock


@pytest.fixture
def shop(committed_db: Any) -> Shop:
    sharers = [make_account(), make_account()]
    items = [offer(make_account(side="seller"), **fields) for fields in ({"stock": STOCK}, {"title": "Cup"})]
    for item in items:
        give(item)
    return Shop(items, [share(sharer, item) for item in items for sharer in sharers])


class Purchase:
    """One buyer's order of both things, with three scans, one of them claimed before, and a token of nobody's."""

    def __init__(self, shop: Shop) -> None:
        self.buyer, self.shop, self.left_before = make_account(), shop, shop.left
        tokens = [token_of(one) for one in shop.shares[:3]]
        claim_scan(token=tokens[1], account=self.buyer, login=self.buyer, now=clock.now())
        self.api, self.key = Api(self.buyer), f"press-{next(_numbers)}"
        lines = [{"item": item.public_id, "quantity": 2} for item in shop.items]
        self.body = {"lines": lines, "scans": [*tokens, "forged"]}

    def press(self) -> Any:
        return self.api.post("/orders", self.body, key=self.key)

    def press_and_lose(self) -> None:
        """As a process that is killed, or whose connection is cut: then its answer is nobody's."""
        try:
            self.press()
        except DatabaseError:
            return

    def press_again(self) -> Any:
        deadline = time.monotonic() + BUSY_SECONDS_MAX
        while (answer := self.press()).status_code == 409 and time.monotonic() < deadline:
            time.sleep(0.01)
        return answer

    def effects(self) -> dict[str, Any]:
        """All that came of it, without the keys that differ from purchase to purchase."""
        lines = list(OrderLine.objects.filter(order__buyer=self.buyer).order_by("id"))
        orders = {line.order.public_id for line in lines}
        place = {line.pk: number for number, line in enumerate(lines)} | {None: None}
        touches = Touch.objects.filter(order__in=orders).order_by("id")
        won = WonLine.objects.filter(buyer=self.buyer).order_by("line")
        return {
            "checkouts": Checkout.objects.filter(buyer=self.buyer).count(),
            "lines": [(line.title, line.amount_minor, bool(line.share_terms)) for line in lines],
            "orders": len(orders),
            "taken": (self.left_before or 0) - (self.shop.left or 0),
            "recorded": Behaviour.objects.filter(account=self.buyer, kind="order.placed").count(),
            "claims": sorted(ScanClaim.objects.filter(account=self.buyer).values_list("share_id", flat=True)),
            "touches": [(place[one.line], one.share_id, one.reason, one.won) for one in touches],
            "won": [(place[one.line], one.share_id, one.promised_minor) for one in won],
        }


@dataclass(frozen=True)
class Undisturbed:
    """What the request sends (first words), and what comes of it."""

    sent: list[str]
    effects: dict[str, Any]

    def dooms(self) -> Iterator[Doom]:
        """Killed before every statement, and cut there; and at the end killed while it commits, and after that."""
        for place in range(1, len(self.sent) + 1):
            yield Doom(place, Moment.BEFORE)
            yield Doom(place, Failure.CUT)
        commit = len(self.sent) - self.sent[::-1].index("COMMIT")
        yield Doom(commit, Moment.DURING)
        yield Doom(commit, Moment.AFTER)


@pytest.fixture
def undisturbed(shop: Shop) -> Undisturbed:
    for _once in ("what processes remember is new to the first", "and no more"):
        purchase = Purchase(shop)
        sent = statements_of(purchase.press)
    return Undisturbed(sent, purchase.effects())


def test_an_undisturbed_order_is_what_the_scans_say(undisturbed: Undisturbed, shop: Shop) -> None:
    first, second, third, _fourth = (one.pk for one in shop.shares)

    assert undisturbed.effects == {
        "checkouts": 1,
        "lines": [("Tea", 2000, True), ("Cup", 2000, True)],
        "orders": 2,
        "taken": 2,
        "recorded": 2,
        "claims": [first, second, third],
        "touches": [
            (0, second, "last_touch", True),
            (0, first, "later_touch_won", False),
            (1, third, "last_touch", True),
            (None, None, "token_forged", False),
        ],
        "won": [(0, second, 100), (1, third, 100)],
    }


def test_lost_at_any_statement_it_is_there_once_after_a_second_press(undisturbed: Undisturbed, shop: Shop) -> None:
    for doom in undisturbed.dooms():
        purchase = Purchase(shop)

        was_killed = start(purchase.press_and_lose, doom).end()
        answer = purchase.press_again()

        assert was_killed is isinstance(doom.how, Moment), str(doom)
        assert answer.status_code == 201, f"{doom}: {answer.content!r}"
        assert purchase.effects() == undisturbed.effects, str(doom)
        assert purchase.press().json() == answer.json(), str(doom)
