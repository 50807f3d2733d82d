"""After any sequence of bookings, reversals and repairs the book is right, and repairing once more changes nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actor import Actor
from billing.errors import JournalAlreadyReversed, JournalNotReversible, JournalTakenBack
from billing.models import RuleSet
from billing.services import repairing
from billing.services.repairing import request_repair
from billing.services.reversing import approve_reversal, request_reversal
from core.jobs import run_next_job
from core.models import Job
from core.registry import book_checks
from events.models import EventRecord
from ledger.errors import InsufficientFunds
from ledger.models import Journal, LedgerAccount
from tests.billing.history import NOW, SINCE, UNTIL, document, parking
from tests.billing.test_repairing import unreversed_per_event
from tests.billing.test_replaying import fees_elsewhere, refunds_from_elsewhere
from tests.conftest import make_account
from tests.money_facts import AT, book, pay, record, top_up

NOT_REVERSIBLE = (JournalAlreadyReversed, JournalNotReversible, JournalTakenBack)
VERSIONS = (
    {"parking_paid": parking(100)},
    {"parking_paid": parking(9000)},
    {"order_paid": fees_elsewhere(), "order_refunded": refunds_from_elsewhere(), "parking_paid": parking(1)},
    {"order_refunded": refunds_from_elsewhere("platform:losses"), "parking_paid": parking(2500)},
)

whose, minors, days = st.integers(0, 2), st.integers(1, 90), st.integers(-2, 2)
acts = st.one_of(
    st.tuples(st.just("top_up"), whose, minors, days),
    st.tuples(st.just("park"), whose, minors, days),
    st.tuples(st.just("pay"), whose, whose, minors, days),
    st.tuples(st.just("refund"), st.integers(0, 9), minors, days),
    st.tuples(st.just("withdraw"), whose, minors, days),
    st.tuples(st.just("reverse"), st.integers(0, 30)),
    st.tuples(st.just("repair"), st.integers(0, len(VERSIONS) - 1), days),
)


class World:
    """Three people with wallets and shops, two operators, and versions that book differently."""

    def __init__(self) -> None:
        self.people = [make_account(side="seller") for _ in range(3)]
        self.asks, self.approves = (Actor.own(make_account(operator=True)) for _ in range(2))
        self.versions = [self.version(number, types) for number, types in enumerate(VERSIONS)]
        self.sales: list[dict[str, Any]] = []

    def version(self, number: int, types: dict[str, Any]) -> RuleSet:
        """The first one books; the others are in force after all of the history."""
        begins = AT - timedelta(days=90) if number == 0 else NOW + timedelta(days=number)
        return RuleSet.objects.create(
            name=f"v{number}",
            version=number + 2,
            status="active",
            effective_from=begins,
            activated_at=begins,
            document=document(**types),
        )

    def act(self, kind: str, *drawn: Any) -> None:
        getattr(self, kind)(*drawn)
        book()

    def top_up(self, who: int, minor: int, day: int) -> None:
        top_up(self.owner(who), minor, at=AT + timedelta(days=day))

    def park(self, who: int, minor: int, day: int) -> None:
        from tests.billing.history import deliver_to_billing

        at = AT + timedelta(days=day)
        deliver_to_billing(record("parking.paid", operator=self.owner(who), gross_minor=minor, at=at))

    def pay(self, who: int, seller: int, minor: int, day: int) -> None:
        order, fee = f"ord_{len(self.sales)}", minor // 7
        try:
            pay(self.owner(who), f"{self.owner(seller)}_shop", minor, fee, order=order, at=AT + timedelta(days=day))
        except InsufficientFunds:
            return
        self.sales.append(
            {"order": order, "payer": self.owner(who), "seller": f"{self.owner(seller)}_shop", "fee": fee}
        )

    def refund(self, which: int, minor: int, day: int) -> None:
        if not self.sales:
            return
        sale = self.sales[which % len(self.sales)]
        people = {"payer": sale["payer"], "buyer": sale["payer"], "seller": sale["seller"]}
        fee, sale["fee"] = sale["fee"], 0
        record(
            "order.refunded",
            subject=sale["order"],
            undoes=f"order.paid:{sale['order']}",
            net_minor=minor,
            fee_minor=fee,
            at=AT + timedelta(days=day),
            **people,
        )

    def withdraw(self, who: int, minor: int, day: int) -> None:
        record("wallet.withdrawn", owner=self.owner(who), amount_minor=minor, at=AT + timedelta(days=day))

    def reverse(self, which: int) -> None:
        journals = list(Journal.objects.order_by("event_id"))
        if not journals:
            return
        journal = journals[which % len(journals)].public_id
        try:
            request_reversal(journal=journal, reason="x", actor=self.asks, now=NOW)
            approve_reversal(journal=journal, actor=self.approves, now=NOW)
        except NOT_REVERSIBLE:
            return

    def repair(self, which: int, day: int) -> dict[str, Any]:
        until = UNTIL if day > 0 else AT + timedelta(days=day)
        asked = request_repair(rule_set=self.versions[which], since=SINCE, until=until, reason="x", actor=self.asks)
        run_next_job()
        job = Job.objects.get(pk=asked.pk)
        assert job.status == "done", (job.error_code, job.error_detail)
        return job.result

    def owner(self, who: int) -> str:
        return self.people[who].public_id


def the_book() -> list[Any]:
    accounts = LedgerAccount.objects.order_by("code").values_list("code", "debits_minor", "credits_minor")
    return [*accounts, *EventRecord.objects.order_by("id").values_list("id", flat=True)]


def wrong() -> list[Any]:
    """What the checks find; made-up shops and sales have no rows of orders and wallets behind them."""
    of_rows = ("seal", "unbooked", "not yet booked", "pending earnings", "orders")
    return [
        finding for check in book_checks() if not any(word in check.name for word in of_rows) for finding in check.run()
    ]


@pytest.mark.django_db
class TestCorrections:
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(history=st.lists(acts, min_size=3, max_size=18), last=st.integers(0, len(VERSIONS) - 1))
    def test_leave_the_book_right(self, history: list[tuple[Any, ...]], last: int) -> None:
        with transaction.atomic():
            from tests.billing.history import declare_parking

            declare_parking()
            world = World()
            for act in history:
                world.act(*act)
            world.repair(last, 1)
            assert set(unreversed_per_event().values()) <= {1}
            assert wrong() == []

            before = the_book()
            assert world.repair(last, 1)["repaired"] == 0
            assert the_book() == before
            transaction.set_rollback(True)

    def test_a_repair_without_looking_again_would_be_seen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Control: the checks find a repair whose journals are not what its version books."""
        from tests.billing.history import declare_parking

        declare_parking()
        world = World()
        world.act("park", 0, 90, 0)
        monkeypatch.setattr(repairing, "same_legs", lambda one, other: False)

        world.repair(1, 1)

        assert world.repair(1, 1)["repaired"] == 1
