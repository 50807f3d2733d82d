"""A provider that never says how it ended: people give up waiting, or two of them settle it, once and for good."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.actor import Actor
from accounts.models import Account
from billing.errors import SecondPersonRequired
from core import clock
from core.errors import NotFound
from core.money import Money
from core.registry import book_checks
from tests.money_facts import book
from tests.wallets import bank as banks
from tests.wallets.bank import Bank
from tests.wallets.shop import fill, wallet_of
from wallets import services
from wallets.errors import (
    NotGivenUpByHand,
    PaymentFinal,
    SettlementNotRequested,
    SettlementRequested,
    SettlementTooEarly,
)
from wallets.models import ProviderPayment, TopUp, Withdrawal
from wallets.providers.base import Succeeded
from wallets.providers.models import ProviderDecision
from wallets.services import by_hand, withdrawals

FIVE = Money(500, "GBP")
SAID = "Their support says so, case 4711."


@pytest.fixture
def bank(settings: Any, database: None) -> Iterator[Bank]:
    """Says nothing final of whatever it is asked for, until it settles."""
    settings.PAYMENT_PROVIDERS = {**settings.PAYMENT_PROVIDERS, "bank": banks.PATH}
    banks.bank.clear()
    banks.bank.slow = True
    yield banks.bank
    banks.bank.clear()


@pytest.fixture
def second(new_account: Callable[..., Account]) -> Account:
    return new_account(operator=True)


def aged(payment: ProviderPayment) -> str:
    """A payment that has waited for days; its public id."""
    type(payment)._default_manager.update(recorded_at=timezone.now() - timedelta(days=2), next_query_at=timezone.now())
    return payment.public_id


def top_up(buyer: Account) -> str:
    made = services.request_top_up(owner=buyer, amount=FIVE, provider="bank", actor=Actor.own(buyer), now=clock.now())
    services.charge_top_up(public_id=made.public_id)
    return aged(made)


def payout(buyer: Account) -> str:
    fill(buyer, 900)
    book()
    made = services.request_withdrawal(
        owner=buyer, amount=FIVE, provider="bank", actor=Actor.own(buyer), now=clock.now()
    )
    services.pay_out_withdrawal(public_id=made.public_id)
    book()
    return aged(made)


def ask(reference: str, who: Account, what: str = "succeeded") -> int:
    return by_hand.request_settlement(
        reference=reference,
        what=by_hand.What(what),
        provider_reference="their-1",
        reason=SAID,
        actor=Actor.own(who),
        now=clock.now(),
    ).pk


def approve(decision: int, who: Account) -> ProviderDecision:
    return by_hand.approve_settlement(decision=decision, actor=Actor.own(who), now=clock.now())


def give_up(reference: str, who: Account) -> ProviderDecision:
    return by_hand.give_up_by_hand(reference=reference, reason=SAID, actor=Actor.own(who), now=clock.now())


def findings() -> list[Any]:
    return [finding for check in book_checks() for finding in check.run()]


class TestGivingUp:
    def test_ends_a_top_up_for_us_and_has_it_cancelled(self, bank: Bank, buyer: Account, operator: Account):
        reference = top_up(buyer)

        decision = give_up(reference, operator)

        assert (decision.what, decision.reason, decision.decided_by) == ("given_up", SAID, operator)
        assert (TopUp.objects.get().status, TopUp.objects.get().failure) == ("failed", "no_answer")
        services.finish_open_top_ups()
        assert bank.calls[-1] == ("cancel", reference)
        assert TopUp.objects.get().next_query_at is None

    def test_books_money_that_came_in_after_all(self, bank: Bank, buyer: Account, operator: Account):
        reference = top_up(buyer)
        give_up(reference, operator)
        bank.settle()
        bank.cancels_too_late = True

        services.finish_open_top_ups()
        book()

        assert wallet_of(buyer).posted_minor == 500
        assert findings() == []

    def test_is_not_for_money_on_its_way_out(self, bank: Bank, buyer: Account, operator: Account):
        with pytest.raises(NotGivenUpByHand):
            give_up(payout(buyer), operator)
        assert Withdrawal.objects.get().status == "in_progress"

    def test_is_for_what_is_open(self, bank: Bank, buyer: Account, operator: Account):
        with pytest.raises(PaymentFinal):
            give_up(fill(buyer, 5).public_id, operator)
        for unknown in ("top_unknown", "ord_unknown", ""):
            with pytest.raises(NotFound):
                give_up(unknown, operator)


class TestSettling:
    @pytest.mark.parametrize(("what", "left_minor"), [("succeeded", 400), ("failed", 900)])
    def test_a_payout_takes_two_people_and_moves_the_money_as_its_providers_answer_would(
        self, bank: Bank, buyer: Account, operator: Account, second: Account, what: str, left_minor: int
    ):
        reference = payout(buyer)
        wish = ask(reference, operator, what)
        with pytest.raises(SecondPersonRequired):
            approve(wish, operator)
        assert Withdrawal.objects.get().status == "in_progress"

        decision = approve(wish, second)

        assert (decision.status, decision.requested_by, decision.decided_by) == ("decided", operator, second)
        assert Withdrawal.objects.get().status == what
        book()
        assert wallet_of(buyer).posted_minor == left_minor
        assert services.finish_open_withdrawals() == 0
        assert findings() == []

    def test_that_a_provider_contradicts_later_is_found_in_the_books(
        self, bank: Bank, buyer: Account, operator: Account, second: Account
    ):
        reference = payout(buyer)
        approve(ask(reference, operator, "failed"), second)
        bank.settle()
        services.pay_out_withdrawal(public_id=reference)  # An answer that was long on its way.
        book()

        (finding,) = findings()
        assert (finding.subject, finding.detail) == (reference, "failed; its provider's last answer was succeeded")

    def test_a_top_up_that_was_given_up_may_have_come_in(
        self, bank: Bank, buyer: Account, operator: Account, second: Account
    ):
        reference = top_up(buyer)
        give_up(reference, operator)

        approve(ask(reference, operator), second)
        book()

        assert (TopUp.objects.get().status, TopUp.objects.get().provider_reference) == ("succeeded", "their-1")
        assert wallet_of(buyer).posted_minor == 500

    def test_is_refused_while_its_provider_may_yet_answer(self, bank: Bank, buyer: Account, operator: Account):
        reference = top_up(buyer)
        TopUp.objects.update(recorded_at=timezone.now() - timedelta(hours=23))
        with pytest.raises(SettlementTooEarly):
            ask(reference, operator)

    def test_comes_too_late_once_its_provider_has_answered(
        self, bank: Bank, buyer: Account, operator: Account, second: Account
    ):
        wish = ask(payout(buyer), operator, "failed")
        bank.settle()
        services.finish_open_withdrawals()

        with pytest.raises(PaymentFinal):
            approve(wish, second)

        assert Withdrawal.objects.get().status == "succeeded"
        assert ProviderDecision.objects.get().status == "requested"

    def test_is_asked_for_once_at_a_time_and_may_be_withdrawn(
        self, bank: Bank, buyer: Account, operator: Account, second: Account
    ):
        reference = top_up(buyer)
        wish = ask(reference, operator)
        with pytest.raises(SettlementRequested):
            ask(reference, second)

        by_hand.withdraw_settlement(decision=wish, actor=Actor.own(second), now=clock.now())

        with pytest.raises(SettlementNotRequested):
            approve(wish, second)
        approve(ask(reference, second, "failed"), operator)
        assert TopUp.objects.get().failure == "settled_by_hand"

    def test_is_kept_for_ever(self, bank: Bank, buyer: Account, operator: Account):
        give_up(top_up(buyer), operator)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in (
            "UPDATE wallets_providerdecision SET reason = 'x'",
            "DELETE FROM wallets_providerdecision",
            "TRUNCATE wallets_providerdecision",
        ):
            with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)


class TestAtTheSameMoment:
    """People and provider say different things of one payout; whoever is first has the last word."""

    @pytest.fixture
    def wish(self, committed_db: Any, bank: Bank, buyer: Account, operator: Account) -> int:
        return ask(payout(buyer), operator, "failed")

    def contradict(self, race: Any, wish: int, second: Account, buyer: Account) -> list[Any]:
        reference = Withdrawal.objects.get().public_id
        return race(
            lambda: approve(wish, second).status,
            lambda: services.finish_withdrawal(public_id=reference, outcome=Succeeded("b"), now=clock.now()).status,
        )

    @pytest.mark.parametrize("_round", range(3))
    def test_one_of_them_is_heard(self, wish: int, race: Any, second: Account, buyer: Account, _round: int):
        by_people, by_provider = self.contradict(race, wish, second, buyer)

        book()
        if isinstance(by_people, PaymentFinal):
            assert (by_provider, wallet_of(buyer).posted_minor) == ("succeeded", 400)
        else:
            assert (by_people, by_provider, wallet_of(buyer).posted_minor) == ("decided", "failed", 900)

    def test_control_without_the_locks_both_are_heard(
        self,
        wish: int,
        race: Any,
        second: Account,
        buyer: Account,
        meet: Callable[[], None],
        without_row_locks: None,
        monkeypatch: pytest.MonkeyPatch,
    ):
        write = withdrawals.write_outcome

        def meet_and_write(*arguments: Any) -> bool:
            meet()
            return write(*arguments)

        monkeypatch.setattr(withdrawals, "write_outcome", meet_and_write)

        assert self.contradict(race, wish, second, buyer) == ["decided", "succeeded"]

    def test_two_who_approve_settle_once(
        self, wish: int, race: Any, second: Account, new_account: Callable[..., Account], buyer: Account
    ):
        third = new_account(operator=True)

        outcomes = race(lambda: approve(wish, second).status, lambda: approve(wish, third).status)

        (refused,) = [outcome for outcome in outcomes if outcome != "decided"]
        assert isinstance(refused, PaymentFinal)
        book()
        assert wallet_of(buyer).posted_minor == 900
