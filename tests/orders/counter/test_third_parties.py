"""Identities whose money is on a third party's server, which may answer late, not at all, or after all."""

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import Account, ExternalIdentity
from catalog.models import Store
from catalog.services import trust_providers
from core import clock
from events.delivery import deliver_due
from events.models import EventRecord
from ledger.codes import wallet
from orders.book_check import check_orders
from orders.models import Order
from tests.money_facts import balance, book
from tests.orders.counter.test_trades import refund, refusal_of
from tests.orders.counter.till import Till, cancelled, make_till, pay_code
from tests.shop import held
from tests.wallets.bank import ANSWER, PATH, Bank, bank
from wallets.models import IdentityCharge
from wallets.services import finish_identity_charge, finish_open_withdrawals

ANA = {"provider": "demo-bank", "external_id": "ana"}


@pytest.fixture
def far_bank(settings: Any) -> Iterator[Bank]:
    """Keeps the money of `demo-bank`'s identities, which the shipped rules book."""
    settings.IDENTITY_SERVERS = {"demo-bank": PATH}
    bank.clear()
    yield bank
    bank.clear()


@pytest.fixture
def till(committed_db: Any, far_bank: Bank, store: Store, customer: Account) -> Till:
    trust_providers(store=store.public_id, providers=["demo-bank"])
    ExternalIdentity.objects.create(account=customer, **ANA, bound_at=clock.now())
    return make_till(Store.objects.select_related("seller").get(pk=store.pk))


def tell(far_bank: Bank) -> None:
    """Let the house hear what became of its charges."""
    for charge in IdentityCharge.objects.all():
        outcome = far_bank.outcome(charge.public_id)
        finish_identity_charge(public_id=charge.public_id, outcome=outcome, now=clock.now())


class TestAnIdentityWithMoneyElsewhere:
    def test_is_charged_there_for_exactly_this_trade_once(self, till: Till, far_bank: Bank, customer: Account):
        trade = till.sell(identity=ANA).json()
        for _ in range(2):
            paid = till.pay(trade, identity=ANA)
            assert (paid.status_code, paid.json()["status"]) == (200, "paid")

        assert far_bank.balance_minor == 900
        assert [what for what, _reference in far_bank.calls] == ["charge"]
        assert held(customer) == 0
        payload = EventRecord.objects.get(type="order.paid").payload
        assert (payload["channel"], payload["institution"], payload["charged_by"]) == (
            "store",
            "demo-bank",
            "demo-bank",
        )
        assert "holds" not in payload or not payload["holds"]
        assert Order.objects.get().status == "completed"
        assert refund(till, trade, 400).status_code == 201
        assert list(check_orders()) == []

    def test_stays_in_progress_until_the_answer_is_final(self, till: Till, far_bank: Bank):
        trade, far_bank.lose = till.sell().json(), ANSWER

        first = till.pay(trade, identity=ANA)

        assert (first.status_code, first.json()["status"], first.json()["refusal"]) == (200, "pending", None)
        assert till.ask(1)["outcome"] == "in_progress"
        assert refusal_of(till.pay(trade, identity=ANA)) == (409, "payment_in_progress")
        tell(far_bank)
        assert till.ask(1)["trade"]["status"] == "paid"
        assert till.pay(trade, identity=ANA).json()["status"] == "paid"
        assert far_bank.balance_minor == 900

    def test_that_may_not_pay_is_a_refusal_that_is_kept(self, till: Till, far_bank: Bank, customer: Account):
        trade, far_bank.refuses = till.sell().json(), True
        assert refusal_of(till.pay(trade, identity=ANA)) == (409, "charge_refused")
        assert till.ask(1)["trade"]["refusal"]["code"] == "charge_refused"
        assert till.pay(trade, pay_code=pay_code(customer)).json()["status"] == "paid"

    def test_is_given_its_money_back_where_the_trade_has_ended_meanwhile(self, till: Till, far_bank: Bank):
        trade, far_bank.slow = till.sell().json(), True
        assert till.pay(trade, identity=ANA).json()["status"] == "pending"

        assert cancelled(till, sequence=1).json() == {"result": "closed"}
        assert IdentityCharge.objects.get().status == "failed"
        far_bank.cancel(reference=IdentityCharge.objects.get().public_id)
        tell(far_bank)

        assert far_bank.balance_minor == 0
        assert till.ask(1)["trade"]["status"] == "closed"
        assert not EventRecord.objects.filter(type="order.paid").exists()

    def test_is_booked_from_the_providers_clearing_account_and_given_back_there(
        self, till: Till, far_bank: Bank, customer: Account
    ):
        trade = till.sell(identity=ANA).json()
        assert till.pay(trade, identity=ANA).json()["status"] == "paid"
        assert refund(till, trade, 400).status_code == 201

        book()
        deliver_due("order_returns")
        book()
        finish_open_withdrawals()

        assert far_bank.balance_minor == 500
        assert balance("clearing:demo-bank") == -500
        assert balance(wallet(customer.public_id)) == 100_000

    def test_is_charged_nothing_where_no_rule_books_it(self, till: Till, far_bank: Bank, settings: Any):
        settings.IDENTITY_SERVERS = {"demo-id": PATH}
        trust_providers(store=till.terminal.store.public_id, providers=["demo-id"])
        bob = {"provider": "demo-id", "external_id": "bob"}
        ExternalIdentity.objects.update(**bob)

        assert refusal_of(till.pay(till.sell().json(), identity=bob)) == (409, "provider_not_booked")
        assert far_bank.calls == []

    def test_is_checked_like_any_other(self, till: Till, far_bank: Bank):
        trade = till.sell().json()
        assert refusal_of(till.pay(trade, identity=ANA, amount=901)) == (422, "amount_mismatch")
        assert refusal_of(till.pay(trade, identity={**ANA, "external_id": "eva"})) == (422, "identity_unknown")
        assert far_bank.calls == []
