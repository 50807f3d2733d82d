"""Guards hold what looks odd and say why; an operator lets it go or gives it back, or time does."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.actor import Actor
from accounts.models import Account
from core import clock
from core.money import Money
from events.models import EventRecord
from ledger.codes import pending, wallet
from orders.models import Order
from sharing.errors import ShareNotHeld
from sharing.models import Share, ShareBudget
from sharing.services import end_due_holds, reject_share, release_share
from sharing.services.deciding import blank_decisions
from tests.conftest import PASSWORD
from tests.money_facts import balance
from tests.proofs.world import book
from tests.sharing.money import complete, earned, faults, parts, proof, refund, sold, touches, won
from tests.sharing.programs import give, share
from tests.shop import offer
from wallets.services import release_due_earnings

pytestmark = pytest.mark.django_db


@pytest.fixture
def shared(seller: Account, new_account: Any) -> Share:
    item = offer(seller)
    give(item, budget=Money(10_000, "GBP"))
    return share(new_account(), item)


@pytest.fixture
def held(shared: Share, settings: Any) -> Order:
    """A sale within a moment of the scan: 0.50 are held."""
    settings.SHARE_ORDER_AFTER_SCAN_MIN = timedelta(seconds=3)
    return sold(shared)


def release(at: timedelta) -> None:
    while release_due_earnings(clock.now() + at):
        book()


def decide(service: Any, sale: Order, operator: Account) -> Any:
    return service(line=won(sale).line, reason="Looked at.", actor=Actor.own(operator), now=clock.now())


class TestWhatIsHeld:
    """The winner stays the winner."""

    def test_an_order_sooner_after_the_scan_than_a_person_reads(self, held: Order, shared: Share) -> None:
        assert touches(held) == [("last_touch", True)]
        assert earned(shared.sharer) == {"held": 50}
        assert [found["guard"] for found in won(held).hold_reasons] == ["too_fast"]

    def test_more_orders_of_one_share_within_a_moment_than_a_shop_has(self, shared: Share, settings: Any) -> None:
        settings.SHARE_BURST_ORDERS_MAX = 2
        now = clock.now()
        for place in range(4):
            sold(shared, now=now + timedelta(minutes=place))
        sold(shared, now=now + timedelta(hours=1))
        assert earned(shared.sharer) == {"pending": 150, "held": 100}

    def test_what_comes_after_most_of_the_last_was_given_back(self, shared: Share, settings: Any) -> None:
        settings.SHARE_REFUNDS_LINES_MIN = 3
        sales = [sold(shared) for _ in range(3)]
        for sale in sales[:2]:
            refund(sale, 1000)
        (found,) = won(sold(shared)).hold_reasons
        assert (found["guard"], found["lines"], found["refunded_bps"] // 100) == ("refunds", 3, 66)

    def test_is_shown_as_held_wherever_it_is_shown(self, held: Order, shared: Share, seller: Account, api: Any) -> None:
        shares = api(seller).get(f"/orders/{held.public_id}/money").json()["shares"]
        assert {row["party"]: row["status"] for row in shares}["share_charge"] == "held"
        (own,) = api(shared.sharer).get("/earnings", {"status": "held"}).json()["results"]
        assert own["amount"] == 50
        (charge,) = api(shared.sharer).get(f"/orders/{held.public_id}/attribution").json()["charges"]
        assert (charge["status"], charge["guards"]) == ("held", ["too_fast"])
        assert api(shared.sharer).get("/wallet").json()["balances"][0]["pending"] == 50
        assert faults() == []

    def test_is_not_released_with_its_sale(self, held: Order, shared: Share, seller: Account) -> None:
        complete(held)
        book()
        release(timedelta(days=8))
        assert earned(shared.sharer) == {"held": 50}
        assert balance(wallet(seller.public_id)) == 900

    def test_shrinks_with_a_refund(self, held: Order, shared: Share) -> None:
        refund(held, 400)
        book()
        assert earned(shared.sharer) == {"held": 30}
        assert faults() == []


class TestADecision:
    """Once, with a reason, by an operator or by time."""

    def test_to_release_lets_it_go_with_its_sale(self, held: Order, shared: Share, operator: Account) -> None:
        decide(release_share, held, operator)
        assert earned(shared.sharer) == {"pending": 50}
        complete(held)
        book()
        release(timedelta(days=8))
        assert earned(shared.sharer) == {"released": 50}
        assert faults() == []

    def test_to_release_what_was_due_long_ago_releases_it_as_of_now(
        self, held: Order, shared: Share, operator: Account
    ) -> None:
        complete(held)
        book()
        later = clock.now() + timedelta(days=10)
        release_share(line=won(held).line, reason="Fine.", actor=Actor.own(operator), now=later)
        release(timedelta(days=11))
        event = EventRecord.objects.get(type="earnings.released", payload__owner=shared.sharer.public_id)
        assert event.occurred_at == later
        assert faults() == []

    def test_to_reject_gives_the_seller_all_of_it(
        self, held: Order, shared: Share, seller: Account, operator: Account
    ) -> None:
        decide(reject_share, held, operator)
        book()
        assert earned(shared.sharer) == {"reversed": 0}
        assert parts(held, operator) == {"platform": 50, "seller": 950, "share_charge": 0}
        assert ShareBudget.objects.get(item=shared.item).spent_minor == 0
        assert touches(held) == [("last_touch", True)]
        complete(held)
        book()
        release(timedelta(days=8))
        assert (balance(wallet(seller.public_id)), balance(pending(seller.public_id))) == (950, 0)
        assert proof(held, operator).balanced
        assert faults() == []

    @pytest.mark.parametrize("is_released", [False, True])
    def test_to_reject_is_refunded_by_the_seller_from_then_on(
        self, held: Order, seller: Account, operator: Account, is_released: bool
    ) -> None:
        refund(held, 300)
        decide(reject_share, held, operator)
        if is_released:
            complete(held)
            book()
            release(timedelta(days=8))
        refund(held, 300)
        book()
        refund(held, 400)
        book()
        assert set(parts(held, operator).values()) == {0}
        assert (balance(wallet(seller.public_id)), balance(pending(seller.public_id))) == (0, 0)
        assert proof(held, operator).balanced
        assert faults() == []

    def test_to_reject_once_the_seller_was_paid_out_pays_it_the_rest(
        self, held: Order, seller: Account, operator: Account
    ) -> None:
        complete(held)
        book()
        release(timedelta(days=8))
        decide(reject_share, held, operator)
        book()
        release(timedelta(days=8))
        assert balance(wallet(seller.public_id)) == 950
        assert faults() == []

    def test_is_made_once(self, held: Order, operator: Account) -> None:
        decide(release_share, held, operator)
        for service in (release_share, reject_share):
            with pytest.raises(ShareNotHeld):
                decide(service, held, operator)

    def test_of_time_is_as_of_its_own_moment(self, held: Order, shared: Share) -> None:
        complete(held)
        book()
        until = won(held).held_until
        assert until is not None
        assert end_due_holds(until - timedelta(seconds=1)) == 0
        assert end_due_holds(until + timedelta(days=3)) == 1
        release(timedelta(days=30))
        event = EventRecord.objects.get(type="earnings.released", payload__owner=shared.sharer.public_id)
        assert (event.occurred_at, won(held).decision) == (until, "expired")
        assert faults() == []

    def test_is_told_to_the_sharer(self, held: Order, shared: Share, operator: Account) -> None:
        decide(reject_share, held, operator)
        own = EventRecord.objects.filter(subject=held.public_id, type__startswith="share.").order_by("id")
        assert [event.type for event in own] == ["share.charged", "share.held", "share.reversed", "share.hold_ended"]
        assert {event.payload["sharer"] for event in own} == {shared.sharer.public_id}


def test_an_erased_sharer_leaves_no_words_about_itself(held: Order, shared: Share, operator: Account) -> None:
    decide(release_share, held, operator)
    blank_decisions(shared.sharer)
    assert (won(held).decision_reason, won(held).decided_by) == ("", operator)


def test_a_sharer_with_something_held_cannot_close(held: Order, shared: Share, api: Any) -> None:
    answer = api(shared.sharer).post("/account/close", {"password": PASSWORD})
    assert answer.status_code == 409
