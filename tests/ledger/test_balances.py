"""The book answers for any pair of times: when it happened, and when it was known."""

from datetime import datetime, timedelta

import pytest

from core.errors import NotFound
from ledger.models import Batch
from ledger.selectors import balance_at, frontier, trial_balance
from tests.money_facts import AT, account_id, book, top_up

DAY = timedelta(days=1)


def booked_at() -> datetime:
    return Batch.objects.order_by("-id")[0].booked_at


@pytest.mark.django_db
class TestBalanceAt:
    def test_an_account_never_used_is_not_found(self) -> None:
        with pytest.raises(NotFound):
            balance_at(code="wallet:nobody")

    def test_as_of_leaves_out_what_happened_later_however_it_was_batched(self) -> None:
        owner = account_id()
        for day, minor in ((0, 1), (2, 10), (1, 100)):
            top_up(owner, minor, at=AT + day * DAY)
        book()
        top_up(owner, 1000, at=AT + 3 * DAY)
        book()

        expected = {-1: 0, 0: 1, 1: 101, 2: 111, 3: 1111}
        for day, minor in expected.items():
            (found,) = balance_at(code=f"wallet:{owner}", as_of=AT + day * DAY)
            assert found.balance_minor == minor, day

    def test_known_at_leaves_out_what_was_booked_later(self) -> None:
        owner = account_id()
        top_up(owner, 1, at=AT + DAY)
        book()
        then = booked_at()
        top_up(owner, 10, at=AT)
        book()

        (early,) = balance_at(code=f"wallet:{owner}", known_at=then)
        (both,) = balance_at(code=f"wallet:{owner}", as_of=AT, known_at=booked_at())
        (neither,) = balance_at(code=f"wallet:{owner}", as_of=AT, known_at=then)

        assert (early.balance_minor, both.balance_minor, neither.balance_minor) == (1, 10, 0)

    def test_each_currency_is_its_own(self) -> None:
        owner = account_id()
        top_up(owner, 1)
        top_up(owner, 5, currency="KWD")
        book()

        assert [b.currency for b in balance_at(code=f"wallet:{owner}")] == ["GBP", "KWD"]
        (dinar,) = balance_at(code=f"wallet:{owner}", currency="KWD", as_of=AT)
        assert dinar.balance_minor == 5


@pytest.mark.django_db
class TestTrialBalance:
    def test_the_difference_is_zero_at_any_two_times(self) -> None:
        for number in range(6):
            top_up(account_id(), 10 + number, at=AT + (number % 3) * DAY)
            if number % 2:
                book()

        for as_of in (None, AT - DAY, AT, AT + DAY):
            for known_at in (None, booked_at()):
                for trial in trial_balance(as_of=as_of, known_at=known_at):
                    assert trial.credits_minor == trial.debits_minor

    def test_the_frontier_is_not_before_what_is_booked(self) -> None:
        top_up(account_id(), 1)
        book()

        assert frontier() >= booked_at()


@pytest.mark.django_db
class TestAClockThatIsSetBack:
    """What was booked before it was set back looks like the future; here it is."""

    def test_books_behind_what_is_booked(self) -> None:
        ahead = frontier() + timedelta(hours=1)
        Batch.objects.create(
            id=0,
            trigger="manual",
            events_count=0,
            transfers_count=0,
            accounts_count=0,
            opened_at=ahead,
            booked_at=ahead,
        )
        owner = account_id()
        for minor in (1, 10):
            top_up(owner, minor)
            book()

        booked = [batch.booked_at for batch in Batch.objects.order_by("id")]
        assert booked == [ahead + number * timedelta(microseconds=1) for number in range(3)]
        (then,) = balance_at(code=f"wallet:{owner}", known_at=booked[1])
        assert then.balance_minor == 1


class TestFrontier:
    """Below the frontier nothing can change: a batch under way holds it back."""

    def test_stays_before_the_batch_that_is_not_committed(self, committed_db: object, race: object) -> None:
        from django.db import connection, transaction

        from ledger.engine import share_engine

        with transaction.atomic():
            share_engine()
            with connection.cursor() as cursor:
                cursor.execute("SELECT now()")
                began = cursor.fetchone()[0]
            (seen,) = race(frontier)  # type: ignore[operator]
            assert seen == began

        assert frontier() > began
