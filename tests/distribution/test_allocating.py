"""What a sale gives to whom: by the chain and the plan as of its payment, to the cent, and why not to others."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.actor import Actor
from core import clock
from core.money import Money
from core.registry import proof_lines
from distribution.models import AllocatedLine, Allocation
from distribution.services import end_agent, settle_escrow
from events.models import EventRecord
from ledger.codes import wallet
from ledger.holds import place_hold
from orders.services import complete_order, fulfil_order, refund_order
from tests.accounts.test_linking import link
from tests.distribution.money import CITY, World, hear, parts, place_store, plan, seat, world
from tests.distribution.people import clerk, living_seats
from tests.money_facts import balance, book
from tests.shop import offer, paid_order
from wallets.models import Earning
from wallets.services import release_due_earnings

PRICE, FEE, POOL = 100_000, 5_000, 2_500  # 1,000.00 GBP; 5 % for the platform; half of that for the plan.


@pytest.fixture
def behind(db: None) -> World:
    plan()
    return world()


def sell(behind: World, *, price: int = PRICE, **item: Any) -> Any:
    item.setdefault("store", behind.store.public_id)
    order = paid_order(behind.buyer, offer(behind.seller, price_minor=price, **item))
    hear()
    return order


def refund(order: Any, minor: int) -> None:
    seller = Actor.own(order.seller)
    refund_order(order=order.public_id, amount_minor=minor, reason="Cold.", actor=seller, now=clock.now())
    hear()


def proof(order: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in proof_lines(order.public_id):
        found[line.party] = found.get(line.party, 0) + line.amount_minor
    return found


class TestASale:
    """Everybody behind it gets a part of the platform's fee, by the plan."""

    def test_gives_everybody_their_part_of_the_pool(self, behind: World) -> None:
        sell(behind)
        assert parts(behind) == {
            "agent 3": 750, "agent 2": 375, "agent 1": 125,
            "first": 500, "second": 250, "merchant": 125, "buyer": 250,
        }  # fmt: skip
        line = AllocatedLine.objects.get()
        assert (line.pool_minor, line.platform_minor, line.agents_minor) == (POOL, 125, 1250)

    def test_is_booked_so_that_everybody_has_it_pending_and_the_platform_the_rest(self, behind: World) -> None:
        order = sell(behind)
        book()
        assert balance(f"pending:{behind.agents[3].public_id}") == 750
        assert balance("platform:fees") == FEE - POOL + 125
        assert proof(order) == {
            "platform": FEE - POOL + 125, "seller": PRICE - FEE, "agent": 1250, "referrer": 750,
            "merchant_referrer": 125, "cashback": 250,
        }  # fmt: skip

    def test_says_why_each_gets_it(self, behind: World) -> None:
        sell(behind)
        why = Allocation.objects.get(role="agent", level=3).why
        assert why == "Agent of ZZ:N11 (level 3): 30 % of the pool of 25.00 GBP, 50 % of the fee (standard v1)."

    def test_without_a_plan_gives_nobody_anything(self, db: None) -> None:
        without = world()
        sell(without)
        assert not AllocatedLine.objects.exists()

    def test_of_an_imported_history_gives_nobody_anything(self, behind: World, settings: Any) -> None:
        long_ago = clock.now() - settings.SHARED_AGE_MAX - timedelta(minutes=1)
        for at in (long_ago, long_ago + timedelta(minutes=2)):
            item = offer(behind.seller, price_minor=PRICE, store=behind.store.public_id)
            paid_order(behind.buyer, item, now=at)
        hear()
        assert AllocatedLine.objects.count() == 1

    def test_goes_by_the_plan_in_force_when_it_was_paid(self, behind: World) -> None:
        order = paid_order(behind.buyer, offer(behind.seller, price_minor=PRICE, store=behind.store.public_id))
        plan(effective_from=clock.now(), pool={"of": "fee", "bps": 10_000})
        hear()
        assert AllocatedLine.objects.get(order=order.public_id).pool_minor == POOL

    def test_of_an_item_without_a_store_counts_for_the_sellers_only_one(self, behind: World) -> None:
        sell(behind, store=None)
        assert parts(behind)["agent 3"] == 750

    def test_of_an_item_without_a_store_whose_seller_has_two_leaves_the_agents_parts_to_the_house(
        self, behind: World
    ) -> None:
        place_store(behind.seller, behind.areas["N12" if "N12" in behind.areas else CITY], behind.start)
        sell(behind, store=None)
        assert "agent 3" not in parts(behind)
        assert {
            "role": "agent",
            "level": 3,
            "amount": 750,
            "reason": "no_store",
        } in AllocatedLine.objects.get().not_paid

    def test_of_two_stores_gives_each_areas_agents_their_own(self, behind: World) -> None:
        other = place_store(behind.seller, behind.areas["N1"], behind.start)
        here = offer(behind.seller, price_minor=PRICE, store=behind.store.public_id)
        there = offer(behind.seller, price_minor=PRICE, store=other.public_id)
        order = paid_order(behind.buyer, here, there)
        hear()
        book()
        assert parts(behind)["agent 3"] == 750
        assert parts(behind)["agent 2"] == 750
        assert balance(f"pending:{behind.buyer.public_id}") == 500
        assert EventRecord.objects.filter(type="commission.accrued", subject=order.public_id).count() == 2

    def test_of_many_lines_is_shared_to_the_cent(self, behind: World) -> None:
        items = [
            offer(behind.seller, price_minor=minor, store=behind.store.public_id) for minor in (333, 1, 777, 10_001)
        ]
        order = paid_order(behind.buyer, *items)
        hear()
        book()
        given = sum(row.original_minor for row in Allocation.objects.all())
        kept = sum(line.platform_minor for line in AllocatedLine.objects.all())
        assert given + kept == sum(line.pool_minor for line in AllocatedLine.objects.all())
        assert sum(proof(order).values()) == order.total_minor

    @pytest.mark.parametrize("sales", [1, 7])
    def test_takes_the_same_number_of_statements_however_many_there_are(
        self, behind: World, sales: int, statements: Any
    ) -> None:
        item = offer(behind.seller, price_minor=PRICE, store=behind.store.public_id)
        for _ in range(sales):
            paid_order(behind.buyer, item)
        with statements() as seen:
            hear()
        assert len(seen) == 14


class TestWhoGetsNothing:
    """Everybody who is passed over is named, with the reason."""

    def not_paid(self) -> dict[tuple[str, int | None], str]:
        return {(row["role"], row.get("level")): row["reason"] for row in AllocatedLine.objects.get().not_paid}

    def test_a_vacant_areas_part_stays_with_the_house(self, db: None) -> None:
        plan()
        behind = world(agents=(1, 3))
        sell(behind)
        assert self.not_paid() == {("agent", 2): "vacant"}
        assert AllocatedLine.objects.get().platform_minor == 125 + 375

    def test_or_goes_to_the_next_agent_up(self, db: None) -> None:
        plan(vacancy="next_up")
        behind = world(agents=(1,))
        sell(behind)
        assert parts(behind)["agent 1"] == 1250

    def test_or_to_nobody_where_there_is_none_up_there(self, db: None) -> None:
        plan(vacancy="next_up")
        behind = world(agents=())
        sell(behind)
        assert set(self.not_paid().values()) == {"vacant"}

    def test_linked_accounts_earn_nothing_from_each_others_purchases(self, behind: World, db: None) -> None:
        link(behind.buyer, behind.brought_buyer)
        sell(behind)
        assert self.not_paid() == {("referrer", 1): "self_dealing"}
        assert parts(behind)["second"] == 250

    def test_nobody_brought_a_buyer_who_came_alone(self, behind: World, new_account: Any) -> None:
        behind.buyer = new_account()
        sell(behind)
        assert self.not_paid() == {("referrer", 1): "nobody", ("referrer", 2): "nobody"}

    def test_a_cap_leaves_the_rest_with_the_house(self, db: None) -> None:
        plan(caps=[{"role": "referrer", "per": "order", "amount": 300, "currency": "GBP"}])
        behind = world()
        sell(behind)
        assert parts(behind)["first"] == 300
        assert parts(behind)["second"] == 250
        assert self.not_paid() == {("referrer", 1): "cap"}

    def test_a_cap_is_for_the_whole_order(self, db: None) -> None:
        plan(caps=[{"role": "referrer", "per": "order", "amount": 600, "currency": "GBP"}])
        behind = world()
        items = [offer(behind.seller, price_minor=PRICE, store=behind.store.public_id) for _ in range(2)]
        paid_order(behind.buyer, *items)
        hear()
        assert parts(behind)["first"] == 600

    def test_a_differential_plan_gives_each_tier_what_those_below_leave(self, db: None) -> None:
        rates = [{"level": 3, "bps": 3000}, {"level": 2, "bps": 4500}, {"level": 1, "bps": 5000}]
        plan(agents=rates, differential=True)
        behind = world()
        sell(behind)
        assert {name: minor for name, minor in parts(behind).items() if name.startswith("agent")} == {
            "agent 3": 750, "agent 2": 375, "agent 1": 125,
        }  # fmt: skip


class TestARefund:
    """Takes the same part of everybody, in whatever steps, and ends exactly at zero."""

    def test_of_half_takes_half_of_every_role(self, behind: World) -> None:
        order = sell(behind, price=80_000)
        before = parts(behind)
        refund(order, 40_000)
        book()
        assert parts(behind) == {name: minor // 2 for name, minor in before.items()}
        assert sum(proof(order).values()) + 40_000 == order.total_minor

    def test_in_odd_steps_ends_at_zero_for_everybody(self, behind: World) -> None:
        order = sell(behind, price=9_999)
        for minor in (1, 2, 3_333, 17, 4_444, 2_202):
            refund(order, minor)
        book()
        assert set(parts(behind).values()) == {0}
        assert not [code for code in ("agent", "referrer", "cashback") if proof(order).get(code)]
        assert balance("platform:fees") == 0
        assert {balance(f"pending:{account.public_id}") for account in behind.agents.values()} == {0}

    def test_in_the_same_batch_as_the_payment_takes_it_back_too(self, behind: World) -> None:
        order = paid_order(behind.buyer, offer(behind.seller, price_minor=PRICE, store=behind.store.public_id))
        seller = Actor.own(behind.seller)
        refund_order(order=order.public_id, amount_minor=PRICE, reason="Cold.", actor=seller, now=clock.now())
        hear()
        book()
        assert set(parts(behind).values()) == {0}

    def test_of_what_was_released_comes_out_of_the_wallet_and_else_is_owed(self, behind: World) -> None:
        order = sell(behind)
        finish(order, behind)
        book()
        agent, first = behind.agents[3], behind.brought_buyer
        assert balance(f"wallet:{agent.public_id}") == 750
        spend(first, 400)
        refund(order, PRICE)
        book()
        assert balance(wallet(agent.public_id)) == 0
        assert balance(f"debt:{first.public_id}") == -400
        assert balance("platform:fees") == 0


def finish(order: Any, behind: World) -> None:
    """Everything that the order earns is released."""
    now = clock.now()
    fulfil_order(order=order.public_id, actor=Actor.own(behind.seller), now=now)
    complete_order(order=order.public_id, actor=Actor.own(behind.buyer), now=now)
    hear()
    while release_due_earnings(now + timedelta(days=400)):
        pass


def spend(account: Any, minor: int) -> None:
    """Something that the account buys elsewhere."""
    place_hold(code=wallet(account.public_id), amount=Money(minor, "GBP"), key="spent elsewhere")


class TestTheRelease:
    """A commission waits for its hold period, and never comes before the sale's own earning."""

    def test_is_after_the_plans_hold_days(self, behind: World) -> None:
        order = sell(behind)
        now = clock.now()
        fulfil_order(order=order.public_id, actor=Actor.own(behind.seller), now=now)
        complete_order(order=order.public_id, actor=Actor.own(behind.buyer), now=now)
        hear()
        released = set(Earning.objects.filter(kind="commission").values_list("releases_at", flat=True))
        own = Earning.objects.get(kind="sale").releases_at
        assert own is not None
        assert released == {max(own, now + timedelta(days=7))}

    def test_never_precedes_its_source(self, behind: World) -> None:
        order = sell(behind)
        finish_without_own = clock.now() + timedelta(days=400)
        Earning.objects.filter(kind="commission").update(releases_at=clock.now())
        assert release_due_earnings(finish_without_own) == 0
        assert Earning.objects.filter(order=order.public_id, status="released").count() == 0


class TestEscrow:
    """What is kept for agents who are not known yet."""

    def test_keeps_a_vacant_areas_part_for_its_next_agent(self, db: None) -> None:
        plan(vacancy="escrow")
        behind = world(agents=(1, 2))
        order = sell(behind)
        book()
        assert balance("escrow:ZZ:N11") == 750
        assert sum(proof(order).values()) == PRICE
        behind.agents[3] = seat(behind.areas[CITY], clock.now())
        assert settle_escrow(clock.now()) == 1
        book()
        assert balance("escrow:ZZ:N11") == 0
        assert balance(f"pending:{behind.agents[3].public_id}") == 750
        assert sum(proof(order).values()) == PRICE
        refund(order, PRICE)
        book()
        assert set(parts(behind).values()) == {0}
        assert balance("platform:fees") == 0

    def test_gives_back_what_is_refunded_meanwhile_and_the_rest_to_the_agent(self, db: None) -> None:
        plan(vacancy="escrow")
        behind = world(agents=(1, 2))
        order = sell(behind)
        refund(order, PRICE // 2)
        book()
        assert balance("escrow:ZZ:N11") == 375
        behind.agents[3] = seat(behind.areas[CITY], clock.now())
        settle_escrow(clock.now())
        refund(order, PRICE // 2)
        book()
        assert set(parts(behind).values()) == {0}
        assert balance(f"pending:{behind.agents[3].public_id}") == 0
        assert balance("platform:fees") == 0

    def test_of_a_store_whose_place_waits_goes_by_the_decision_as_of_the_sale(self, db: None) -> None:
        plan()
        behind = world()
        store = place_store(behind.seller, behind.areas[CITY], behind.start, waiting=True)
        order = sell(behind, store=store.public_id)
        book()
        assert balance(f"escrow:undecided:{store.public_id}") == 1250
        assert settle_escrow(clock.now()) == 0
        store.placements.update(is_waiting=False, decided_at=clock.now())
        end_agent(seat=living_seats(behind.areas[CITY])[0].public_id, actor=clerk(), now=clock.now())
        assert settle_escrow(clock.now()) == 3
        book()
        assert parts(behind)["agent 3"] == 750
        assert balance(f"escrow:undecided:{store.public_id}") == 0
        assert sum(proof(order).values()) == PRICE

    def test_is_the_platforms_after_a_long_time(self, db: None, settings: Any) -> None:
        plan(vacancy="escrow")
        behind = world(agents=(1, 2))
        order = sell(behind)
        assert settle_escrow(clock.now() + settings.ESCROW_PERIOD) == 1
        refund(order, PRICE // 4)
        book()
        assert balance("escrow:ZZ:N11") == 0
        assert sum(proof(order).values()) + PRICE // 4 == PRICE
        refund(order, PRICE - PRICE // 4)
        book()
        assert balance("platform:fees") == 0
