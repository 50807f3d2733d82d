"""
Several workers at once on the same accounts: the same journals, transfers and counters as one by one, in order
within each subject, and no deadlock.
"""

import random
import time
from functools import partial
from typing import Any

import pytest
from django.db import connection

from ledger import posting
from tests.faults.cases import IN_ANY_ORDER, Case, findings, one_by_one, prepare, put_in_force, work
from tests.faults.dooms import end_all, start
from tests.histories import draw

WORKERS = 3
FACTS = 45  # Three people and a platform: every account is hot.
HISTORIES = 2
TRIES = 10


@pytest.fixture
def small_batches(committed_db: Any, settings: Any) -> None:
    """A history takes many batches."""
    settings.DELIVERY_BACKOFF_SECONDS = 0.01
    put_in_force(period_ms=1, max_transfers=7, max_accounts=9)


def deadlocks() -> int:
    """As PostgreSQL counts them in this database; sessions that have ended are in it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


def overtaken(case: Case) -> list[tuple[Any, ...]]:
    """Pairs of one subject of which the later one was booked before the earlier one."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT subject, event_id, before FROM (
                SELECT e.subject, j.event_id, b.booked_at, lag(j.event_id) OVER in_order AS before,
                       lag(b.booked_at) OVER in_order AS booked_before
                FROM ledger_journal j
                JOIN events_eventrecord e ON e.id = j.event_id
                JOIN ledger_batch b ON b.id = j.batch_id
                WHERE j.event_id > %s
                WINDOW in_order AS (PARTITION BY e.subject ORDER BY j.event_id)
            ) booked WHERE booked_at < booked_before
            """,
            [case.after],
        )
        return cursor.fetchall()


def batches(case: Case) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT batch_id) FROM ledger_journal WHERE event_id > %s", [case.after])
        return cursor.fetchone()[0]


class TestSeveralWorkers:
    @pytest.mark.parametrize("seed", range(2))
    def test_book_the_same_as_one_by_one(self, small_batches: None, seed: int) -> None:
        chance = random.Random(seed)
        for number in range(HISTORIES):
            case = prepare(f"s{seed}n{number}", draw(chance, facts=FACTS, kinds=IN_ANY_ORDER))
            expected = one_by_one(case)

            workers = [start(work) for _ in range(WORKERS)]
            assert not any(end_all(workers))

            assert case.effects() == expected, f"history {number} of seed {seed}"
            assert overtaken(case) == []
            assert batches(case) > WORKERS
        assert findings() == []
        assert deadlocks() == 0

    def test_control_in_no_order_they_lock_each_other_out_and_the_victims_are_booked_later(
        self, small_batches: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        in_order = posting._execute

        def lock_in_no_order_first(statement: str, parameters: Any) -> int:
            account_ids = parameters["ids"].strip("{}").split(",")
            for account_id in random.sample(account_ids, len(account_ids)):
                posting._lock_accounts([int(account_id)], ())
                time.sleep(0.002)
            return in_order(statement, parameters)

        monkeypatch.setattr(posting, "take_turn", lambda: None)
        monkeypatch.setattr(posting, "_execute", lock_in_no_order_first)
        for number in range(TRIES):
            case = prepare(f"d{number}", draw(random.Random(number), facts=FACTS // 2, kinds=IN_ANY_ORDER))
            expected = one_by_one(case)

            workers = [start(partial(work_by_own_chance, seed)) for seed in range(WORKERS)]
            assert not any(end_all(workers))

            assert case.effects() == expected, f"history {number}"
            if deadlocks():
                return
        pytest.fail("There never was a deadlock.")


def work_by_own_chance(seed: int) -> None:
    """Forked processes would all draw the same."""
    random.seed(seed)
    work()
