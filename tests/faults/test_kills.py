"""
A worker that is killed, or failed by PostgreSQL, at any statement of a batch leaves a book that another
worker completes: every event once, every hold released once, the counters as if booked one by one.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from django.db import connection

from tests.faults.cases import IN_ANY_ORDER, findings, one_by_one, prepare, put_in_force, work
from tests.faults.dooms import Doom, Failure, Freeze, Moment, end_all, start, statements_of
from tests.histories import MINOR_MAX, draw

# One batch with all the statements that a batch can have: new accounts, holds, a version that is looked up, a
# journal that is not covered and is rolled back, and deliveries that are parked. It comes to the same in any
# order of its subjects, so that two workers can share it.
HISTORY = [
    ("top_up", "acc_A", "GBP", 5, 0),
    ("pay", "acc_A", "acc_B", "GBP", 50, 2),
    ("pay", "acc_B", "acc_A", "KWD", 33, -2),
    ("refund", 0, 7, 1),
    ("release", 1, 20, 3),
    ("reverse_earnings", 0, 9, 0),
    ("withdraw", "acc_C", "JPY", 60, 0),
    ("withdraw", "acc_C", "JPY", 9 * MINOR_MAX, -1),
    ("promise_and_withdraw", "acc_A", "GBP", 11, 0),
    ("contradict", "acc_B", "GBP", 4, 0),
]
RANDOM_HISTORIES = 5
A_TURN_SECONDS = 0.05  # Enough to book a batch, or to run into a lock.
_numbers = count(1)


def new_tag() -> str:
    return f"h{next(_numbers)}"


@pytest.fixture
def brief_times(committed_db: Any, settings: Any) -> None:
    """Everything is due at once, and what failed is tried again at once."""
    settings.DELIVERY_BACKOFF_SECONDS = 0.005
    put_in_force(period_ms=1)


@dataclass(frozen=True)
class Undisturbed:
    """What a worker sends to book the history (first words), and what comes of it one by one."""

    sent: list[str]
    effects: dict[str, Any]

    def kills(self, *moments: Moment) -> Iterator[Doom]:
        """All of these at every statement; only a COPY can end half sent."""
        for place, first_word in enumerate(self.sent, 1):
            for moment in moments:
                if first_word == "COPY" or moment is not Moment.HALF_SENT:
                    yield Doom(place, moment)


@pytest.fixture
def undisturbed(brief_times: None) -> Undisturbed:
    for _once in ("the accounts that all histories share are new to the first", "and no more"):
        case = prepare(new_tag(), HISTORY)
        expected = one_by_one(case)
        sent = statements_of(work)
        assert case.effects() == expected
    assert {"COPY", "SAVEPOINT", "ROLLBACK", "INSERT", "WITH", "DELETE", "UPDATE", "COMMIT"} <= set(sent)
    return Undisturbed(sent, expected)


class TestKilled:
    """`kill -9` before, during and after every statement, COMMIT included."""

    def test_at_every_statement(self, undisturbed: Undisturbed) -> None:
        after_the_last = Doom(len(undisturbed.sent), Moment.AFTER)  # After any other one is before the next.
        dooms = [*undisturbed.kills(Moment.BEFORE, Moment.DURING, Moment.HALF_SENT), after_the_last]
        for doom in dooms:
            case = prepare(new_tag(), HISTORY)

            assert start(work, doom).end(), f"It was not killed {doom}."
            work()

            assert case.effects() == undisturbed.effects, str(doom)
        assert findings() == []

    @pytest.mark.parametrize("seed", range(3))
    def test_beside_another_worker(self, undisturbed: Undisturbed, seed: int) -> None:
        """What the dead one had in hand, the other one books."""
        chance = random.Random(seed)
        for _ in range(RANDOM_HISTORIES):
            case = prepare(new_tag(), draw(chance, facts=20, kinds=IN_ANY_ORDER))
            expected = one_by_one(case)
            doom = Doom(chance.randint(1, len(undisturbed.sent)), chance.choice(list(Moment)))

            doomed, other = start(work, doom), start(work)
            assert not end_all([doomed, other])[1]

            assert case.effects() == expected, f"{doom}, {case.tag} of seed {seed}"
        assert findings() == []


class TestFrozen:
    """
    A worker stops moving with everything in its hands, and another one comes along.

    Every statement of a batch is met by a whole turn of the other one, which books what it can have, and waits
    for the rest.
    """

    def test_at_every_statement(self, undisturbed: Undisturbed) -> None:
        """It is thawed again, or killed, taking turns."""
        for place in range(1, len(undisturbed.sent) + 1):
            doom, case, is_thawed = Doom(place, Freeze.BEFORE), prepare(new_tag(), HISTORY), place % 2 == 0

            frozen = start(work, doom)
            frozen.until_frozen()
            other = start(work)
            time.sleep(A_TURN_SECONDS)
            frozen.thaw() if is_thawed else frozen.kill()

            assert frozen.end() is not is_thawed
            assert not other.end()
            assert case.effects() == undisturbed.effects, str(doom)
        assert findings() == []

    def test_for_good_it_loses_what_it_holds(self, undisturbed: Undisturbed) -> None:
        """PostgreSQL ends a transaction that nobody goes on with; a worker so ended goes on with the next."""
        locked = Doom(undisturbed.sent.index("WITH") + 1, Freeze.BEFORE)
        case = prepare(new_tag(), HISTORY)

        frozen = start(work, locked, database_options="-c idle_in_transaction_session_timeout=300")
        frozen.until_frozen()
        work()
        assert case.effects() == undisturbed.effects
        late = prepare(new_tag(), HISTORY)
        frozen.thaw()

        assert not frozen.end()
        assert late.effects() == undisturbed.effects

    def test_every_session_has_that_limit(self, committed_db: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW idle_in_transaction_session_timeout")
            assert cursor.fetchone() == ("30s",)


class TestFailed:
    """The worker lives, and PostgreSQL fails its statement: it puts the batch back and books it later."""

    def test_at_every_statement(self, undisturbed: Undisturbed) -> None:
        """Cut connections, deadlocks and time-outs take turns: to the worker they are the same."""
        failures = (Failure.CUT, Failure.DEADLOCK, Failure.CUT, Failure.TIMEOUT)
        for place in range(1, len(undisturbed.sent) + 1):
            doom = Doom(place, failures[place % len(failures)])
            case = prepare(new_tag(), HISTORY)

            assert not start(work, doom).end(), "It was killed."

            assert case.effects() == undisturbed.effects, str(doom)
        assert findings() == []
