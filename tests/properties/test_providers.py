"""Answers, webhooks, queries, cancels and time-outs in any order: provider, wallet, order and book agree in the end."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actor import Actor
from accounts.models import ExternalIdentity
from core import clock
from core.errors import Refusal
from core.money import Money
from core.registry import book_checks
from events.delivery import deliver_due
from ledger.codes import wallet
from orders.models import Order, ProviderPayment
from orders.services import (
    call_provider,
    note_outcome,
    refund_order,
    request_identity_payment,
    request_order_payment,
    run_due_transitions,
)
from tests.billing.history import activated
from tests.billing.test_charged_outside import SHIPPED, outside
from tests.conftest import make_account
from tests.money_facts import balance, book
from tests.shop import offer, place
from tests.wallets.bank import ANSWER, PATH, REQUEST, Bank, bank
from tests.wallets.shop import fill
from wallets import services
from wallets.models import IdentityCharge, ProviderAttempt, TopUp, Withdrawal
from wallets.providers.base import InProgress
from wallets.providers.webhooks import Notice

TOTAL = Money(1000, "GBP")
KINDS = (TopUp, Withdrawal, IdentityCharge)

acts = st.one_of(
    st.tuples(st.just("pay_by_provider"), st.integers(0, 1)),
    st.tuples(st.just("pay_by_identity"), st.integers(0, 1)),
    st.tuples(st.just("lose"), st.sampled_from([REQUEST, ANSWER])),
    st.tuples(st.just("be"), st.sampled_from(["slow", "refuses", "refuses_refunds", "cancels_too_late"])),
    st.tuples(st.just("be_good")),
    st.tuples(st.just("settle")),
    st.tuples(st.just("webhooks")),
    st.tuples(st.just("task"), st.booleans()),
    st.tuples(st.just("late_answer")),
    st.tuples(st.just("deliver")),
    st.tuples(st.just("refund"), st.integers(0, 1), st.integers(1, 1000)),
    st.tuples(st.just("close"), st.integers(0, 1)),
)


class World:
    """One buyer with 4.00 and two orders of 10.00; a bank far away that serves both ways of charging."""

    def __init__(self) -> None:
        self.bank: Bank = bank
        self.bank.clear()
        self.events = 0
        self.buyer, seller = make_account(), make_account(side="seller")
        activated(clock.now(), order_paid=[*SHIPPED["types"]["order.paid"], outside()])
        fill(self.buyer, 400, now=clock.now())
        book()
        item = offer(seller)
        self.orders = [place(self.buyer, item).orders[0].public_id for _ in range(2)]
        self.identity = ExternalIdentity.objects.create(
            account=self.buyer, provider="walletless", external_id="ana", bound_at=clock.now()
        )

    def act(self, kind: str, *drawn: Any) -> None:
        try:
            with transaction.atomic():
                getattr(self, kind)(*drawn)
        except Refusal:
            pass  # What the house refuses has no effect.

    def pay_by_provider(self, which: int) -> None:
        actor = Actor.own(self.buyer)
        intent = request_order_payment(
            order=self.orders[which],
            amount=TOTAL,
            provider="bank",
            payer=self.buyer,
            actor=actor,
            now=clock.now(),
        )
        outcome = call_provider(payment=intent.public_id)
        note_outcome(payment=intent.public_id, outcome=outcome, now=clock.now())

    def pay_by_identity(self, which: int) -> None:
        order = self.orders[which]
        charge = request_identity_payment(order=order, identity=self.identity, amount=TOTAL, now=clock.now())
        outcome = services.call_identity_server(public_id=charge.public_id)
        services.finish_identity_charge(public_id=charge.public_id, outcome=outcome, now=clock.now())

    def lose(self, what: str) -> None:
        self.bank.lose = what

    def be(self, how: str) -> None:
        setattr(self.bank, how, True)

    def be_good(self) -> None:
        self.bank.slow = self.bank.refuses = self.bank.refuses_refunds = self.bank.cancels_too_late = False
        self.bank.lose = None

    def settle(self) -> None:
        self.bank.settle()

    def webhooks(self) -> None:
        """The bank says all that it knows, twice each, the newest first."""
        for reference in reversed(list(self.bank.book)):
            outcome = self.bank.outcome(reference)
            self.events += 1
            final = None if isinstance(outcome, InProgress) else outcome
            notice = Notice(f"evt_{self.events}", "moved", reference, final)
            for provider in ("bank", "walletless"):
                for _ in range(2):
                    services.take_notice(provider=provider, notice=notice, now=clock.now())

    def late_answer(self) -> None:
        """A charge whose request was on its way all the time reaches the bank only now."""
        for top_up in TopUp.objects.filter(provider="bank"):
            call = services.charge_top_up(public_id=top_up.public_id)
            services.finish_top_up(public_id=top_up.public_id, outcome=call, now=clock.now())

    def task(self, is_late: bool) -> None:
        """The timed task, soon or after everybody's time is up."""
        age = 2 * django_settings.PROVIDER_GIVE_UP_AFTER if is_late else timedelta()
        for kind in KINDS:
            waiting = kind._default_manager.filter(next_query_at__isnull=False)
            waiting.update(next_query_at=timezone.now(), recorded_at=timezone.now() - age)
        services.finish_open_top_ups()
        services.finish_open_withdrawals()
        services.finish_open_identity_charges()

    def deliver(self) -> None:
        book()
        deliver_due("order_payments")
        book()
        deliver_due("order_returns")
        book()

    def refund(self, which: int, minor: int) -> None:
        order = Order.objects.select_related("seller").get(public_id=self.orders[which])
        actor = Actor.own(order.seller)
        refund_order(order=order.public_id, amount_minor=minor, reason="r", actor=actor, now=clock.now())

    def close(self, which: int) -> None:
        Order.objects.filter(public_id=self.orders[which], status="pending").update(next_transition_at=clock.now())
        run_due_transitions(clock.now())

    # --- What must hold ---

    def in_the_end(self) -> None:
        """The bank is there again, and everybody's time passes."""
        self.be_good()
        for _ in range(2):
            self.task(True)
            self.settle()
            self.deliver()
        self.task(True)
        self.deliver()

    def agree(self) -> None:
        for kind in KINDS:
            assert not kind._default_manager.filter(next_query_at__isnull=False).exists(), kind
        taken_in = -balance("clearing:external") - balance("clearing:walletless")
        assert taken_in == self.bank.balance_minor
        for check in book_checks():
            assert list(check.run()) == [], check.name
        for charge in IdentityCharge.objects.all():
            is_paid_by_it = charge.status == "succeeded" and not charge.to_wallet
            order = Order.objects.get(public_id=charge.order)
            if is_paid_by_it:
                assert (order.provider, order.paid_minor) == ("walletless", 1000)
        for order in Order.objects.filter(provider="walletless"):
            paying = IdentityCharge.objects.filter(order=order.public_id, status="succeeded", to_wallet=False)
            assert paying.count() == 1
        assert not ProviderPayment.objects.filter(status="in_progress", top_up__status="succeeded").exists()
        assert balance(wallet(self.buyer.public_id)) >= 0
        assert ProviderAttempt.objects.filter(answer="").count() == 0


@pytest.mark.django_db
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(acts, min_size=1, max_size=12))
def test_whatever_happens_in_between(story: list[tuple], settings: Any) -> None:
    settings.PAYMENT_PROVIDERS = {**settings.PAYMENT_PROVIDERS, "bank": PATH}
    settings.IDENTITY_SERVERS = {"walletless": PATH}
    with transaction.atomic():
        world = World()
        for act in story:
            world.act(*act)
        world.in_the_end()
        world.agree()
        transaction.set_rollback(True)
    bank.clear()


def test_control_the_world_notices_a_bank_that_has_more(db: None, settings: Any) -> None:
    """A charge that the house never hears of is what all of this is there to find."""
    settings.PAYMENT_PROVIDERS = {**settings.PAYMENT_PROVIDERS, "bank": PATH}
    settings.IDENTITY_SERVERS = {"walletless": PATH}
    world = World()
    world.pay_by_provider(0)
    world.in_the_end()
    world.agree()

    world.bank.charge(reference="top_by_nobody", amount=TOTAL)

    with pytest.raises(AssertionError):
        world.agree()
    bank.clear()
