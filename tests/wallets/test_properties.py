"""Any sequence of sales, releases, refunds, withdrawals, repayments: rows, ledger and a plain model agree."""

from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actor import Actor
from core.money import Money
from events.models import Delivery, EventRecord
from ledger.errors import InsufficientFunds
from ledger.models import LedgerAccount
from proofs.verify import run_checks
from tests.conftest import make_account
from tests.money_facts import AT, balance, book
from tests.wallets.shop import HOLD_PERIOD, Sale, fill, owed, release_due, sell, wallet_of
from wallets import services
from wallets.errors import DebtOutstanding, RepaymentExceedsDebt
from wallets.models import Debt, DebtRepayment
from wallets.providers.base import Failed, Succeeded

CASES = 60
amounts = st.integers(1, 500)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("sell"), amounts),
        st.tuples(st.just("refund"), st.integers(0, 9), amounts),
        st.tuples(st.just("release")),
        st.tuples(st.just("withdraw"), amounts),
        st.tuples(st.just("fail payout"), amounts),
        st.tuples(st.just("spend"), amounts),
        st.tuples(st.just("repay"), amounts, st.booleans()),
        st.tuples(st.just("write off")),
        st.tuples(st.just("fill"), amounts),
        st.tuples(st.just("book")),
        st.tuples(st.just("earn"), amounts),  # What chance alone puts together too rarely.
        st.tuples(st.just("fall into debt"), amounts, st.booleans()),
        st.tuples(st.just("fill and book"), amounts),
    ),
    min_size=5,
    max_size=25,
)


@dataclass
class Model:
    """The seller's money as a child would count it: what is decided, whether booked or not."""

    wallet: int = 0
    pending: int = 0
    debts: deque[int] = field(default_factory=deque)
    out: int = 0
    written_off: int = 0

    def take(self, minor: int, available: int) -> None:
        """A refund of released money: out of what is available, the rest is owed."""
        from_wallet = min(minor, available)
        self.wallet -= from_wallet
        if minor > from_wallet:
            self.debts.append(minor - from_wallet)

    def settle(self, minor: int) -> int:
        """Repay debts, oldest first; return what is left."""
        while minor and self.debts:
            part = min(minor, self.debts[0])
            minor -= part
            self.debts[0] -= part
            if not self.debts[0]:
                self.debts.popleft()
        return minor


class World:
    """The real house, and the model beside it."""

    def __init__(self) -> None:
        self.buyer, self.seller, self.operator = (
            make_account(),
            make_account(side="seller"),
            make_account(operator=True),
        )
        self.shop = make_account(side="seller")  # Where the seller spends.
        fill(self.buyer, 10**9)
        book()
        self.model, self.sales, self.now = Model(), [], AT

    def run(self, step: tuple[Any, ...]) -> None:
        name, *arguments = step
        getattr(self, name.replace(" ", "_"))(*arguments)

    def sell(self, minor: int) -> None:
        sale = sell(self.seller, self.buyer, minor)
        sale.complete(at=self.now)
        self.sales.append(sale)
        self.model.pending += minor

    def refund(self, which: int, minor: int) -> None:
        if not self.sales:
            return
        sale: Sale = self.sales[which % len(self.sales)]
        earning = sale.earning
        minor = min(minor, earning.amount_minor)
        if not minor:
            return
        if earning.status == "pending":
            self.model.pending -= minor
        else:
            self.model.take(minor, wallet_of(self.seller).available_minor)
        sale.refund(minor, at=self.now)

    def release(self) -> None:
        """Time passes; an owner whose debt is not booked waits for that."""
        book()
        self.now += HOLD_PERIOD + timedelta(seconds=1)
        due = [sale.earning for sale in self.sales if sale.earning.status == "pending"]
        assert release_due(self.now) == len(due)
        for earning in sorted(due, key=lambda earning: (earning.releases_at, earning.id)):
            self.model.pending -= earning.amount_minor
            self.model.wallet += self.model.settle(earning.amount_minor)

    def withdraw(self, minor: int, *, fails: bool = False) -> None:
        available = wallet_of(self.seller).available_minor
        try:
            with transaction.atomic():
                withdrawal = services.request_withdrawal(
                    owner=self.seller,
                    amount=Money(minor, "GBP"),
                    provider="local",
                    actor=Actor.own(self.seller),
                    now=self.now,
                )
        except DebtOutstanding:
            assert self.model.debts
        except InsufficientFunds:
            assert not self.model.debts
            assert minor > available
        else:
            assert not self.model.debts
            outcome = Failed("no") if fails else Succeeded()
            services.finish_withdrawal(public_id=withdrawal.public_id, outcome=outcome, now=self.now)
            self.model.wallet -= 0 if fails else minor
            self.model.out += 0 if fails else minor

    def fail_payout(self, minor: int) -> None:
        self.withdraw(minor, fails=True)

    def spend(self, minor: int) -> None:
        minor = min(minor, wallet_of(self.seller).available_minor)
        if minor:
            sell(self.shop, self.seller, minor)
            self.model.wallet -= minor

    def repay(self, minor: int, is_possible: bool) -> None:
        if is_possible:
            minor = min(minor, sum(self.model.debts), wallet_of(self.seller).available_minor)
        if not minor:
            return
        try:
            with transaction.atomic():
                services.repay_debts(
                    owner=self.seller, amount=Money(minor, "GBP"), actor=Actor.own(self.seller), now=self.now
                )
        except RepaymentExceedsDebt:
            assert minor > sum(self.model.debts)
        except InsufficientFunds:
            assert minor > wallet_of(self.seller).available_minor
        else:
            self.model.wallet -= minor
            assert self.model.settle(minor) == 0

    def write_off(self) -> None:
        oldest = Debt.objects.filter(owner=self.seller, repaid_minor__lt=F("amount_minor")).first()
        if oldest is not None:
            services.write_off_debt(debt_id=oldest.id, reason="r", actor=Actor.own(self.operator), now=self.now)
            self.model.written_off += self.model.debts.popleft()

    def fill(self, minor: int) -> None:
        fill(self.seller, minor, now=self.now)
        self.model.wallet += minor

    def book(self) -> None:
        book()

    def earn(self, minor: int) -> None:
        self.sell(minor)
        self.release()
        book()

    def fill_and_book(self, minor: int) -> None:
        self.fill(minor)
        book()

    def fall_into_debt(self, minor: int, is_booked: bool) -> None:
        """Earn, spend it all, and refund the sale."""
        self.earn(minor)
        self.spend(10**6)
        self.refund(len(self.sales) - 1, minor)
        if is_booked:
            book()

    def check(self) -> None:
        """At every moment: nothing below zero, nothing overpaid, and the figures are the model's."""
        wallet, model = wallet_of(self.seller), self.model
        assert wallet.available_minor >= 0
        assert wallet.pending_minor == model.pending
        assert wallet.debt_minor == owed(self.seller) == sum(model.debts)
        spent_unbooked = unbooked_payments(self.seller.public_id)
        assert wallet.posted_minor + wallet.not_yet_booked_minor - spent_unbooked == model.wallet

    def check_the_end(self) -> None:
        book()
        model, seller = self.model, self.seller.public_id
        assert not Delivery.objects.filter(consumer="billing").exists()
        assert balance(f"wallet:{seller}") == model.wallet
        assert balance(f"pending:{seller}") == model.pending
        assert balance(f"debt:{seller}") == -sum(model.debts)
        assert balance("platform:losses") == -model.written_off
        assert not LedgerAccount.objects.exclude(held_minor=0).exists()
        assert sum(DebtRepayment.objects.values_list("amount_minor", flat=True)) == sum(
            Debt.objects.values_list("repaid_minor", flat=True)
        )
        found = [finding for verdict in run_checks(lambda *_: None, only="wallets") for finding in verdict.findings]
        assert found == []


def unbooked_payments(payer: str) -> int:
    """Payments are held until they are booked; `not_yet_booked` leaves them out."""
    waiting = Delivery.objects.filter(consumer="billing").values("event_id")
    paid = EventRecord.objects.filter(id__in=waiting, type="order.paid", payload__payer=payer)
    return sum(event.payload["gross_minor"] for event in paid)


@pytest.mark.django_db
class TestAnySequence:
    """release, withdraw, refund → debt → the next earning repays it."""

    @settings(
        max_examples=CASES,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(sequence=steps)
    def test_rows_ledger_and_model_agree(self, db: None, sequence: list[tuple[Any, ...]]) -> None:
        with transaction.atomic():
            world = World()
            for step in sequence:
                world.run(step)
                world.check()
            world.check_the_end()
            transaction.set_rollback(True)
