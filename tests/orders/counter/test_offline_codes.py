"""Codes that a phone made by itself, at tills: as those that we make, once each."""

import threading
from typing import Any

import pytest

from accounts.models import Account
from catalog.models import Store
from core.money import Money
from events.models import EventRecord
from ledger.models import Hold
from orders.counter.models import CounterTrade
from tests.orders.counter.test_races import ROUNDS, Race, codes_of
from tests.orders.counter.till import Till, make_till, tea
from tests.shop import held, offer
from tests.wallets.phone import Phone
from wallets.pay_codes.models import PayCode
from wallets.pay_codes.services import trying


@pytest.fixture
def phone(customer: Account) -> Phone:
    return Phone(customer)


class TestPaying:
    def test_in_the_same_call_pays_within_its_budget(self, till: Till, phone: Phone, seller: Account, statements: Any):
        sold = {"item": offer(seller, stock=5).public_id, "quantity": 1}
        till.sell(sold, amount=1000)  # The fee schedule is compiled by now.
        code = phone.code()
        with statements() as seen:
            made = till.sell(sold, tea(), amount=1900, pay_code=code)
        assert made.json()["status"] == "paid"
        assert held(phone.account) == 1900
        assert len(seen) <= 18, str(seen)

    def test_later_pays_a_pending_trade_and_says_so_again(self, till: Till, phone: Phone):
        trade, code = till.sell().json(), phone.code()
        assert codes_of([till.pay(trade, pay_code=code) for _ in range(2)]) == [200, 200]
        assert codes_of([till.pay(till.sell().json(), pay_code=code)]) == ["pay_code_invalid"]
        assert held(phone.account) == 900

    @pytest.mark.parametrize("at_once", [True, False])
    @pytest.mark.parametrize(
        ("maximum", "unit_minor", "refusal"),
        [
            (Money(800, "GBP"), 900, "pay_code_maximum"),
            (None, 100_001, "insufficient_funds"),
            (None, 500_001, "confirmation_needed"),
        ],
    )
    def test_a_refusal_kills_the_code(
        self, till: Till, customer: Account, maximum: Any, unit_minor: int, refusal: str, at_once: bool
    ):
        code = Phone(customer, maximum).code()
        made = till.sell(tea(unit_minor=unit_minor), **({"pay_code": code} if at_once else {})).json()
        if at_once:
            assert made["refusal"]["code"] == refusal
        for _ in range(2):
            assert codes_of([till.pay(made, pay_code=code)]) == [refusal]
        assert PayCode.objects.get().refusal == refusal
        assert codes_of([till.pay(till.sell().json(), pay_code=code)]) == ["pay_code_invalid"]
        assert held(customer) == 0

    def test_a_wrong_amount_leaves_the_code_alive(self, till: Till, phone: Phone):
        trade, code = till.sell().json(), phone.code()
        assert codes_of([till.pay(trade, pay_code=code, amount=901)]) == ["amount_mismatch"]
        assert codes_of([till.pay(trade, pay_code=code)]) == [200]

    def test_wrong_ones_count_in_the_limits_of_till_and_store(self, till: Till, phone: Phone, settings: Any):
        settings.PAY_CODE_FAILURES_MAX = 2
        trade, code = till.sell().json(), phone.code()
        guesses = [f"9{phone.key_number}{(int(code[-9:]) + off) % 10**9:09}" for off in (1, 2)]
        assert codes_of([till.pay(trade, pay_code=guess) for guess in guesses]) == ["pay_code_invalid"] * 2
        assert codes_of([till.pay(trade, pay_code=code)]) == ["too_many_attempts"]
        assert not PayCode.objects.exists()


class TestAtTheSameMoment:
    def test_two_tills_and_it_pays_one_trade(
        self, committed_db: Any, till: Till, store: Store, customer: Account, race: Race
    ):
        tills = (till, make_till(store))
        for round_ in range(1, 1 + ROUNDS):
            code = Phone(customer).code()
            answers = race(*[lambda one=one: one.sell(pay_code=code) for one in tills])  # noqa: B023
            refusals = sorted((answer.json()["refusal"] or {}).get("code", "") for answer in answers)
            assert refusals == ["", "pay_code_invalid"]
            assert held(customer) == 900 * round_
        assert Hold.objects.count() == EventRecord.objects.filter(type="order.paid").count() == ROUNDS

    def test_one_trade_twice_and_both_are_told_of_it(
        self, committed_db: Any, till: Till, customer: Account, race: Race
    ):
        trade, code = till.sell().json(), Phone(customer).code()
        assert codes_of(race(*[lambda: till.pay(trade, pay_code=code)] * 3)) == [200] * 3
        assert held(customer) == 900

    def test_without_the_row_it_would_pay_both(
        self, committed_db: Any, till: Till, store: Store, customer: Account, race: Race, monkeypatch: Any
    ):
        """The control: what has been tried is looked for before the lock, and written in no row that is unique."""
        met = threading.Barrier(2)

        def look_and_write_nothing(secret: Any, step: int, code: str, order: str, now: Any) -> Any:
            row = PayCode(account_id=secret.account_id, secret=secret, step=step, used_for=order)
            is_free = not PayCode.objects.filter(secret=secret, step=step).exists()
            met.wait(timeout=30)
            return row if is_free else None

        monkeypatch.setattr(trying, "_claim", look_and_write_nothing)
        monkeypatch.setattr(trying.PayCodeSecret.objects, "select_for_update", unlocked(trying.PayCodeSecret))
        code = Phone(customer).code()
        race(*[lambda one=one: one.sell(pay_code=code) for one in (till, make_till(store))])
        assert held(customer) == 1800
        assert not CounterTrade.objects.exclude(refusal="").exists()


def unlocked(model: Any) -> Any:
    return lambda **how: model.objects.all()
