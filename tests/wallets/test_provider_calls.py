"""Every call is kept, every charge ends in time, and what has ended does not change."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.actor import Actor
from accounts.models import Account
from core.money import Money
from events.models import EventRecord
from tests.money_facts import AT, balance, book
from tests.wallets import bank as banks
from tests.wallets.bank import ANSWER, REQUEST, Bank
from tests.wallets.shop import wallet_of
from wallets import services
from wallets.errors import TopUpNotReversible
from wallets.models import ProviderAttempt, ProviderPayment, TopUp, Withdrawal
from wallets.providers.base import Failed, InProgress, Succeeded
from wallets.services.provider_calls import ask_again

TEN = Money(1000, "GBP")

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def bank(settings: Any) -> Iterator[Bank]:
    """A provider with its own book, under the name `bank`."""
    settings.PAYMENT_PROVIDERS = {**settings.PAYMENT_PROVIDERS, "bank": banks.PATH}
    banks.bank.clear()
    yield banks.bank
    banks.bank.clear()


def request(owner: Account, amount: Money = TEN) -> TopUp:
    return services.request_top_up(owner=owner, amount=amount, provider="bank", actor=Actor.own(owner), now=AT)


def charge(top_up: TopUp) -> TopUp:
    outcome = services.charge_top_up(public_id=top_up.public_id)
    return services.finish_top_up(public_id=top_up.public_id, outcome=outcome, now=AT)


def is_due(payment: ProviderPayment, *, age: timedelta = timedelta()) -> None:
    """Make a payment so old, and its turn come."""
    same = type(payment)._default_manager.filter(pk=payment.pk)
    same.update(next_query_at=timezone.now(), recorded_at=timezone.now() - age)


def attempts(payment: ProviderPayment) -> list[tuple[str, str]]:
    made = ProviderAttempt.objects.filter(reference=payment.public_id).order_by("id")
    return list(made.values_list("what", "answer"))


class TestAttempts:
    """One row per call, from before it."""

    def test_are_kept_with_their_answers(self, buyer: Account, bank: Bank) -> None:
        bank.lose = ANSWER
        top_up = charge(request(buyer))
        is_due(top_up)

        services.finish_open_top_ups()

        assert attempts(top_up) == [("charge", "in_progress"), ("query", "succeeded")]
        assert wallet_of(buyer).not_yet_booked_minor == 1000

    def test_that_break_off_have_no_answer(self, buyer: Account, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
        def break_off(**_call: Any) -> None:
            raise ConnectionError

        top_up = request(buyer)
        monkeypatch.setattr(bank, "charge", break_off)
        with pytest.raises(ConnectionError):
            services.charge_top_up(public_id=top_up.public_id)

        assert attempts(top_up) == [("charge", "")]

    def test_say_why_the_provider_refused(self, buyer: Account, bank: Bank) -> None:
        bank.refuses = True
        top_up = charge(request(buyer))

        assert ProviderAttempt.objects.get(reference=top_up.public_id).reason == "refused"

    def test_whose_request_was_lost_are_called_again(self, buyer: Account, bank: Bank) -> None:
        bank.lose = REQUEST
        top_up = charge(request(buyer))
        is_due(top_up)

        services.finish_open_top_ups()

        assert [what for what, _answer in attempts(top_up)] == ["charge", "query", "charge"]
        assert bank.balance_minor == 1000


class TestGivingUp:
    """A charge without a final answer ends within PROVIDER_GIVE_UP_AFTER."""

    def old_and_waiting(self, owner: Account, bank: Bank, age: timedelta) -> TopUp:
        bank.slow = True
        top_up = charge(request(owner))
        is_due(top_up, age=age)
        return top_up

    def test_cancels_what_waits_too_long(self, buyer: Account, bank: Bank, settings: Any) -> None:
        top_up = self.old_and_waiting(buyer, bank, settings.PROVIDER_GIVE_UP_AFTER)

        services.finish_open_top_ups()

        top_up.refresh_from_db()
        assert (top_up.status, top_up.failure, top_up.next_query_at) == ("failed", "no_answer", None)
        bank.settle()
        assert bank.balance_minor == 0

    def test_waits_until_then(self, buyer: Account, bank: Bank, settings: Any) -> None:
        top_up = self.old_and_waiting(buyer, bank, settings.PROVIDER_GIVE_UP_AFTER - timedelta(minutes=1))

        services.finish_open_top_ups()

        top_up.refresh_from_db()
        assert top_up.status == "in_progress"

    def test_has_failed_even_if_nobody_answers_and_goes_on_cancelling(
        self, buyer: Account, bank: Bank, settings: Any
    ) -> None:
        top_up = self.old_and_waiting(buyer, bank, settings.PROVIDER_GIVE_UP_AFTER)
        bank.lose = REQUEST

        assert services.finish_open_top_ups() == 1

        top_up.refresh_from_db()
        assert top_up.status == "failed"
        assert top_up.next_query_at > timezone.now()
        is_due(top_up, age=settings.PROVIDER_GIVE_UP_AFTER)
        services.finish_open_top_ups()
        top_up.refresh_from_db()
        assert top_up.next_query_at is None
        assert bank.book[top_up.public_id].state == "refused"

    def test_books_what_came_in_too_late_to_be_cancelled(self, buyer: Account, bank: Bank, settings: Any) -> None:
        bank.lose = ANSWER
        bank.cancels_too_late = True
        top_up = charge(request(buyer))
        is_due(top_up, age=settings.PROVIDER_GIVE_UP_AFTER)

        services.finish_open_top_ups()
        book()

        assert TopUp.objects.get().status == "succeeded"
        assert wallet_of(buyer).available_minor == bank.balance_minor == 1000

    def test_is_not_for_payouts(self, buyer: Account, bank: Bank, settings: Any) -> None:
        """Nobody but the provider knows whether the money has left."""
        charge(request(buyer))
        book()
        bank.slow = True
        withdrawal = services.request_withdrawal(
            owner=buyer, amount=TEN, provider="bank", actor=Actor.own(buyer), now=AT
        )
        services.pay_out_withdrawal(public_id=withdrawal.public_id)
        is_due(withdrawal, age=10 * settings.PROVIDER_GIVE_UP_AFTER)

        services.finish_open_withdrawals()

        assert Withdrawal.objects.get().status == "in_progress"
        assert ("cancel", withdrawal.public_id) not in bank.calls


class TestOutcomes:
    """Twice, late, or in the wrong order: the first final one counts."""

    @pytest.mark.parametrize("late", [Succeeded(), Failed("refused"), InProgress("x")])
    def test_after_the_first_final_one_change_nothing(self, buyer: Account, bank: Bank, late: Any) -> None:
        top_up = charge(request(buyer))

        again = services.finish_top_up(public_id=top_up.public_id, outcome=late, now=AT)

        assert (again.status, again.provider_reference) == ("succeeded", f"bank:{top_up.public_id}")
        assert EventRecord.objects.count() == 1

    def test_that_refuse_what_was_given_up_keep_the_first_reason(self, buyer: Account, bank: Bank) -> None:
        top_up = request(buyer)
        services.give_up_top_up(public_id=top_up.public_id, now=AT)

        given_up = services.finish_top_up(public_id=top_up.public_id, outcome=Failed("cancelled"), now=AT)

        assert (given_up.failure, given_up.next_query_at) == ("no_answer", None)

    def test_are_asked_for_at_once_where_an_operator_says_so(self, buyer: Account, bank: Bank) -> None:
        bank.lose = ANSWER
        top_up = charge(request(buyer))
        assert services.finish_open_top_ups() == 0

        assert ask_again(TopUp, top_up.public_id)
        assert services.finish_open_top_ups() == 1
        assert not ask_again(TopUp, top_up.public_id)


class TestReturning:
    """A refund's money goes back to the charge that it came from."""

    def charged(self, owner: Account, amount: Money = TEN) -> TopUp:
        top_up = charge(request(owner, amount))
        book()
        return top_up

    def send_back(self, top_up: TopUp, minor: int, refund: str = "rfd_1") -> Withdrawal | None:
        return services.return_to_provider(charged=top_up, refund=refund, amount=Money(minor, "GBP"), now=AT)

    def test_leaves_the_wallet_at_once_and_reaches_the_provider_by_the_task(self, buyer: Account, bank: Bank) -> None:
        top_up = self.charged(buyer)

        withdrawal = self.send_back(top_up, 400)

        assert withdrawal is not None
        assert (wallet_of(buyer).available_minor, wallet_of(buyer).not_yet_booked_minor) == (600, -400)
        assert services.finish_open_withdrawals() == 1
        book()
        assert wallet_of(buyer).posted_minor == bank.balance_minor == 600
        assert balance("clearing:external") == -600

    def test_is_never_more_than_was_charged(self, buyer: Account, bank: Bank) -> None:
        top_up = self.charged(buyer)
        self.charged(buyer, Money(5000, "GBP"))

        first, second = self.send_back(top_up, 700), self.send_back(top_up, 700, "rfd_2")
        third = self.send_back(top_up, 1, "rfd_3")

        assert [first.amount_minor, second.amount_minor] == [700, 300]  # type: ignore[union-attr]
        assert third is None

    def test_is_never_more_than_the_wallet_has(self, buyer: Account, bank: Bank) -> None:
        top_up = self.charged(buyer)
        services.request_withdrawal(
            owner=buyer, amount=Money(900, "GBP"), provider="local", actor=Actor.own(buyer), now=AT
        )

        assert self.send_back(top_up, 400).amount_minor == 100  # type: ignore[union-attr]
        assert self.send_back(top_up, 400, "rfd_2") is None

    def test_stays_in_the_wallet_if_the_provider_refuses(self, buyer: Account, bank: Bank) -> None:
        top_up = self.charged(buyer)
        bank.refuses_refunds = True
        self.send_back(top_up, 400)

        services.finish_open_withdrawals()
        book()

        assert wallet_of(buyer).available_minor == bank.balance_minor == 1000
        top_up.refresh_from_db()
        assert top_up.returned_minor == 0

    def test_lowers_what_a_chargeback_takes(self, buyer: Account, operator: Account, bank: Bank) -> None:
        top_up = self.charged(buyer)
        self.send_back(top_up, 400)

        reversal = services.reverse_top_up(
            public_id=top_up.public_id, reason="chargeback", actor=Actor.own(operator), now=AT
        )

        assert (reversal.from_wallet_minor, reversal.to_debt_minor) == (600, 0)
        assert self.send_back(top_up, 1, "rfd_2") is None

    def test_of_everything_leaves_nothing_to_charge_back(self, buyer: Account, operator: Account, bank: Bank) -> None:
        top_up = self.charged(buyer)
        self.send_back(top_up, 1000)

        with pytest.raises(TopUpNotReversible):
            services.reverse_top_up(public_id=top_up.public_id, reason="r", actor=Actor.own(operator), now=AT)


def test_two_refunds_at_the_same_moment_never_return_more_than_was_charged(
    committed_db: Any, buyer: Account, bank: Bank, race: Any
) -> None:
    top_up = charge(request(buyer))
    charge(request(buyer, Money(5000, "GBP")))
    book()

    def send_back(refund: str) -> int:
        sent = services.return_to_provider(charged=top_up, refund=refund, amount=Money(700, "GBP"), now=AT)
        return sent.amount_minor if sent else 0

    assert sorted(race(lambda: send_back("rfd_1"), lambda: send_back("rfd_2"))) == [300, 700]
