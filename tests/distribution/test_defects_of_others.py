"""
What commission systems elsewhere get wrong, each by its name: here it comes out right.

The house pays people and places from one sale; most systems do one of the two, and undo neither.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.actor import Actor
from core import clock
from core.money import Money
from distribution.models import AllocatedLine, Allocation
from distribution.services import end_referral
from orders.services import complete_order, fulfil_order, refund_order
from tests.distribution.money import World, hear, parts, place_store, plan, world
from tests.distribution.people import above, clerk
from tests.money_facts import balance, book
from tests.shop import offer, paid_order
from wallets.errors import DebtOutstanding
from wallets.models import Earning
from wallets.services import release_due_earnings, request_withdrawal

PRICE = 100_000
Sell = Callable[..., Any]


@pytest.fixture
def behind(db: None) -> World:
    plan()
    return world()


@pytest.fixture
def sell(behind: World) -> Sell:
    def sell(*, price: int = PRICE, store: Any = None) -> Any:
        item = offer(behind.seller, price_minor=price, store=(store or behind.store).public_id)
        order = paid_order(behind.buyer, item)
        hear()
        return order

    return sell


def refund(order: Any, minor: int) -> None:
    actor = Actor.own(order.seller)
    refund_order(order=order.public_id, amount_minor=minor, reason="Cold.", actor=actor, now=clock.now())
    hear()


def release(order: Any) -> None:
    now = clock.now()
    fulfil_order(order=order.public_id, actor=Actor.own(order.seller), now=now)
    complete_order(order=order.public_id, actor=Actor.own(order.buyer), now=now)
    hear()
    while release_due_earnings(now + timedelta(days=400)):
        pass
    book()


class TestReferralWithoutGeography:
    """Levels of people are paid, and the place of the sale changes nothing."""

    def test_the_same_buyer_in_two_places_is_looked_after_by_two_chains_and_was_brought_by_one(
        self, behind: World, sell: Sell
    ) -> None:
        elsewhere = place_store(behind.seller, behind.areas["N1"], behind.start)
        here, there = sell(), sell(store=elsewhere)
        assert parts(behind, order=here.public_id)["agent 3"] == 750
        assert "agent 3" not in parts(behind, order=there.public_id)
        assert Allocation.objects.get(order=there.public_id, level=2, role="agent").account == behind.agents[2]
        assert parts(behind, order=here.public_id)["first"] == parts(behind, order=there.public_id)["first"]


class TestRegionalAgentsWithoutARegion:
    """Somebody is called the agent of a region and has a share of all sales, since no area is kept."""

    def test_an_agent_has_nothing_of_what_is_sold_outside_the_area(self, behind: World, sell: Sell) -> None:
        country = place_store(behind.seller, behind.areas["ZZ"], behind.start)
        order = sell(store=country)
        assert not Allocation.objects.filter(order=order.public_id, role="agent").exists()


class TestWholeCommissionVoidedOnAPartialRefund:
    """A customer gives one of ten things back, and everybody behind the sale loses everything."""

    def test_a_tenth_given_back_takes_a_tenth_of_every_role(self, behind: World, sell: Sell) -> None:
        order = sell(price=800_000)
        before = parts(behind)
        refund(order, 80_000)
        assert parts(behind) == {name: minor - minor // 10 for name, minor in before.items()}


class TestClawbackCutOffAtTheBalance:
    """What was paid out already is taken back as far as the wallet goes, and the rest is forgotten."""

    def test_the_rest_is_owed_blocks_withdrawals_and_is_repaid_by_the_next_earning(
        self, behind: World, sell: Sell
    ) -> None:
        first = behind.brought_buyer
        order = sell()
        release(order)
        self.withdraw(first, 400)
        refund(order, PRICE)
        book()
        assert (balance(f"wallet:{first.public_id}"), balance(f"debt:{first.public_id}")) == (0, -400)
        with pytest.raises(DebtOutstanding):
            self.withdraw(first, 1)
        release(sell())
        assert (balance(f"wallet:{first.public_id}"), balance(f"debt:{first.public_id}")) == (100, 0)

    def withdraw(self, owner: Any, minor: int) -> None:
        money, actor = Money(minor, "GBP"), Actor.own(owner)
        request_withdrawal(owner=owner, amount=money, provider="local", actor=actor, now=clock.now())
        book()


class TestSecondLevelsNeverReversed:
    """A refund reverses whoever brought the buyer, and whoever brought them keeps the money."""

    @pytest.mark.parametrize("released", [False, True])
    def test_every_level_goes_to_zero(self, behind: World, sell: Sell, *, released: bool) -> None:
        order = sell()
        if released:
            release(order)
        refund(order, PRICE)
        book()
        assert set(parts(behind).values()) == {0}
        for account in (behind.brought_buyer, behind.brought_them, *behind.agents.values()):
            assert {balance(f"{kind}:{account.public_id}") for kind in ("wallet", "pending", "debt")} == {0}
        assert set(Earning.objects.filter(kind="commission").values_list("status", flat=True)) == {"reversed"}


class TestOrphansAfterADeletion:
    """Somebody in the middle of the chain leaves, and those above never hear of those below again."""

    def test_whoever_brought_the_one_who_left_is_next(self, behind: World, sell: Sell) -> None:
        before = sell()
        end_referral(account=behind.brought_buyer, reason="Left.", actor=clerk(), now=clock.now())
        assert above(behind.buyer, clock.now()) == [behind.brought_them]
        after = sell()
        assert "first" not in parts(behind, order=after.public_id)
        assert parts(behind, order=after.public_id)["second"] == 500
        assert parts(behind, order=before.public_id)["first"] == 500, "Past income is untouched."


class TestSharesRoundedOneByOne:
    """Each share is rounded by itself, and together they are a cent more or less than there is."""

    @pytest.mark.parametrize("price", [1, 19, 20, 21, 39, 399, 777, 9_999, 33_333])
    def test_parts_of_any_pool_are_the_pool(self, behind: World, sell: Sell, price: int) -> None:
        sell(price=price)
        for line in AllocatedLine.objects.all():
            given = sum(row.original_minor for row in line.allocations.all())
            assert given + line.platform_minor == line.pool_minor
