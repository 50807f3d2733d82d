"""Sharers at the counter: a till or a phone names them, or the customer has scanned before."""

from typing import Any

import pytest

from accounts.actor import Actor
from accounts.models import Account
from core import clock
from orders.models import Order
from sharing.codes import share_code
from sharing.models import Share
from sharing.services import revoke_share
from tests.distribution.test_placing import open_store
from tests.orders.counter.till import Till, make_till, pay_code
from tests.proofs.world import book
from tests.sharing.money import claim, earned, faults, touches, won
from tests.sharing.programs import give, share
from tests.sharing.scans import token_of
from tests.shop import offer
from tests.wallets.shop import fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def shared(seller: Account, new_account: Any) -> Share:
    item = offer(seller)
    give(item)
    return share(new_account(), item)


@pytest.fixture
def till(seller: Account) -> Till:
    return make_till(open_store(seller))


@pytest.fixture
def customer(buyer: Account) -> Account:
    fill(buyer, 10_000)
    book()
    return buyer


def sell(till: Till, shared: Share, **fields: Any) -> dict[str, Any]:
    answer = till.sell({"item": shared.item.public_id, "quantity": 1}, amount=1000, **fields)
    assert answer.status_code == 201
    return answer.json()


def order_of(trade: dict[str, Any]) -> Order:
    return Order.objects.get(public_id=trade["order"])


def code_of(shared: Share) -> str:
    return share_code(shared.pk)


MONEY = {"amount": 1000, "currency": "GBP"}


class TestATrade:
    """Matched as it is paid: only then it is known whose it is."""

    @pytest.mark.parametrize("name", [token_of, lambda shared: code_of(shared), lambda shared: code_of(shared).lower()])
    def test_that_a_till_makes_and_has_paid_names_scan_or_sharer(
        self, till: Till, shared: Share, customer: Account, name: Any
    ) -> None:
        trade = sell(till, shared, pay_code=pay_code(customer), scan=name(shared))
        book()
        assert trade["status"] == "paid"
        assert touches(order_of(trade)) == [("last_touch", True)]
        assert earned(shared.sharer) == {"pending": 50}
        assert faults() == []

    def test_finds_by_itself_what_its_customer_has_claimed(self, till: Till, shared: Share, customer: Account) -> None:
        claim(shared, customer)
        trade = sell(till, shared, pay_code=pay_code(customer))
        assert touches(order_of(trade)) == [("last_touch", True)]

    def test_keeps_what_the_till_named_until_the_phone_pays(
        self, till: Till, shared: Share, customer: Account, api: Any
    ) -> None:
        trade = sell(till, shared, scan=code_of(shared))
        assert touches(order_of(trade)) == []
        paid = api(customer).post(f"/trades/{trade['trade_no']}/pay", MONEY, key="k")
        assert paid.status_code == 200
        assert touches(order_of(trade)) == [("last_touch", True)]

    def test_that_is_paid_later_with_a_code_is_matched_once(self, till: Till, shared: Share, customer: Account) -> None:
        trade, code = sell(till, shared, scan=code_of(shared)), pay_code(customer)
        assert [till.pay(trade, pay_code=code).status_code for _ in range(2)] == [200, 200]
        assert touches(order_of(trade)) == [("last_touch", True)]

    def test_of_a_phone_that_names_one_itself(self, till: Till, shared: Share, customer: Account, api: Any) -> None:
        trade = sell(till, shared)
        body = {**MONEY, "scan": code_of(shared)}
        assert api(customer).post(f"/trades/{trade['trade_no']}/pay", body, key="k").status_code == 200
        assert won(order_of(trade)).is_named

    def test_that_waits_for_a_word_is_matched_with_it(
        self, till: Till, shared: Share, customer: Account, api: Any, settings: Any
    ) -> None:
        settings.COUNTER_CONFIRM_ABOVE_MINOR = 1
        trade = sell(till, shared, pay_code=pay_code(customer))
        assert trade["status"] == "confirming"
        body = {**MONEY, "scan": token_of(shared)}
        assert api(customer).post(f"/trades/{trade['trade_no']}/confirm", body, key="k").status_code == 200
        assert touches(order_of(trade)) == [("last_touch", True)]

    def test_is_never_refused_for_what_is_named(self, till: Till, shared: Share, customer: Account) -> None:
        revoke_share(share=shared.public_id, actor=Actor.own(shared.sharer), now=clock.now())
        for number, scan in enumerate(["nonsense", "x" * 5000, code_of(shared), share_code(10**9), ""]):
            trade = sell(till, shared, pay_code=pay_code(customer), scan=scan, sequence=100 + number)
            assert trade["status"] == "paid"
            assert not any(is_won for _reason, is_won in touches(order_of(trade)))

    def test_of_the_sharers_own_earns_nothing(self, till: Till, shared: Share) -> None:
        fill(shared.sharer, 1000)
        book()
        trade = sell(till, shared, pay_code=pay_code(shared.sharer), scan=code_of(shared))
        assert touches(order_of(trade)) == [("self", False)]
