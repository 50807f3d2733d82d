"""What a provider was charged for an order goes back to it when the order is refunded; the rest stays in the wallet."""

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.actor import Actor
from core import clock
from core.registry import book_checks
from events.delivery import deliver_due
from events.models import EventRecord
from ledger.codes import wallet
from orders.models import Order, Refund
from orders.services import cancel_order, refund_order
from tests.money_facts import balance, book
from tests.shop import offer, place
from tests.wallets import bank as banks
from tests.wallets.bank import Bank
from tests.wallets.shop import fill
from wallets.models import TopUp, Withdrawal
from wallets.services import finish_open_withdrawals, reverse_top_up

BODY = {"amount": 1000, "currency": "GBP", "provider": "bank"}

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def bank(settings: Any) -> Iterator[Bank]:
    settings.PAYMENT_PROVIDERS = {**settings.PAYMENT_PROVIDERS, "bank": banks.PATH}
    banks.bank.clear()
    yield banks.bank
    banks.bank.clear()


@pytest.fixture
def charged(api: Any, buyer: Any, pending: Order, bank: Bank) -> Order:
    """An order for 10.00, 4.00 of it from the wallet and 6.00 from the bank."""
    fill(buyer, 400)
    book()
    answer = api(buyer).post(f"/orders/{pending.public_id}/pay", BODY, key="k")
    assert answer.status_code == 200, answer.content
    deliver()
    return Order.objects.get(id=pending.id)


def deliver() -> None:
    """Book what waits, let those behind billing hear it, and book what they said."""
    book()
    deliver_due("order_payments")
    book()
    deliver_due("order_returns")
    book()


def refund(order: Order, minor: int) -> Refund:
    made = refund_order(
        order=order.public_id, amount_minor=minor, reason="r", actor=Actor.own(order.seller), now=clock.now()
    )
    deliver()
    return made


def agree(bank: Bank, buyer: Any) -> None:
    """Wallets, orders and the book say the same, event by event that waits."""
    deliver()
    for check in book_checks():
        assert list(check.run()) == [], check.name


class TestARefund:
    def test_goes_back_to_the_provider_first(self, buyer, charged: Order, bank: Bank):
        made = refund(charged, 500)

        sent = Withdrawal.objects.get()
        assert (sent.refund, sent.amount_minor, sent.status) == (made.public_id, 500, "in_progress")
        assert balance(wallet(buyer.public_id)) == 0
        finish_open_withdrawals()
        assert bank.balance_minor == 100
        agree(bank, buyer)

    def test_stays_in_the_wallet_beyond_what_was_charged(self, buyer, charged: Order, bank: Bank):
        refund(charged, 500)
        refund(charged, 500)
        finish_open_withdrawals()

        assert sorted(Withdrawal.objects.values_list("amount_minor", flat=True)) == [100, 500]
        assert bank.balance_minor == 0
        assert balance(wallet(buyer.public_id)) == 400
        agree(bank, buyer)

    def test_stays_in_the_wallet_if_the_provider_refuses_it(self, buyer, charged: Order, bank: Bank):
        bank.refuses_refunds = True
        refund(charged, 1000)
        finish_open_withdrawals()
        agree(bank, buyer)

        assert balance(wallet(buyer.public_id)) == 1000
        assert bank.balance_minor == 600

    def test_that_the_provider_did_not_hear_of_is_sent_again(self, buyer, charged: Order, bank: Bank):
        refund(charged, 600)
        bank.lose = banks.REQUEST
        finish_open_withdrawals()
        Withdrawal.objects.update(next_query_at=clock.now())
        bank.lose = None
        finish_open_withdrawals()

        assert Withdrawal.objects.get().status == "succeeded"
        assert bank.balance_minor == 0

    def test_by_cancelling_goes_back_as_well(self, buyer, seller, charged: Order, bank: Bank):
        cancel_order(order=charged.public_id, actor=Actor.own(seller), now=clock.now())
        deliver()
        finish_open_withdrawals()

        assert bank.balance_minor == 0
        assert balance(wallet(buyer.public_id)) == 400

    def test_waits_until_billing_has_booked_it(self, charged: Order, bank: Bank):
        refund_order(
            order=charged.public_id,
            amount_minor=500,
            reason="r",
            actor=Actor.own(charged.seller),
            now=clock.now(),
        )
        deliver_due("order_returns")

        assert not Withdrawal.objects.exists()

    def test_of_an_order_paid_from_a_wallet_stays_there(self, buyer, paid: Order):
        refund(paid, 300)

        assert not Withdrawal.objects.exists()
        assert not EventRecord.objects.filter(type="wallet.withdrawn").exists()

    def test_of_a_charged_back_order_stays_in_the_wallet(self, buyer, operator, charged: Order, bank: Bank):
        top_up = TopUp.objects.get(provider="bank")
        reverse_top_up(public_id=top_up.public_id, reason="r", actor=Actor.own(operator), now=clock.now())

        refund(charged, 1000)

        assert not Withdrawal.objects.exists()


class TestACheckout:
    def test_gives_no_more_back_than_was_charged_for_all_its_orders(self, api, buyer, seller, other_seller, bank: Bank):
        fill(buyer, 400)
        book()
        placed = place(buyer, offer(seller, price_minor=300), offer(other_seller, price_minor=700))
        api(buyer).post(f"/checkouts/{placed.checkout.public_id}/pay", BODY, key="k")
        deliver()

        for order in Order.objects.order_by("id"):
            refund(order, order.total_minor)
        finish_open_withdrawals()

        assert bank.balance_minor == 0
        assert balance(wallet(buyer.public_id)) == 400
        agree(bank, buyer)


class TestTheOwner:
    def test_sees_which_refund_a_withdrawal_belongs_to(self, api, buyer, charged: Order, bank: Bank):
        made = refund(charged, 500)
        sent = Withdrawal.objects.get()

        shown = api(buyer).get(f"/wallet/withdrawals/{sent.public_id}").json()

        assert (shown["refund"], shown["amount"]) == (made.public_id, 500)
