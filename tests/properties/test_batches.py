"""A batch books the same as one by one: journals, transfers, counters, holds, and what it sets aside."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import booking
from billing.selectors import codes_of, transfers_of
from events.models import Delivery, EventRecord
from ledger.errors import InsufficientFunds
from ledger.models import Hold, Journal, LedgerAccount
from tests.money_facts import AT, limits, pay, record, top_up

OWNERS = ("acc_A", "acc_B", "acc_C")
CURRENCIES = ("GBP", "JPY", "KWD")

owners, currencies = st.sampled_from(OWNERS), st.sampled_from(CURRENCIES)
minors, days = st.integers(1, 60), st.integers(-3, 3)
facts = st.one_of(
    st.tuples(st.just("top_up"), owners, currencies, minors, days),
    st.tuples(st.just("pay"), owners, owners, currencies, minors, days),
    st.tuples(st.just("refund"), st.integers(0, 30), minors, days),
    st.tuples(st.just("withdraw"), owners, currencies, minors, days),
    st.tuples(st.just("repay"), owners, currencies, minors, days),
    st.tuples(st.just("reverse_top_up"), st.integers(0, 30), minors, days),
)


class World:
    """Records a history of facts with fixed keys, so that two runs can be compared."""

    def __init__(self) -> None:
        self.paid: list[dict[str, Any]] = []
        self.topped_up: list[dict[str, Any]] = []

    def record(self, number: int, kind: str, *drawn: Any) -> None:
        *drawn, day = drawn
        getattr(self, kind)(f"{kind}:{number}", AT + timedelta(days=day), *drawn)

    def top_up(self, key: str, at: Any, owner: str, currency: str, minor: int) -> None:
        top_up(owner, minor, currency=currency, key=key, at=at)
        self.topped_up.append({"key": key, "owner": owner, "currency": currency})

    def pay(self, key: str, at: Any, payer: str, seller: str, currency: str, minor: int) -> None:
        try:
            pay(payer, f"{seller}_shop", minor, fee=minor // 7, order=key, currency=currency, at=at)
        except InsufficientFunds:
            return
        self.paid.append(
            {"order": key, "payer": payer, "seller": f"{seller}_shop", "currency": currency, "left": minor}
        )

    def refund(self, key: str, at: Any, which: int, minor: int) -> None:
        """A part of what is left of a payment, by the seller, without the platform's fee."""
        if not self.paid:
            return
        sale = self.paid[which % len(self.paid)]
        net = min(minor, sale["left"] - sale["left"] // 7)
        sale["left"] -= net
        people = {"payer": sale["payer"], "buyer": sale["payer"], "seller": sale["seller"]}
        record(
            "order.refunded",
            key=key,
            subject=sale["order"],
            undoes=f"order.paid:{sale['order']}",
            currency=sale["currency"],
            net_minor=net,
            fee_minor=0,
            at=at,
            **people,
        )

    def withdraw(self, key: str, at: Any, owner: str, currency: str, minor: int) -> None:
        record("wallet.withdrawn", key=key, owner=owner, amount_minor=minor, currency=currency, at=at)

    def repay(self, key: str, at: Any, owner: str, currency: str, minor: int) -> None:
        record("debt.written_off", key=key, owner=owner, amount_minor=minor, currency=currency, at=at)

    def reverse_top_up(self, key: str, at: Any, which: int, minor: int) -> None:
        """A chargeback that becomes a debt whole, so that debts come up."""
        if not self.topped_up:
            return
        came = self.topped_up[which % len(self.topped_up)]
        record(
            "topup.reversed",
            key=key,
            subject=came["key"],
            undoes=came["key"],
            owner=came["owner"],
            currency=came["currency"],
            from_wallet_minor=0,
            to_debt_minor=minor,
            at=at,
        )


def book_all(at_once: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one go, or with a count that lets every event be booked alone."""
    counts = limits() if at_once else limits(max_accounts=1)
    monkeypatch.setattr(booking, "_settings_in_force", lambda _at_work: counts)
    while booking.book_batch(trigger=booking.MANUAL):
        pass


def the_book() -> dict[str, Any]:
    """Everything that must not depend on how events were batched."""
    events = {event.pk: event.key for event in EventRecord.objects.all()}
    transfers = transfers_of(sorted(events))
    codes = codes_of(transfers)
    legs: dict[str, list[Any]] = {key: [] for key in events.values()}
    for t in transfers:
        legs[events[t.journal_id]].append((codes[t.debit_id], codes[t.credit_id], t.amount_minor, t.currency))
    return {
        "journals": {events[j.pk]: (j.rule, j.effective_at) for j in Journal.objects.all()},
        "transfers": legs,
        "accounts": sorted(
            LedgerAccount.objects.exclude(debits_minor=0, credits_minor=0).values_list(
                "code", "currency", "debits_minor", "credits_minor", "held_minor"
            )
        ),
        "holds": sorted(Hold.objects.values_list("key", "amount_minor")),
        "waiting": sorted(
            (events[d.event_id], d.error_code) for d in Delivery.objects.filter(consumer=booking.BILLING)
        ),
    }


def run(
    history: list[tuple[Any, ...]], cuts: set[int], *, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Record a history, booking at the cuts and at the end; return the book and take it all back."""
    with transaction.atomic():
        world = World()
        for number, fact in enumerate(history):
            world.record(number, *fact)
            if number in cuts:
                book_all(at_once, monkeypatch)
        book_all(at_once, monkeypatch)
        found = the_book()
        transaction.set_rollback(True)
    return found


@pytest.mark.django_db
class TestBatches:
    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(history=st.lists(facts, max_size=25), cuts=st.sets(st.integers(0, 25), max_size=4))
    def test_book_the_same_as_one_by_one(
        self, history: list[tuple[Any, ...]], cuts: set[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        together = run(history, cuts, at_once=True, monkeypatch=monkeypatch)
        one_by_one = run(history, cuts, at_once=False, monkeypatch=monkeypatch)

        assert together == one_by_one
