"""An order paid by an identity whose money is on a third party's server, from the charge to the book and back."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as house
from django.utils import timezone

from accounts.actor import Actor
from accounts.models import ExternalIdentity
from core import clock
from core.money import Money
from core.registry import book_checks
from events.models import EventRecord
from ledger.codes import wallet
from orders.errors import AmountMismatch, OrderNotPayable, PaymentInProgress
from orders.models import Order
from orders.services import refund_order, request_identity_payment, run_due_transitions
from tests.billing.history import activated
from tests.billing.test_charged_outside import SHIPPED, outside
from tests.money_facts import balance, book
from tests.orders.test_returning import deliver
from tests.wallets import bank as banks
from tests.wallets.bank import ANSWER, REQUEST, Bank
from wallets import services
from wallets.errors import ProviderNotBooked, ProviderUnknown
from wallets.models import IdentityCharge, ProviderAttempt, Withdrawal
from wallets.providers.base import Succeeded

TEN = Money(1000, "GBP")

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def bank(settings: Any) -> Iterator[Bank]:
    settings.IDENTITY_SERVERS = {"walletless": banks.PATH}
    banks.bank.clear()
    yield banks.bank
    banks.bank.clear()


@pytest.fixture
def identity(buyer: Any) -> ExternalIdentity:
    return ExternalIdentity.objects.create(
        account=buyer, provider="walletless", external_id="ana", bound_at=clock.now()
    )


@pytest.fixture
def booked() -> None:
    """A rule in force that debits `clearing:walletless`."""
    activated(clock.now(), order_paid=[*SHIPPED["types"]["order.paid"], outside()])


@pytest.fixture
def request_payment(booked: None, bank: Bank, identity: ExternalIdentity, pending: Order) -> Any:
    def request(amount: Money = TEN) -> IdentityCharge:
        return request_identity_payment(order=pending.public_id, identity=identity, amount=amount, now=clock.now())

    return request


def call(charge: IdentityCharge) -> IdentityCharge:
    outcome = services.call_identity_server(public_id=charge.public_id)
    return services.finish_identity_charge(public_id=charge.public_id, outcome=outcome, now=clock.now())


def run_task(*, late: bool = False) -> None:
    age = house.IDENTITY_CHARGE_GIVE_UP_AFTER if late else timedelta()
    IdentityCharge.objects.filter(next_query_at__isnull=False).update(
        next_query_at=timezone.now(), recorded_at=timezone.now() - age
    )
    services.finish_open_identity_charges()


def in_order() -> None:
    for check in book_checks():
        assert list(check.run()) == [], check.name


class TestACharge:
    def test_pays_without_any_wallet_or_hold(self, request_payment: Any, buyer: Any, seller: Any, bank: Bank):
        call(request_payment())

        order = Order.objects.get()
        assert (order.status, order.payer, order.provider) == ("paid", buyer, "walletless")
        assert not EventRecord.objects.get(type="order.paid").payload.get("holds")
        book()
        assert balance("clearing:walletless") == -bank.balance_minor == -1000
        assert balance(f"pending:{seller.public_id}") + balance("platform:fees") == 1000
        assert balance(wallet(buyer.public_id)) == 0
        in_order()

    @pytest.mark.parametrize("lost", [REQUEST, ANSWER])
    def test_whose_answer_is_lost_is_asked_for_and_charged_once(self, request_payment: Any, bank: Bank, lost: str):
        bank.lose = lost
        assert call(request_payment()).status == "in_progress"
        assert Order.objects.get().status == "pending"

        run_task()

        assert Order.objects.get().status == "paid"
        assert bank.balance_minor == 1000
        assert ProviderAttempt.objects.count() == (2 if lost == ANSWER else 3)

    def test_that_is_refused_leaves_the_order_to_be_paid_otherwise(self, request_payment: Any, bank: Bank):
        bank.refuses = True
        assert call(request_payment()).status == "failed"
        bank.refuses = False

        call(request_payment())

        assert Order.objects.get().status == "paid"

    def test_ends_within_its_limit_and_is_cancelled(self, request_payment: Any, bank: Bank):
        bank.slow = True
        call(request_payment())

        run_task(late=True)

        assert (IdentityCharge.objects.get().status, IdentityCharge.objects.get().failure) == ("failed", "no_answer")
        bank.settle()
        assert bank.balance_minor == 0

    def test_for_an_order_that_has_ended_is_undone(self, request_payment: Any, bank: Bank):
        bank.lose = ANSWER
        call(request_payment())
        run_due_transitions(clock.now() + house.ORDER_PAYMENT_LIMIT)

        run_task()
        run_task()

        assert (IdentityCharge.objects.get().status, Order.objects.get().status) == ("failed", "closed")
        assert bank.balance_minor == 0
        assert IdentityCharge.objects.get().next_query_at is None

    def test_whose_answer_comes_after_its_end_is_undone_all_the_same(
        self, request_payment: Any, buyer: Any, bank: Bank
    ):
        charge = request_payment()
        outcome = services.call_identity_server(public_id=charge.public_id)
        services.cancel_identity_charge(public_id=charge.public_id, now=clock.now())
        services.finish_identity_charge(public_id=charge.public_id, outcome=outcome, now=clock.now())

        run_task()
        book()

        assert IdentityCharge.objects.get().status == "failed"
        assert balance(wallet(buyer.public_id)) == bank.balance_minor == 0

    def test_that_cannot_be_undone_any_more_is_in_the_wallet(self, request_payment: Any, buyer: Any, bank: Bank):
        bank.lose, bank.cancels_too_late = ANSWER, True
        charge = call(request_payment())
        services.cancel_identity_charge(public_id=charge.public_id, now=clock.now())

        run_task()
        book()

        assert Order.objects.get().status == "pending"
        assert balance(wallet(buyer.public_id)) == bank.balance_minor == 1000
        in_order()

    def test_that_is_told_twice_pays_once(self, request_payment: Any, bank: Bank):
        charge = call(request_payment())
        services.finish_identity_charge(public_id=charge.public_id, outcome=Succeeded(), now=clock.now())
        services.cancel_identity_charge(public_id=charge.public_id, now=clock.now())

        assert EventRecord.objects.filter(type="order.paid").count() == 1
        assert IdentityCharge.objects.get().status == "succeeded"


class TestARefund:
    def test_goes_back_to_the_server(self, request_payment: Any, buyer: Any, bank: Bank):
        call(request_payment())
        order = Order.objects.select_related("seller").get()
        deliver()
        refund_order(
            order=order.public_id, amount_minor=400, reason="r", actor=Actor.own(order.seller), now=clock.now()
        )
        deliver()
        services.finish_open_withdrawals()
        book()

        assert Withdrawal.objects.get().charge == IdentityCharge.objects.get()
        assert bank.balance_minor == 600
        assert balance(wallet(buyer.public_id)) == 0
        in_order()


class TestRefusals:
    def test_charge_nobody(self, request_payment: Any, bank: Bank):
        with pytest.raises(AmountMismatch):
            request_payment(Money(999, "GBP"))
        with pytest.raises(AmountMismatch):
            request_payment(Money(1000, "EUR"))
        request_payment()
        with pytest.raises(PaymentInProgress):
            request_payment()

        assert bank.calls == []

    def test_of_what_is_paid(self, request_payment: Any, bank: Bank):
        call(request_payment())
        with pytest.raises(OrderNotPayable):
            request_payment()

    def test_where_no_rule_would_book_it(self, bank: Bank, identity: ExternalIdentity, pending: Order):
        with pytest.raises(ProviderNotBooked):
            request_identity_payment(order=pending.public_id, identity=identity, amount=TEN, now=clock.now())

    def test_where_the_money_is_in_our_wallets(self, identity: ExternalIdentity, pending: Order):
        with pytest.raises(ProviderUnknown):
            request_identity_payment(order=pending.public_id, identity=identity, amount=TEN, now=clock.now())


def test_an_identity_says_where_its_money_is(api: Any, buyer: Any, identity: ExternalIdentity, settings: Any):
    assert api(buyer).get("/identities").json()["results"][0]["money"] == "wallet"

    settings.IDENTITY_SERVERS = {"walletless": banks.PATH}

    assert api(buyer).get("/identities").json()["results"][0]["money"] == "provider"
