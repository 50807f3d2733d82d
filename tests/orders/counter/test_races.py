"""Two do it at the counter at the same moment; each race stands beside what would happen without its lock."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from accounts.models import Account
from catalog.models import Item, Store
from core import clock
from events.models import EventRecord
from ledger.codes import wallet
from ledger.models import Hold, LedgerAccount
from orders.book_check import check_orders
from orders.counter.models import CounterTrade, TillRequest
from orders.counter.services import sequences
from orders.models import Order
from orders.services import run_due_transitions
from tests.conftest import Api
from tests.orders.counter.test_trades import refund
from tests.orders.counter.till import Till, cancelled, make_till, pay_code
from tests.shop import fund, held, offer
from wallets.models import Earning
from wallets.pay_codes.models import PayCode

Race = Callable[..., list[Any]]
ROUNDS = 3


def codes_of(answers: list[Any]) -> list[Any]:
    """The status of each answer, with its code where it is a refusal."""
    return [answer.json().get("code", answer.status_code) for answer in answers]


@pytest.fixture
def store(committed_db: Any, store: Store) -> Store:
    return store


class TestTwoCreatesOfOneSequence:
    def test_make_one_trade_and_tell_both_of_it(self, till: Till, customer: Account, race: Race):
        for sequence in range(1, 1 + ROUNDS):
            code = pay_code(customer)
            answers = race(*[lambda: till.sell(sequence=sequence, pay_code=code)] * 4)  # noqa: B023
            made = [answer for answer in answers if answer.status_code == 201]
            assert made
            assert len({answer.json()["trade_no"] for answer in made}) == 1
            assert {answer.json()["code"] for answer in answers if answer not in made} <= {"sequence_in_use"}
            assert held(customer) == 900 * sequence
        assert Order.objects.count() == Hold.objects.count() == ROUNDS

    def test_the_one_that_comes_while_the_first_runs_is_told_so_at_once(
        self, till: Till, customer: Account, race: Race
    ):
        with transaction.atomic():
            assert sequences.wait_for(till.terminal, 1) is None
            answers = race(lambda: till.sell(sequence=1), lambda: till.get("/terminal/trades", {"sequence": 1}))
        assert codes_of(answers) == ["sequence_in_use", 200]
        assert answers[1].json() == {"outcome": "in_progress"}
        assert till.ask(1) == {"outcome": "not_known"}

    def test_an_answer_that_came_between_the_look_and_the_effect_is_repeated(
        self, till: Till, customer: Account, monkeypatch: pytest.MonkeyPatch
    ):
        """The look-up shares the lock's statement, and so may miss what committed in between."""
        first = till.sell(sequence=1, pay_code=pay_code(customer)).json()
        monkeypatch.setattr(sequences, "begin", lambda asked: None)
        code = PayCode.objects.get()
        assert code.used_for == first["order"]
        again = till.sell(sequence=1, pay_code="0" * 18)
        assert codes_of([again]) == ["sequence_reused"]
        assert Order.objects.count() == 1


class TestCancelAgainstCreate:
    def test_one_of_them_wins_and_nothing_is_left_hanging(self, till: Till, customer: Account, race: Race):
        for sequence in range(1, 1 + 2 * ROUNDS):
            code = pay_code(customer)
            made, ended = race(
                lambda: till.sell(sequence=sequence, pay_code=code),  # noqa: B023
                lambda: cancelled(till, sequence=sequence),  # noqa: B023
            )
            result = ended.json()["result"]
            request = TillRequest.objects.get(sequence=sequence)
            if result == "not_created":
                assert codes_of([made])[0] in ("sequence_in_use", "sequence_cancelled")
                assert codes_of([till.sell(sequence=sequence)]) == ["sequence_cancelled"]
                assert request.trade is None
            else:
                assert (result, made.status_code) == ("refunded", 201)
                assert till.ask(sequence)["trade"]["status"] == "refunded"
        assert Order.objects.count() == Order.objects.filter(refunded_minor=900).count()

    def test_a_cancel_waits_for_the_create_that_runs(self, till: Till, customer: Account):
        results: list[str] = []

        def cancel() -> None:
            try:
                results.append(cancelled(till, sequence=1).json()["result"])
            finally:
                connection.close()

        waiting = threading.Thread(target=cancel)
        with transaction.atomic():
            till.sell(sequence=1, pay_code=pay_code(customer))
            waiting.start()
            waiting.join(0.3)
            assert waiting.is_alive()
        waiting.join(10)
        assert results == ["refunded"]

    def test_without_the_lock_it_would_bury_what_is_being_made(self, till: Till, customer: Account, race: Race):
        """The control: the same look, without the sequence, finds nothing while the create runs."""
        with transaction.atomic():
            till.sell(sequence=1)
            found = race(lambda: sequences.find_request(till.terminal, 1))
        assert found == [None]


class TestTillAgainstPhone:
    def test_pay_once(self, till: Till, customer: Account, race: Race):
        phone = Api(customer)
        for round_ in range(1, 1 + ROUNDS):
            trade, code = till.sell().json(), pay_code(customer)
            path, body = f"/trades/{trade['trade_no']}/pay", {"amount": 900, "currency": "GBP"}
            answers = race(
                lambda: till.pay(trade, pay_code=code),  # noqa: B023
                lambda: phone.post(path, body, key=f"k{round_}"),  # noqa: B023
            )
            assert sorted(map(str, codes_of(answers))) == ["200", "order_not_payable"]
            assert held(customer) == 900 * round_
        assert Earning.objects.count() == EventRecord.objects.filter(type="order.paid").count() == ROUNDS

    def test_two_phones_and_it_is_one_customers(self, till: Till, customer: Account, new_account: Any, race: Race):
        other = new_account()
        fund(other, 10_000)
        path = f"/trades/{till.sell().json()['trade_no']}/pay"
        body = {"amount": 900, "currency": "GBP"}
        answers = race(*[lambda who=who: Api(who).post(path, body, key="k") for who in (customer, other)])
        assert sorted(map(str, codes_of(answers))) == ["200", "not_found"]
        assert held(customer) + held(other) == 900

    def test_a_refund_that_waited_for_the_payment_knows_whose_it_is(
        self, till: Till, customer: Account, seller: Account
    ):
        """The buyer came while it waited: the row is read anew, what was joined to it is not."""
        trade = till.sell().json()
        outcomes: list[Any] = []

        def take_back() -> None:
            try:
                outcomes.append(refund(till, trade, 400, sequence=9).status_code)
            finally:
                connection.close()

        waiting = threading.Thread(target=take_back)
        with transaction.atomic():
            till.pay(trade, pay_code=pay_code(customer))
            waiting.start()
            waiting.join(0.3)
            assert waiting.is_alive()
        waiting.join(10)
        assert outcomes == [201]
        assert EventRecord.objects.get(type="order.refunded").payload["buyer"] == customer.public_id


class TestOneCodeAtTwoTills:
    def test_pays_one_of_two_trades(self, till: Till, store: Store, customer: Account, race: Race):
        for round_ in range(1, 1 + ROUNDS):
            code, tills = pay_code(customer), (till, make_till(store))
            trades = [one.sell().json() for one in tills]
            answers = race(
                *[
                    lambda one=one, trade=trade: one.pay(trade, pay_code=code)  # noqa: B023
                    for one, trade in zip(tills, trades, strict=True)
                ]
            )
            assert sorted(map(str, codes_of(answers))) == ["200", "pay_code_invalid"]
            assert held(customer) == 900 * round_

    def test_pays_one_trade_once(self, till: Till, store: Store, customer: Account, race: Race):
        trade, code = till.sell().json(), pay_code(customer)
        answers = race(*[lambda: till.pay(trade, pay_code=code)] * 3)
        assert codes_of(answers) == [200] * 3
        assert held(customer) == 900

    def test_without_its_lock_both_would_find_it_unused(self, till: Till, customer: Account, race: Race):
        """The control: the same look, without the lock, lets both through."""
        pay_code(customer)
        looked = threading.Barrier(2)

        def look() -> bool:
            is_unused = PayCode.objects.get().used_at is None
            looked.wait(timeout=30)
            return is_unused

        assert race(look, look) == [True, True]


class TestPayingAgainstTheEnd:
    def test_of_cancel_and_payment_both_are_whole(self, till: Till, customer: Account, seller: Account, race: Race):
        for _ in range(ROUNDS):
            item = offer(seller, stock=1)
            trade = till.sell({"item": item.public_id, "quantity": 1}, amount=1000).json()
            code = pay_code(customer)
            paid, ended = race(
                lambda: till.pay(trade, pay_code=code),  # noqa: B023
                lambda: cancelled(till, trade_no=trade["trade_no"]),  # noqa: B023
            )
            order = Order.objects.get(trade_no=trade["trade_no"])
            assert ended.json()["result"] == ("refunded" if paid.status_code == 200 else "closed")
            assert order.refunded_minor == order.paid_minor
            assert Item.objects.get(pk=item.pk).stock == 1
        assert list(check_orders()) == []

    def test_of_time_and_payment_one_happens(self, till: Till, customer: Account, seller: Account, race: Race):
        for _ in range(ROUNDS):
            item = offer(seller, stock=1)
            trade = till.sell({"item": item.public_id, "quantity": 1}, amount=1000).json()
            code, later = pay_code(customer), clock.now() + settings.COUNTER_PAYMENT_LIMIT
            paid, closed = race(lambda: till.pay(trade, pay_code=code), lambda: run_due_transitions(later))  # noqa: B023
            is_paid = paid.status_code == 200
            assert closed == (0 if is_paid else 1)
            assert Item.objects.get(pk=item.pk).stock == (0 if is_paid else 1)
        assert list(check_orders()) == []

    def test_two_refunds_of_one_sequence_give_back_once(self, till: Till, customer: Account, race: Race):
        trade = till.sell(pay_code=pay_code(customer)).json()
        answers = race(*[lambda: refund(till, trade, 400, sequence=9)] * 3)
        assert set(codes_of(answers)) <= {201, "sequence_in_use"}
        assert Order.objects.get().refunded_minor == 400


class TestGuessing:
    def test_never_tells_of_more_codes_than_the_limit_however_many_come_at_once(
        self, till: Till, race: Race, settings: Any
    ):
        settings.PAY_CODE_FAILURES_MAX = 3
        trades = [till.sell().json() for _ in range(6)]
        answers = race(*[lambda trade=trade: till.pay(trade, pay_code="1" * 18) for trade in trades])
        assert sorted(codes_of(answers)) == ["pay_code_invalid"] * 3 + ["too_many_attempts"] * 3
        assert CounterTrade.objects.filter(refusal="pay_code_invalid").count() == 3


class TestManyTillsOfOneSeller:
    """What a payment touches is the customer's: nobody waits for the seller, its store, or what it has."""

    def sell(self, till: Till, code: str) -> Any:
        """In a connection of its own, which does not wait long for anybody."""
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '300ms'")
        return till.sell(pay_code=code)

    def test_wait_for_nobody_who_has_locked_what_is_the_sellers(
        self, till: Till, customer: Account, seller: Account, store: Store, race: Race
    ):
        code = pay_code(customer)
        fund(seller, 100)
        with transaction.atomic():
            Account.objects.select_for_update(no_key=True).get(pk=seller.pk)
            Store.objects.select_for_update(no_key=True).get(pk=store.pk)
            LedgerAccount.objects.select_for_update(no_key=True).get(code=wallet(seller.public_id))
            (answer,) = race(lambda: self.sell(till, code))
        assert answer.json()["status"] == "paid"

    def test_control_they_wait_for_who_has_locked_the_customers_wallet(self, till: Till, customer: Account, race: Race):
        code = pay_code(customer)
        with transaction.atomic():
            LedgerAccount.objects.select_for_update(no_key=True).get(code=wallet(customer.public_id))
            (answer,) = race(lambda: self.sell(till, code))
        assert answer.status_code == 503
        assert not CounterTrade.objects.exists()
