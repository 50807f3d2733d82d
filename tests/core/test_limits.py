"""Limited tries: counted before they run, whatever runs at the same moment."""

import time
from datetime import timedelta

import pytest
from django.db import transaction

from core import limits
from core.errors import TooManyAttempts
from core.limits import Limit, limit_failures, limit_successes
from core.models import AttemptCount

TRIES = Limit("tries", "TRIES")


class Wrong(Exception):
    pass


@pytest.fixture(autouse=True)
def three_a_minute(settings):
    settings.TRIES_MAX = 3
    settings.TRIES_WINDOW = timedelta(minutes=1)


def fail(*subject: str) -> None:
    with limit_failures(TRIES, *(subject or ("somebody",)), failure=Wrong):
        raise Wrong


class TestCounting:
    """What counts and what does not."""

    def test_failures_count_and_successes_do_not(self, db):
        for _ in range(3):
            with limit_failures(TRIES, "somebody", failure=Wrong):
                pass
            with pytest.raises(Wrong):
                fail()

        with pytest.raises(TooManyAttempts) as refused, limit_failures(TRIES, "somebody", failure=Wrong):
            pytest.fail("This try must not run.")
        assert 59 <= refused.value.retry_after_seconds <= 60

    def test_another_fault_is_no_failure(self, db):
        for _ in range(5):
            with pytest.raises(ZeroDivisionError), limit_failures(TRIES, "somebody", failure=Wrong):
                raise ZeroDivisionError
        assert AttemptCount.objects.get().counted == 0

    def test_where_successes_count_failures_do_not(self, db):
        for _ in range(3):
            with pytest.raises(Wrong), limit_successes(TRIES, "somebody"):
                raise Wrong
            with limit_successes(TRIES, "somebody"):
                pass

        with pytest.raises(TooManyAttempts), limit_successes(TRIES, "somebody"):
            pass

    def test_subjects_are_apart_and_none_is_kept_in_clear(self, db):
        for _ in range(3):
            with pytest.raises(Wrong):
                fail("anna", "203.0.113.7")

        with pytest.raises(Wrong):
            fail("anna", "203.0.113.8")
        assert "anna" not in str(AttemptCount.objects.values())
        assert "203.0" not in str(AttemptCount.objects.values())

    def test_a_new_window_begins_afresh(self, db):
        for _ in range(3):
            with pytest.raises(Wrong):
                fail()
        AttemptCount.objects.update(window_ends_at=AttemptCount.objects.get().window_ends_at - timedelta(minutes=1))

        with pytest.raises(Wrong):
            fail()
        assert AttemptCount.objects.get().counted == 1

    def test_a_window_does_not_move_with_every_try(self, db):
        with pytest.raises(Wrong):
            fail()
        ends_at = AttemptCount.objects.get().window_ends_at
        with pytest.raises(Wrong):
            fail()

        assert AttemptCount.objects.get().window_ends_at == ends_at


class TestTransactions:
    """The count must outlive what is rolled back."""

    def test_inside_a_transaction_it_refuses_to_begin(self, committed_db):
        with pytest.raises(RuntimeError), transaction.atomic():
            fail()

    def test_the_refused_requests_own_rollback_takes_nothing_back(self, committed_db):
        with pytest.raises(Wrong), limit_failures(TRIES, "somebody", failure=Wrong), transaction.atomic():
            raise Wrong

        assert AttemptCount.objects.get().counted == 1


class TestRaces:
    """Tries at the same moment."""

    def test_parallel_failures_do_not_pass_together(self, committed_db, race):
        def slow_failure() -> None:
            with limit_failures(TRIES, "somebody", failure=Wrong):
                time.sleep(0.2)
                raise Wrong

        outcomes = race(*[slow_failure for _ in range(9)])

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["TooManyAttempts"] * 6 + ["Wrong"] * 3
        assert AttemptCount.objects.get().running == 0

    def test_control_counted_afterwards_all_of_them_pass(self, committed_db, race, monkeypatch):
        monkeypatch.setattr(limits, "_try_to_begin", _begin_without_counting)

        def slow_failure() -> None:
            with limit_failures(TRIES, "somebody", failure=Wrong):
                time.sleep(0.2)
                raise Wrong

        outcomes = race(*[slow_failure for _ in range(9)])

        assert {type(outcome).__name__ for outcome in outcomes} == {"Wrong"}

    def test_parallel_successes_wait_for_each_other_and_all_pass(self, committed_db, race):
        def slow_success() -> str:
            with limit_failures(TRIES, "somebody", failure=Wrong):
                time.sleep(0.1)
            return "passed"

        assert race(*[slow_success for _ in range(9)]) == ["passed"] * 9

    def test_a_try_that_never_ended_holds_its_place_until_the_window_is_over(self, committed_db, monkeypatch):
        monkeypatch.setattr(limits, "WAIT_SECONDS_MAX", 0.1)
        for _ in range(3):
            limits._begin(TRIES, ("somebody",))

        with pytest.raises(TooManyAttempts) as refused:
            fail()
        assert refused.value.retry_after_seconds == 1
        AttemptCount.objects.update(window_ends_at=AttemptCount.objects.get().window_ends_at - timedelta(minutes=1))
        with pytest.raises(Wrong):
            fail()


def _begin_without_counting(limit, digest, now):
    return limits._Running(limit.scope, digest, now)
