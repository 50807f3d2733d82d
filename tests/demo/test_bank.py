"""The demo's bank is a third party: its own book, each reference once, whatever comes twice, late or crosswise."""

from collections.abc import Callable
from typing import Any

import pytest

from core.money import Money
from demo.bank import OPENING_MINOR, DemoBank
from demo.models import BankAccount, BankEntry
from wallets.providers.base import Charge, Failed, InProgress, NotKnown, Outcome, Succeeded

TEA = Money(900, "GBP")
ALL = Money(OPENING_MINOR, "GBP")
bank = DemoBank()


def charge(reference: str, identity: str = "ana", amount: Money = TEA) -> Outcome:
    return bank.charge(reference=reference, identity=identity, trade_no="T1", amount=amount)


def refund(reference: str, amount: Money) -> Outcome:
    return bank.refund(reference=reference, charge=Charge("ich_1"), amount=amount)


def left() -> int:
    return BankAccount.objects.get().balance_minor - OPENING_MINOR


@pytest.mark.django_db
class TestTheBank:
    def test_charges_a_reference_once_and_tells_it_when_asked(self) -> None:
        assert bank.query(reference="ich_1") == NotKnown()
        first = charge("ich_1")
        assert isinstance(first, Succeeded)
        assert charge("ich_1") == bank.query(reference="ich_1") == first
        assert left() == -900

    def test_gives_back_no_more_than_it_was_charged(self) -> None:
        charge("ich_1")
        assert [type(refund(*one)) for one in (("w1", Money(400, "GBP")), ("w1", Money(400, "GBP")))] == [Succeeded] * 2
        assert refund("w2", Money(501, "GBP")) == Failed("more_than_charged")
        assert left() == -500

    def test_refuses_who_has_not_enough(self) -> None:
        assert charge("ich_1", amount=Money(OPENING_MINOR + 1, "GBP")) == Failed("insufficient_funds")
        assert left() == 0

    def test_undoes_what_is_cancelled_and_refuses_what_comes_after_it(self) -> None:
        charge("ich_1")
        for reference in ("ich_1", "ich_2"):
            assert bank.cancel(reference=reference) == Failed("cancelled")
            assert charge(reference) == Failed("cancelled")
        assert left() == 0

    def test_answers_late_or_never_where_a_name_asks_for_it(self) -> None:
        for who, asked in (("slow-ana", Succeeded), ("silent-ana", InProgress)):
            assert isinstance(charge(who, who), InProgress)
            assert isinstance(bank.query(reference=who), asked)
        assert isinstance(bank.cancel(reference="silent-ana"), InProgress)
        assert BankEntry.objects.get(reference="silent-ana").state == "waiting"


def test_two_charges_of_one_account_at_once_take_what_is_there(committed_db: Any, race: Callable[..., Any]) -> None:
    outcomes = race(lambda: charge("ich_1", amount=ALL), lambda: charge("ich_2", amount=ALL))

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Failed", "Succeeded"]
    assert BankAccount.objects.get().balance_minor == 0
