"""Sums kept beside the book: each batch is in them once, whoever adds it, and they say what the accounts say."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from ledger import rollups
from ledger.cockpit_figures import booking_pulse, money_by_purpose, sealing
from ledger.models import LedgerAccount, PurposeDay, RollupMark
from ledger.rollups import roll_up_due
from ledger.seals import seal_due
from tests.money_facts import AT, account_id, book, pay, top_up

DAY = AT.date()
NEXT = DAY + timedelta(days=1)


def day_of_sales(gross: int = 1250) -> None:
    """Anna tops up on one day and pays Ben on the next."""
    anna, ben = account_id(), account_id()
    top_up(anna, 5000)
    book()
    pay(anna, ben, gross, 62, at=AT + timedelta(days=1))
    book()


def totals() -> dict[str, int]:
    """What all accounts of a purpose have, by their own counters."""
    found: dict[str, int] = {}
    for account in LedgerAccount.objects.filter(currency="GBP"):
        purpose = account.code.partition(":")[0]
        found[purpose] = found.get(purpose, 0) + account.balance_minor
    return found


@pytest.mark.django_db
class TestMoneyByPurpose:
    def test_says_at_the_end_of_each_day_what_the_accounts_have(self) -> None:
        day_of_sales()
        roll_up_due()

        money = money_by_purpose(first=DAY, last=NEXT)

        assert money.currency == "GBP"
        assert money.days == [DAY, NEXT]
        assert money.balances["wallet"] == [5000, 3750]
        assert money.balances["pending"] == [0, 1188]
        assert {purpose: balances[-1] for purpose, balances in money.balances.items()} == totals()
        assert [sum(day) for day in zip(*money.balances.values(), strict=True)] == [0, 0]

    def test_what_lies_before_the_first_day_is_its_opening(self) -> None:
        day_of_sales()
        roll_up_due()

        assert money_by_purpose(first=NEXT, last=NEXT).balances["wallet"] == [3750]
        assert money_by_purpose(first=DAY - timedelta(days=2), last=DAY).balances["wallet"] == [0, 0, 5000]

    def test_an_empty_book_has_no_money(self) -> None:
        assert money_by_purpose(first=DAY, last=NEXT).balances == {}

    def test_what_happened_long_ago_changes_that_day(self) -> None:
        day_of_sales()
        roll_up_due()
        top_up(account_id(), 700, at=AT - timedelta(days=10))
        book()
        roll_up_due()

        assert money_by_purpose(first=DAY, last=NEXT).balances["wallet"] == [5700, 4450]


@pytest.mark.django_db
class TestRollups:
    def test_a_batch_is_added_once_however_often_somebody_looks(self) -> None:
        day_of_sales()
        assert roll_up_due() > 0
        before = list(PurposeDay.objects.order_by("id").values())
        assert roll_up_due() == 0
        assert list(PurposeDay.objects.order_by("id").values()) == before

    def test_it_goes_in_steps_that_come_to_the_same(self, settings: Any) -> None:
        for _ in range(3):
            day_of_sales()
        settings.ROLLUP_BATCHES_AT_ONCE = 1
        roll_up_due()
        money = money_by_purpose(first=DAY, last=NEXT)
        assert {purpose: balances[-1] for purpose, balances in money.balances.items()} == totals()

    def test_emptied_with_its_mark_it_is_made_again(self) -> None:
        day_of_sales()
        roll_up_due()
        before = list(PurposeDay.objects.order_by("day", "purpose").values_list("day", "purpose", "debits_minor"))
        PurposeDay.objects.all().delete()
        RollupMark.objects.all().delete()
        roll_up_due()
        assert before == list(
            PurposeDay.objects.order_by("day", "purpose").values_list("day", "purpose", "debits_minor")
        )

    def test_a_fault_adds_nothing_and_moves_no_mark(self, monkeypatch: pytest.MonkeyPatch) -> None:
        day_of_sales()

        def add_and_die(stretch: rollups.Stretch) -> None:
            rollups._add_to_purposes(stretch)
            raise RuntimeError

        monkeypatch.setitem(rollups._rollups, rollups.PURPOSES, add_and_die)
        with pytest.raises(RuntimeError), transaction.atomic():
            roll_up_due()
        assert not PurposeDay.objects.exists()
        monkeypatch.undo()
        roll_up_due()
        assert money_by_purpose(first=DAY, last=NEXT).balances["wallet"] == [5000, 3750]


class TestTwoAtOnce:
    """Two workers that add at the same moment add each batch once; the mark's lock is what sees to it."""

    def test_the_second_leaves_it_to_the_first(self, committed_db: Any, race: Callable[..., list[Any]]) -> None:
        for _ in range(4):
            day_of_sales()
        race(roll_up_due, roll_up_due, roll_up_due)

        assert {
            purpose: balances[-1] for purpose, balances in money_by_purpose(first=DAY, last=NEXT).balances.items()
        } == totals()

    def test_without_the_lock_batches_are_added_twice(
        self, committed_db: Any, race: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(4):
            day_of_sales()
        roll_up_due()
        expected = money_by_purpose(first=DAY, last=NEXT).balances["wallet"][-1]
        PurposeDay.objects.all().delete()
        mark = RollupMark(name=rollups.PURPOSES)

        def add_unlocked() -> None:
            stretch = rollups._stretch(mark, *rollups._batches_after(mark, rollups.frontier())[-1])
            rollups._add_to_purposes(stretch)

        race(add_unlocked, add_unlocked)
        assert money_by_purpose(first=DAY, last=NEXT).balances["wallet"][-1] == 2 * expected


@pytest.mark.django_db
class TestPulse:
    def test_counts_batches_by_what_cut_them(self) -> None:
        assert booking_pulse(timedelta(hours=1)) == []
        day_of_sales()

        everything, manual = booking_pulse(timedelta(hours=1))

        assert (everything.trigger, everything.batches, everything.events) == ("", 2, 2)
        assert (manual.trigger, manual.batches) == ("manual", 2)
        assert everything.lag_seconds >= 0

    def test_says_how_far_the_book_is_sealed(self) -> None:
        assert sealing().number is None
        day_of_sales()
        assert sealing().unsealed == 2
        seal_due()
        sealed = sealing()
        assert (sealed.number, sealed.unsealed, len(sealed.hash)) == (2, 0, 64)
