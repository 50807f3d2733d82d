"""A phone pays a trade with what the wallet has and what a provider charges; answers are lost, late, or overtaken."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as house
from django.utils import timezone

from accounts.models import Account, Behaviour
from catalog.models import Store
from core import clock
from core.registry import book_checks
from events.delivery import deliver_due
from ledger.codes import wallet
from orders.models import Order, ProviderPayment
from orders.services import run_due_transitions
from tests.money_facts import balance, book
from tests.orders.counter.test_trades import refund, refusal_of
from tests.orders.counter.till import Till, cancelled, make_till, pay_code
from tests.shop import fund
from tests.wallets import bank as banks
from tests.wallets.bank import ANSWER, REQUEST, Bank
from tests.wallets.shop import fill
from wallets.models import TopUp
from wallets.services import finish_open_top_ups, finish_open_withdrawals

BODY = {"amount": 900, "currency": "GBP", "provider": "bank"}


@pytest.fixture
def bank(settings: Any) -> Iterator[Bank]:
    settings.PAYMENT_PROVIDERS = {**settings.PAYMENT_PROVIDERS, "bank": banks.PATH}
    banks.bank.clear()
    yield banks.bank
    banks.bank.clear()


@pytest.fixture
def till(committed_db: Any, store: Store, bank: Bank) -> Till:
    return make_till(store)


@pytest.fixture
def phone(till: Till, api: Any, buyer: Account) -> Any:
    """Of a buyer with 4.00 of the 9.00 that everything costs here."""
    fill(buyer, 400)
    book()
    return api(buyer)


def pay(phone: Any, trade: dict[str, Any], key: str = "k", **body: Any) -> Any:
    return phone.post(f"/trades/{trade['trade_no']}/pay", BODY | body, key=key)


def deliver() -> None:
    """Book what waits, and let those behind billing hear it."""
    for consumer in ("order_payments", "order_returns"):
        book()
        deliver_due(consumer)
    book()


def ask_the_bank() -> None:
    """What the task does once the answers are overdue."""
    TopUp.objects.filter(next_query_at__isnull=False).update(next_query_at=timezone.now())
    finish_open_top_ups()


def everything_adds_up() -> bool:
    return [found for check in book_checks() for found in check.run()] == []


class TestATradePaidWithAProvider:
    def test_is_paid_once_what_was_missing_is_booked(self, till: Till, phone: Any, buyer: Account, bank: Bank):
        trade = till.sell().json()

        answer = pay(phone, trade)

        assert (answer.status_code, answer.json()["status"]) == (200, "pending"), answer.content
        shown = answer.json()["payment"]
        assert (shown["status"], shown["amount"], shown["provider"]) == ("in_progress", 500, "bank")
        assert till.ask(1)["outcome"] == "in_progress"
        deliver()
        assert till.ask(1)["trade"]["status"] == "paid"
        assert phone.get(f"/trades/{trade['trade_no']}").json()["payment"]["status"] == "succeeded"
        assert (bank.balance_minor, balance(wallet(buyer.public_id))) == (500, 0)
        order = Order.objects.get()
        assert (order.buyer, order.payer, order.provider, order.status) == (buyer, buyer, "bank", "completed")
        assert Behaviour.objects.filter(kind="order.placed", object_id=order.public_id).count() == 1
        assert everything_adds_up()

    def test_is_paid_at_once_and_nobody_called_where_the_wallet_has_it_all(
        self, till: Till, api: Any, customer: Account, bank: Bank
    ):
        paid = pay(api(customer), till.sell().json()).json()

        assert (paid["status"], paid["payment"]["status"], bank.calls) == ("paid", "succeeded", [])
        assert Order.objects.get().buyer == customer

    @pytest.mark.parametrize("lost", [REQUEST, ANSWER])
    def test_is_charged_once_and_paid_whichever_way_the_answer_is_lost(
        self, till: Till, phone: Any, bank: Bank, lost: str
    ):
        trade, bank.lose = till.sell().json(), lost
        first = pay(phone, trade)

        again = pay(phone, trade)
        assert again.json() == first.json()
        assert again.headers["Idempotent-Replayed"] == "true"
        assert refusal_of(pay(phone, trade, key="impatient")) == (409, "payment_in_progress")
        ask_the_bank()
        deliver()

        assert till.ask(1)["trade"]["status"] == "paid"
        assert bank.balance_minor == 500
        assert everything_adds_up()

    def test_goes_back_to_the_provider_first_when_the_till_gives_it_back(
        self, till: Till, phone: Any, buyer: Account, bank: Bank
    ):
        trade = till.sell().json()
        pay(phone, trade)
        deliver()

        assert refund(till, trade, 300).status_code == 201
        deliver()
        finish_open_withdrawals()
        assert (bank.balance_minor, balance(wallet(buyer.public_id))) == (200, 0)

        assert cancelled(till, sequence=1).json() == {"result": "refunded"}
        deliver()
        finish_open_withdrawals()
        assert (bank.balance_minor, balance(wallet(buyer.public_id))) == (0, 400)
        assert everything_adds_up()


class TestWhatIsOvertaken:
    """The money is the payer's: whatever becomes of the trade, it is in that wallet, and nothing is paid twice."""

    def test_by_the_till_s_cancel(self, till: Till, phone: Any, buyer: Account):
        trade = till.sell().json()
        pay(phone, trade)

        assert cancelled(till, sequence=1).json() == {"result": "closed"}
        deliver()

        assert phone.get(f"/trades/{trade['trade_no']}").json()["payment"]["failure"] == "order_not_payable"
        assert balance(wallet(buyer.public_id)) == 900

    def test_by_time(self, till: Till, phone: Any, buyer: Account, bank: Bank):
        trade, bank.slow = till.sell().json(), True
        pay(phone, trade)
        run_due_transitions(clock.now() + house.COUNTER_PAYMENT_LIMIT)
        bank.settle()
        ask_the_bank()
        deliver()

        assert till.ask(1)["trade"]["status"] == "closed"
        assert balance(wallet(buyer.public_id)) == 900

    def test_by_another_customer_whose_code_the_till_scans(
        self, till: Till, phone: Any, api: Any, buyer: Account, new_account: Any
    ):
        trade, other = till.sell().json(), new_account()
        fund(other, 900)
        pay(phone, trade)

        assert till.pay(trade, pay_code=pay_code(other)).json()["status"] == "paid"
        deliver()

        assert Order.objects.get().payer == other
        assert balance(wallet(buyer.public_id)) == 900
        assert ProviderPayment.objects.get().failure == "order_not_payable"
        assert phone.get(f"/trades/{trade['trade_no']}").status_code == 404

    def test_by_another_customer_before_the_provider_has_answered(
        self, till: Till, phone: Any, buyer: Account, new_account: Any, bank: Bank, monkeypatch: Any
    ):
        """The answer shows how it stands: the phone has asked for it, and what was charged is kept."""
        trade, other = till.sell().json(), new_account()
        fund(other, 900)
        charge = bank.charge

        def slowly(**payment: Any) -> Any:
            assert till.pay(trade, pay_code=pay_code(other)).status_code == 200
            return charge(**payment)

        monkeypatch.setattr(bank, "charge", slowly)
        answer = pay(phone, trade)
        deliver()

        assert (answer.status_code, answer.json()["status"]) == (200, "paid")
        assert (Order.objects.get().payer, balance(wallet(buyer.public_id))) == (other, 900)


class TestWhoSeesIt:
    def test_only_who_pays_sees_the_payment_and_its_secret(
        self, till: Till, phone: Any, api: Any, new_account: Any, bank: Bank
    ):
        trade, bank.slow = till.sell().json(), True
        assert pay(phone, trade).json()["payment"]["status"] == "in_progress"

        assert api(new_account()).get(f"/trades/{trade['trade_no']}").json()["payment"] is None
        assert "payment" not in till.ask(1)["trade"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "refusal"),
        [
            ({"provider": "nobody"}, (422, "provider_unknown")),
            ({"amount": 899}, (422, "amount_mismatch")),
            ({"provider": 5}, (422, "invalid")),
            ({"wallet": "acc_other"}, (404, "account_not_linked")),
        ],
    )
    def test_charge_nobody(self, till: Till, phone: Any, bank: Bank, body: dict, refusal: tuple[int, str]):
        trade = till.sell().json()

        assert refusal_of(pay(phone, trade, **body)) == refusal
        assert refusal_of(phone.post("/trades/NOPE/pay", BODY | body, key="n")) in [(404, "not_found"), refusal]
        assert (bank.calls, TopUp.objects.filter(provider="bank").count()) == ([], 0)

    def test_include_a_trade_that_has_ended(self, till: Till, phone: Any, bank: Bank):
        trade = till.sell().json()
        cancelled(till, sequence=1)

        assert refusal_of(pay(phone, trade)) == (409, "order_not_payable")
        assert bank.calls == []
