"""What is read while batches are booked: nothing below the frontier changes, and every statement adds up."""

import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from billing import booking
from core.money import Money
from ledger import posting
from ledger.api.statements import every_page
from ledger.engine import share_engine
from ledger.holds import place_hold
from ledger.models import Batch
from ledger.selectors import frontier, trial_balance
from ledger.statements import StatementLine, statement_page
from tests.money_facts import account_id, book, pay, top_up

WAIT_SECONDS = 30


@contextmanager
def open_transaction(*steps: Callable[[], object]) -> Any:
    """Another connection has begun, done these steps, and not committed; it does inside the block, when it ends."""
    ready, go_on = threading.Event(), threading.Event()
    failed: list[Exception] = []

    def work() -> None:
        try:
            with transaction.atomic():
                for step in steps:
                    step()
                ready.set()
                assert go_on.wait(WAIT_SECONDS)
        except Exception as error:  # noqa: BLE001 - raised below
            failed.append(error)
        finally:
            ready.set()
            connection.close()

    thread = threading.Thread(target=work, daemon=True)

    def commit() -> None:
        go_on.set()
        thread.join(WAIT_SECONDS)
        if failed:
            raise failed[0]

    thread.start()
    try:
        assert ready.wait(WAIT_SECONDS)
        yield commit
    finally:
        go_on.set()
        thread.join(WAIT_SECONDS)


def clock() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def totals(known_at: datetime) -> dict[str, int]:
    return {trial.currency: trial.credits_minor for trial in trial_balance(known_at=known_at) if trial.credits_minor}


def book_one() -> None:
    assert booking.book_batch(trigger=booking.MANUAL)


class TestBelowTheFrontier:
    def test_nothing_changes_once_an_open_batch_commits(self, committed_db: Any) -> None:
        top_up(account_id(), 5)
        book()
        top_up(account_id(), 7)

        with open_transaction(book_one) as commit:  # It has read its clock, and nobody sees it.
            settled, now = frontier(), clock()
            at_the_frontier, at_this_moment = totals(settled), totals(now)
            commit()

        assert settled < Batch.objects.latest("id").booked_at < now
        assert totals(settled) == at_the_frontier == {"GBP": 5}
        # The control: this moment looked as settled, and was not. The trial balance knew, and went by the frontier.
        assert at_this_moment == {"GBP": 5}
        assert totals(now) == {"GBP": 12}

    def test_nor_when_it_has_the_lock_and_has_not_booked_yet(self, committed_db: Any) -> None:
        top_up(account_id(), 5)
        book()
        top_up(account_id(), 7)

        with open_transaction(share_engine) as commit:
            settled = frontier()
            book_one()  # Another worker meanwhile: later than the frontier, and seen by nobody who asks for it.
            seen = totals(settled)
            commit()

        assert seen == totals(settled) == {"GBP": 5}
        assert settled < Batch.objects.latest("id").booked_at <= frontier()

    def test_another_houses_lock_does_not_matter(self, committed_db: Any) -> None:
        with open_transaction(lambda: connection.cursor().execute("SELECT pg_advisory_xact_lock_shared(1)")):
            before = clock()
            assert frontier() >= before

    @pytest.mark.django_db
    def test_the_future_is_answered_as_of_the_frontier(self) -> None:
        top_up(account_id(), 5)
        book()

        assert totals(datetime.now(UTC) + timedelta(days=400)) == {"GBP": 5}


class TestPaymentsWhileBooking:
    def test_do_not_wait_for_a_batch_that_waits_for_another(self, committed_db: Any) -> None:
        """The one that waits has not locked anything yet."""
        self.hold_while_two_batches_are_open()

    def test_control_without_turns_they_do(self, committed_db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(posting, "take_turn", lambda: None)

        with pytest.raises(OperationalError, match="lock timeout"):
            self.hold_while_two_batches_are_open()

    def hold_while_two_batches_are_open(self) -> None:
        """Both change the same wallet; of the later one's other wallet somebody pays meanwhile."""
        payer, in_both = sorted((account_id(), account_id()))  # They are made, and locked, in this order.
        for owner in (payer, in_both):
            top_up(owner, 5)
        book()
        top_up(in_both, 5)
        with open_transaction(book_one) as commit_the_first:
            top_up(payer, 5, provider="psp")  # Another clearing account: nothing else is in both.
            top_up(in_both, 5, provider="psp")
            second = threading.Thread(target=book_one_alone, daemon=True)
            second.start()
            try:
                await_someone_waiting()
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '1s'")
                    place_hold(code=f"wallet:{payer}", amount=Money(1, "GBP"), key="meanwhile")
            finally:
                commit_the_first()
                second.join(WAIT_SECONDS)


def book_one_alone() -> None:
    try:
        book_one()
    finally:
        connection.close()


def await_someone_waiting() -> None:
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
                " WHERE NOT l.granted AND a.datname = current_database()"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    pytest.fail("Nobody waits for a lock.")


class TestStatementsWhileBooking:
    """Pages are read one by one, each with a snapshot of its own, while the account goes on being booked."""

    def test_every_line_follows_from_the_one_below(self, committed_db: Any, race: Any, settings: Any) -> None:
        settings.PAGE_SIZE_MAX = 7
        payer, seller = account_id(), account_id()
        top_up(payer, 100_000)
        book()
        code = f"wallet:{payer}"
        read: list[list[StatementLine]] = []

        def go_on_booking() -> None:
            for number in range(12):
                for _ in range(4):
                    pay(payer, seller, 10 + number, fee=1)
                book()

        def go_on_reading() -> None:
            for _ in range(12):
                pages = every_page(lambda limit, after: statement_page(codes=[code], limit=limit, after=after))
                read.append([line for page in pages for line in page])

        assert race(go_on_booking, go_on_booking, go_on_reading) == [None, None, None]
        go_on_reading()

        for lines in read:
            assert_adds_up(lines)
        assert len(read[-1]) == 1 + 2 * 12 * 4 * 2
        assert {len(lines) for lines in read} != {len(read[-1])}, "nothing was booked between two readings"


def assert_adds_up(lines: list[StatementLine]) -> None:
    for newer, older in pairwise(lines):
        assert newer.balance_after_minor - newer.amount_minor == older.balance_after_minor
        assert (newer.booked_at, newer.transfer_id) > (older.booked_at, older.transfer_id)
    assert lines[-1].balance_after_minor == lines[-1].amount_minor
    assert len({line.transfer_id for line in lines}) == len(lines)
