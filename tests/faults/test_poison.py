"""What nobody has thought of in one event stops that event, and no other."""

from collections.abc import Callable
from typing import Any

import pytest

from billing import booking
from events.models import Delivery
from ledger.holds import release_hold
from ledger.models import Hold, Journal, LedgerAccount
from tests.money_facts import account_id, balance, book, pay, record, top_up


@pytest.fixture
def book_beside_poison() -> Callable[[], None]:
    """Book until nothing can be booked; the poisonous one raises each time that it is met alone."""

    def book_all() -> None:
        with pytest.raises(KeyError):
            book()
        book()

    return book_all


@pytest.mark.django_db
class TestPoison:
    def test_an_unforeseen_fault_is_narrowed_down_to_its_event(self, book_beside_poison: Callable[[], None]) -> None:
        owner = account_id()
        for number in range(20):
            if number == 13:
                poison = record("wallet.topped_up", amount_minor=5, provider="local")  # Whose wallet?
            top_up(owner, 1)

        book_beside_poison()

        assert balance(f"wallet:{owner}") == 20
        waiting = Delivery.objects.get(consumer=booking.BILLING)
        assert (waiting.event_id, waiting.attempts, waiting.parked_at) == (poison.id, 1, None)
        assert waiting.error_detail.startswith("KeyError")

    def test_it_holds_back_its_own_subject(self, book_beside_poison: Callable[[], None]) -> None:
        owner = account_id()
        record("wallet.topped_up", amount_minor=5, provider="local", subject="S")
        behind = top_up(owner, 1, subject="S")

        book_beside_poison()

        assert not Journal.objects.filter(pk=behind.id).exists()


@pytest.mark.django_db
class TestHoldsThatAreGone:
    """An event whose hold was released is one without a hold: it must fit what is available."""

    def test_is_booked_where_the_money_is_there(self) -> None:
        payer = account_id()
        top_up(payer, 100)
        book()
        pay(payer, account_id(), 60)
        release_hold(hold_id=Hold.objects.get().pk)

        book()

        assert balance(f"wallet:{payer}") == 40
        assert not LedgerAccount.objects.exclude(held_minor=0).exists()

    def test_is_parked_where_it_is_not_and_stops_nobody(self) -> None:
        payer, other = account_id(), account_id()
        top_up(payer, 100)
        book()
        pay(payer, account_id(), 60)
        release_hold(hold_id=Hold.objects.get().pk)
        pay(payer, account_id(), 90)
        top_up(other, 5)

        book()

        assert (balance(f"wallet:{payer}"), balance(f"wallet:{other}")) == (10, 5)
        assert Delivery.objects.get(consumer=booking.BILLING).error_code == "insufficient_cover"

    @pytest.mark.parametrize("at_once", [True, False])
    def test_a_hold_that_two_events_name_covers_the_first(self, at_once: bool) -> None:
        payer, seller = account_id(), account_id()
        top_up(payer, 100)
        book()
        pay(payer, seller, 60)
        people: dict[str, Any] = {"payer": payer, "buyer": payer, "seller": seller, "holds": [Hold.objects.get().pk]}
        if not at_once:
            book()
        record("order.paid", gross_minor=60, fee_minor=0, **people)

        book()

        assert balance(f"wallet:{payer}") == 40
        assert Delivery.objects.get(consumer=booking.BILLING).error_code == "insufficient_cover"
