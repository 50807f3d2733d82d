"""Earnings are pending, then released; refunds take them back from wherever they are."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from accounts.models import Account
from core.money import Money
from events.models import Delivery, EventRecord
from ledger.models import Hold
from tests.money_facts import AT, balance, book
from tests.wallets.shop import HOLD_PERIOD, owed, release_due, sell, wallet_of
from wallets import services
from wallets.models import Debt, DebtRepayment, Earning


@pytest.mark.django_db
class TestRelease:
    """What was earned goes to the wallet when its time has come, and not a moment earlier."""

    def test_nothing_is_released_before_the_order_is_completed(self, rich_buyer: Account, seller: Account) -> None:
        sell(seller, rich_buyer, 1000)

        assert release_due(AT + timedelta(days=3650)) == 0

    def test_nothing_is_released_before_the_hold_period_is_over(self, rich_buyer: Account, seller: Account) -> None:
        sell(seller, rich_buyer, 1000).complete()

        assert release_due(AT + HOLD_PERIOD - timedelta(seconds=1)) == 0
        assert wallet_of(seller).pending_minor == 1000

    def test_a_release_moves_pending_money_to_the_wallet(self, rich_buyer: Account, seller: Account) -> None:
        sale = sell(seller, rich_buyer, 1000, fee=30)
        sale.complete()
        book()

        assert release_due() == 1
        decided = wallet_of(seller)
        book()

        assert (decided.posted_minor, decided.pending_minor, decided.not_yet_booked_minor) == (0, 0, 970)
        assert wallet_of(seller).available_minor == 970
        assert wallet_of(seller).not_yet_booked_minor == 0
        assert balance(f"pending:{seller.public_id}") == 0
        assert sale.earning.status == "released"

    def test_a_late_run_releases_as_of_the_due_time(self, rich_buyer: Account, seller: Account) -> None:
        sell(seller, rich_buyer, 1000).complete()

        release_due(AT + timedelta(days=365))

        event = EventRecord.objects.get(type="earnings.released")
        assert event.occurred_at == AT + HOLD_PERIOD
        assert Earning.objects.get().released_at == AT + HOLD_PERIOD

    def test_a_second_run_finds_nothing(self, rich_buyer: Account, seller: Account) -> None:
        sell(seller, rich_buyer, 1000).complete()
        release_due()

        assert release_due() == 0

    def test_the_number_of_statements_does_not_grow_with_the_number_of_earnings(
        self, rich_buyer: Account, seller: Account, statements: Callable[[], Any]
    ) -> None:
        counts = []
        for sales in (2, 20):
            for _ in range(sales):
                sell(seller, rich_buyer, 100).complete()
            with statements() as seen:
                assert release_due() == sales
            counts.append(len(seen))

        assert counts[0] == counts[1] <= 5

    def test_a_run_is_bounded_and_the_next_one_goes_on(
        self, rich_buyer: Account, seller: Account, settings: Any
    ) -> None:
        settings.TIMED_TRANSITIONS_BATCH_MAX = 2
        for _ in range(3):
            sell(seller, rich_buyer, 100).complete()

        assert [release_due(), release_due(), release_due()] == [2, 1, 0]

    def test_the_events_carry_the_parameters_of_the_order(self, rich_buyer: Account, seller: Account) -> None:
        sell(seller, rich_buyer, 100).complete()
        release_due()

        payload = EventRecord.objects.get(type="earnings.released").payload
        assert payload["channel"] == "online"
        assert "institution" not in payload

    def test_a_part_of_nothing_is_no_earning(self, seller: Account) -> None:
        services.record_earning(
            order="ord_1", owner=seller, role="seller", original=Money(0, "GBP"), earned_at=AT, why="All is fee."
        )

        assert not Earning.objects.exists()


@pytest.mark.django_db
class TestRefundBeforeRelease:
    """What is pending only shrinks."""

    def test_a_part_is_taken_from_pending(self, rich_buyer: Account, seller: Account) -> None:
        sale = sell(seller, rich_buyer, 1000)

        sale.refund(400)
        book()

        assert wallet_of(seller).pending_minor == 600 == balance(f"pending:{seller.public_id}")
        assert not EventRecord.objects.filter(type="earnings.reversed").exists()

    def test_what_is_left_is_released(self, rich_buyer: Account, seller: Account) -> None:
        sale = sell(seller, rich_buyer, 1000)
        sale.complete()
        sale.refund(400)
        release_due()
        book()

        assert wallet_of(seller).available_minor == 600

    def test_a_wholly_refunded_earning_is_reversed_and_never_released(
        self, rich_buyer: Account, seller: Account
    ) -> None:
        sale = sell(seller, rich_buyer, 1000)
        sale.complete()
        sale.refund(1000)

        assert sale.earning.status == "reversed"
        assert release_due() == 0

    def test_more_than_there_is_breaks_the_constraint(self, rich_buyer: Account, seller: Account) -> None:
        sale = sell(seller, rich_buyer, 1000)

        with pytest.raises(IntegrityError):
            sale.refund(1001)


@pytest.mark.django_db
class TestRefundAfterRelease:
    """What was released is taken from the wallet as far as it goes; the rest is owed."""

    def released(self, seller: Account, buyer: Account, minor: int) -> Any:
        sale = sell(seller, buyer, minor)
        sale.complete()
        release_due()
        book()
        return sale

    def test_it_comes_out_of_the_wallet(self, rich_buyer: Account, seller: Account) -> None:
        sale = self.released(seller, rich_buyer, 1000)

        sale.refund(400)
        decided = wallet_of(seller)
        book()

        assert (decided.held_minor, decided.not_yet_booked_minor) == (400, -400)
        assert wallet_of(seller).available_minor == 600
        assert balance(f"pending:{seller.public_id}") == 0
        assert not Debt.objects.exists()
        assert not Hold.objects.exists()

    def test_what_the_wallet_lacks_becomes_debt(self, rich_buyer: Account, seller: Account) -> None:
        sale = self.released(seller, rich_buyer, 1000)
        sell(rich_buyer, seller, 900)  # The seller spends most of it.

        sale.refund(400)
        book()

        assert owed(seller) == 300 == wallet_of(seller).debt_minor
        assert balance(f"debt:{seller.public_id}") == -300
        assert wallet_of(seller).available_minor == 0
        assert Debt.objects.get().subject == sale.order

    def test_the_next_earning_repays_it_first(self, rich_buyer: Account, seller: Account) -> None:
        sale = self.released(seller, rich_buyer, 1000)
        sell(rich_buyer, seller, 1000)
        sale.refund(400)
        book()

        self.released(seller, rich_buyer, 700)

        assert owed(seller) == 0
        assert wallet_of(seller).available_minor == 300
        assert balance(f"debt:{seller.public_id}") == 0
        repayment = DebtRepayment.objects.get()
        assert (repayment.kind, repayment.amount_minor) == ("earning", 400)

    def test_a_small_earning_repays_a_part_and_the_oldest_debt_comes_first(
        self, rich_buyer: Account, seller: Account
    ) -> None:
        sale = self.released(seller, rich_buyer, 1000)
        sell(rich_buyer, seller, 1000)
        sale.refund(100)
        sale.refund(200)
        book()

        self.released(seller, rich_buyer, 150)

        assert [debt.owed_minor for debt in Debt.objects.order_by("id")] == [0, 150]
        assert wallet_of(seller).available_minor == 0

    def test_one_run_repays_one_debt_with_several_earnings(self, rich_buyer: Account, seller: Account) -> None:
        sale = self.released(seller, rich_buyer, 1000)
        sell(rich_buyer, seller, 1000)
        sale.refund(250)
        book()

        for _ in range(3):
            sell(seller, rich_buyer, 100).complete()
        release_due()
        book()

        assert owed(seller) == 0
        assert wallet_of(seller).available_minor == 50
        assert sorted(DebtRepayment.objects.values_list("amount_minor", flat=True)) == [50, 100, 100]

    def test_earnings_wait_while_the_ledger_does_not_know_the_debt(self, rich_buyer: Account, seller: Account) -> None:
        """Repaid before it is owed, the ledger's debt account would go positive, and the release be parked."""
        sale = self.released(seller, rich_buyer, 1000)
        sell(rich_buyer, seller, 1000)
        sell(seller, rich_buyer, 500).complete()
        sale.refund(400)

        assert release_due() == 0
        book()
        assert release_due() == 1
        book()

        assert balance(f"debt:{seller.public_id}") == 0
        assert not Delivery.objects.filter(consumer="billing").exists()

    def test_the_reversal_names_the_release_and_comes_before_the_refund(
        self, rich_buyer: Account, seller: Account
    ) -> None:
        sale = self.released(seller, rich_buyer, 1000)

        sale.refund(400)

        reversed_, refunded = EventRecord.objects.filter(subject=sale.order).order_by("-id")[:2][::-1]
        assert (reversed_.type, refunded.type) == ("earnings.reversed", "order.refunded")
        assert EventRecord.objects.filter(key=reversed_.payload["undoes"], type="earnings.released").exists()

    def test_refunds_end_at_zero(self, rich_buyer: Account, seller: Account) -> None:
        sale = self.released(seller, rich_buyer, 1000)
        for minor in (1, 998, 1):
            sale.refund(minor)
        book()

        earning = sale.earning
        assert (earning.status, earning.amount_minor, earning.clawed_back_minor) == ("reversed", 0, 1000)
        assert balance(f"pending:{seller.public_id}") == 0
        assert wallet_of(seller).posted_minor == 0
