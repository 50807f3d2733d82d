"""What meets at the same moment: each lock, and a control that shows what would happen without it."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.actor import Actor
from accounts.models import Account
from core.money import Money
from events.models import EventRecord
from tests.conftest import ClonedDatabase
from tests.money_facts import AT, balance, book
from tests.wallets.shop import HOLD_PERIOD, fill, owed, release_due, sell, wallet_of
from wallets import services
from wallets.errors import DebtOutstanding, TopUpNotReversible
from wallets.models import Debt, Earning
from wallets.providers.base import Failed
from wallets.services import earnings, withdrawals

Race = Callable[..., list[Any]]


@pytest.fixture
def world(committed_db: ClonedDatabase, new_account: Callable[..., Account]) -> tuple[Account, Account]:
    """A buyer with 10,000.00 GBP, and a seller."""
    buyer, seller = new_account(side="buyer"), new_account(side="seller")
    fill(buyer, 1_000_000)
    book()
    return buyer, seller


class TestTwoRefunds:
    """Two refunds of one earning."""

    def both(self, sale: Any, race: Race, meet: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        look = Earning.save

        def look_then_write(self: Earning, **options: Any) -> None:
            meet()
            look(self, **options)

        monkeypatch.setattr(Earning, "save", look_then_write)
        take = {"order": sale.order, "owner": sale.seller, "role": "seller", "now": AT}
        return race(
            lambda: services.take_back_earning(**take, amount=Money(100, "GBP")),
            lambda: services.take_back_earning(**take, amount=Money(200, "GBP")),
        )

    def test_add_up(self, world: Any, race: Race, meet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        sale = sell(world[1], world[0], 1000)

        assert self.both(sale, race, meet, monkeypatch) == [None, None]
        assert sale.earning.reversed_minor == 300

    def test_control_without_the_lock_one_is_lost(
        self, world: Any, race: Race, meet: Any, monkeypatch: pytest.MonkeyPatch, without_row_locks: None
    ) -> None:
        sale = sell(world[1], world[0], 1000)

        assert self.both(sale, race, meet, monkeypatch) == [None, None]
        assert sale.earning.reversed_minor in (100, 200)


class TestRefundAndRelease:
    """A refund and the release of the same earning: whichever comes first, nothing is lost."""

    @pytest.mark.parametrize("_round", range(5))
    def test_every_cent_has_one_place(self, world: Any, race: Race, _round: int) -> None:
        buyer, seller = world
        sale = sell(seller, buyer, 1000)
        sale.complete()
        book()

        race(lambda: sale.refund(400), release_due)
        release_due()
        book()

        assert wallet_of(buyer).posted_minor == 1_000_000 - 600
        assert wallet_of(seller).posted_minor - owed(seller) == 600
        assert balance(f"pending:{seller.public_id}") == 0
        assert sale.earning.amount_minor == 600


class TestTwoReleases:
    """Two workers run the timed task at the same moment."""

    def test_each_earning_is_released_once(self, world: Any, race: Race) -> None:
        buyer, seller = world
        for _ in range(20):
            sell(seller, buyer, 10).complete()

        released = race(release_due, release_due)

        assert sum(released) == 20
        assert EventRecord.objects.filter(type="earnings.released").count() == 20
        book()
        assert wallet_of(seller).posted_minor == 200

    def test_nothing_due_means_that_nobody_else_is_at_it_either(
        self, world: Any, race: Race, meet: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """`POST /clock/advance` answers when 0 comes back: what a worker has locked must be released by then."""
        buyer, seller = world
        sell(seller, buyer, 10).complete()
        release = earnings._release

        def meet_then_release(locked: Any) -> None:
            meet()
            time.sleep(0.3)
            release(locked)

        monkeypatch.setattr(earnings, "_release", meet_then_release)

        def wait_then_run() -> tuple[int, bool]:
            meet()
            count = release_due()
            return count, Earning.objects.filter(status=Earning.Status.RELEASED).exists()

        assert race(release_due, wait_then_run) == [1, (0, True)]

    def test_control_without_the_lock_both_release_the_same(
        self, world: Any, race: Race, meet: Any, monkeypatch: pytest.MonkeyPatch, without_row_locks: None
    ) -> None:
        buyer, seller = world
        sell(seller, buyer, 10).complete()
        release = earnings._release

        def look_then_release(earnings: Any) -> None:
            meet()
            release(earnings)

        monkeypatch.setattr(earnings, "_release", look_then_release)

        released = race(release_due, release_due)

        assert any(isinstance(outcome, Exception) for outcome in released)  # Only the event's key stopped it.


class TestOneDebtTwoEarnings:
    """Two earnings of one owner repay one debt."""

    def in_debt(self, world: Any) -> Account:
        buyer, seller = world
        sale = sell(seller, buyer, 100)
        sale.complete()
        release_due()
        book()
        sell(buyer, seller, 100)
        sale.refund(100)
        book()
        for _ in range(2):
            sell(seller, buyer, 80).complete()
        return seller

    def one_each(self, settings: Any, race: Race, meet: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        settings.TIMED_TRANSITIONS_BATCH_MAX = 1
        plan = earnings._plan_releases

        def look_then_plan(*arguments: Any) -> Any:
            meet()
            return plan(*arguments)

        monkeypatch.setattr(earnings, "_plan_releases", look_then_plan)
        return race(release_due, release_due)

    def test_repay_it_once(
        self, world: Any, race: Race, settings: Any, meet: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seller = self.in_debt(world)

        assert self.one_each(settings, race, meet, monkeypatch) == [1, 1]
        book()

        assert owed(seller) == 0 == balance(f"debt:{seller.public_id}")
        assert wallet_of(seller).posted_minor == 60

    def test_control_without_its_lock_it_is_repaid_twice(
        self, world: Any, race: Race, settings: Any, meet: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seller = self.in_debt(world)
        unlocked = lambda owner_ids: list(  # noqa: E731
            Debt.objects.filter(owner_id__in=owner_ids, amount_minor__gt=F("repaid_minor")).order_by("id")
        )
        monkeypatch.setattr(earnings, "lock_open_debts", unlocked)

        assert self.one_each(settings, race, meet, monkeypatch) == [1, 1]

        repaid = EventRecord.objects.filter(type="earnings.released", payload__repaid_minor__gt=0)
        assert sum(event.payload["repaid_minor"] for event in repaid) == 160
        assert Debt.objects.get(owner=seller).repaid_minor == 80


class TestReversalAndWithdrawal:
    """A chargeback and a withdrawal of the same money."""

    @pytest.mark.parametrize("_round", range(5))
    def test_never_is_money_paid_out_that_is_owed(self, world: Any, race: Race, operator: Account, _round: int) -> None:
        _buyer, owner = world
        top_up = fill(owner, 1000)
        book()

        def withdraw() -> Any:
            return services.request_withdrawal(
                owner=owner, amount=Money(600, "GBP"), provider="local", actor=Actor.own(owner), now=AT
            )

        def reverse() -> Any:
            return services.reverse_top_up(public_id=top_up.public_id, reason="r", actor=Actor.own(operator), now=AT)

        withdrawn, reversal = race(withdraw, reverse)

        if isinstance(withdrawn, Exception):
            assert (reversal.from_wallet_minor, reversal.to_debt_minor) == (1000, 0)
        else:
            assert (reversal.from_wallet_minor, reversal.to_debt_minor) == (400, 600)
            with pytest.raises(DebtOutstanding):
                withdraw()
        book()
        assert wallet_of(owner).posted_minor == 0

    def test_a_top_up_is_reversed_once(self, world: Any, race: Race, operator: Account) -> None:
        top_up = fill(world[0], 1000)
        reverse = {"public_id": top_up.public_id, "reason": "r", "actor": Actor.own(operator), "now": AT}

        outcomes = race(lambda: services.reverse_top_up(**reverse), lambda: services.reverse_top_up(**reverse))

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["TopUpNotReversible", "TopUpReversal"]
        assert any(isinstance(outcome, TopUpNotReversible) for outcome in outcomes)


class TestPayoutsThatFailTwice:
    """The task and the request hear of the same failed payout."""

    def finish_twice(self, owner: Account, race: Race, meet: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        withdrawal = services.request_withdrawal(
            owner=owner, amount=Money(600, "GBP"), provider="local", actor=Actor.own(owner), now=AT
        )
        write = withdrawals.write_outcome

        def look_then_write(*arguments: Any) -> bool:
            meet()
            return write(*arguments)

        monkeypatch.setattr(withdrawals, "write_outcome", look_then_write)
        finish = {"public_id": withdrawal.public_id, "outcome": Failed("closed"), "now": AT + HOLD_PERIOD}
        return race(lambda: services.finish_withdrawal(**finish), lambda: services.finish_withdrawal(**finish))

    def test_give_back_once(self, world: Any, race: Race, meet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        finished = self.finish_twice(world[0], race, meet, monkeypatch)

        assert {withdrawal.status for withdrawal in finished} == {"failed"}
        book()
        assert wallet_of(world[0]).posted_minor == 1_000_000

    def test_control_without_the_lock_only_the_key_of_the_event_stops_the_second(
        self, world: Any, race: Race, meet: Any, monkeypatch: pytest.MonkeyPatch, without_row_locks: None
    ) -> None:
        finished = self.finish_twice(world[0], race, meet, monkeypatch)

        assert any(isinstance(outcome, Exception) for outcome in finished)


class TestTheConstraints:
    """Whoever forgets a lock still cannot write nonsense."""

    def test_nothing_is_taken_back_beyond_what_was_earned(self, world: Any) -> None:
        sale = sell(world[1], world[0], 100)
        with pytest.raises(IntegrityError), transaction.atomic():
            Earning.objects.filter(order=sale.order).update(reversed_minor=101)
