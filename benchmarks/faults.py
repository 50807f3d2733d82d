"""
Booking made-up histories while workers are killed, frozen and failed at random statements.

`python -m benchmarks.faults` books each history with one to three workers on a scratch database of the tests'
servers (PostgreSQL itself is not killed here, so it need not be durable). Most of the workers meet something:
`kill -9` before, during or after a statement or in the middle of a COPY, SIGSTOP, a cut connection, a deadlock,
a time-out. Then another worker goes on, and the book must be what one by one makes of the history: every event
once and in order within its subject, every hold released once, the counters right; and `verify_books` must find
nothing.

`HISTORIES=1000` is how many; `SEED` repeats a run. Exit code 1 where anything was not as it must be.
"""

import logging
import os
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from benchmarks.harness.scratch import scratch_database, set_up

HISTORIES = int(os.environ.get("HISTORIES", "200"))
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
DATABASE = "faults"
FACTS_MAX = 25
STATEMENT_MAX = 90  # Of a few batches; a doom beyond the last statement is never met.
SPARED = 0.2  # Of the workers.
FROZEN_SECONDS_MAX = 0.1
RULES_EVERY = 25  # Histories; then other counts are in force, and the whole book is verified.


@dataclass
class Tally:
    """What was tried, and what broke."""

    histories: int = 0
    facts: int = 0
    met: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings.test"
    set_up()
    logging.disable(logging.CRITICAL)  # Every kill would be a traceback.
    from django.conf import settings

    settings.DELIVERY_BACKOFF_SECONDS = 0.005
    print(f"SEED={SEED} HISTORIES={HISTORIES}", flush=True)
    began, tally = time.monotonic(), Tally()
    with scratch_database(DATABASE):
        for number in range(HISTORIES):
            chance = random.Random(f"{SEED} {number}")
            if number % RULES_EVERY == 0:
                _verify(tally)
                print(f"  {number:6} histories, {len(tally.broken)} breaks", flush=True)
                _change_rules(chance)
            _try(number, chance, tally)
        _verify(tally)
        deadlocks = _deadlocks()
    _report(tally, deadlocks, time.monotonic() - began)
    return 1 if tally.broken else 0


def _try(number: int, chance: random.Random, tally: Tally) -> None:
    """One history, from its facts to its book."""
    from tests.faults.cases import IN_ANY_ORDER, one_by_one, prepare, work
    from tests.faults.dooms import end_all, start
    from tests.faults.test_two_workers import overtaken
    from tests.histories import draw

    history = draw(chance, facts=chance.randint(1, FACTS_MAX), kinds=IN_ANY_ORDER)
    case = prepare(f"s{SEED}n{number}", history)
    expected = one_by_one(case)
    dooms = [_draw_doom(chance) for _ in range(chance.randint(1, 3))]
    workers = [start(work, doom) for doom in dooms]
    killed = end_all(workers, when_frozen=partial(_wake_or_kill, chance))
    work()
    tally.histories += 1
    tally.facts += len(history)
    for doom, was_killed in zip(dooms, killed, strict=True):
        if doom:
            tally.met[f"{doom.how.value}{', killed' if was_killed else ', lived'}"] += 1
    if case.effects() != expected:
        tally.broken.append(f"history {number}: not what one by one makes, {_said(dooms)}")
    if overtaken(case):
        tally.broken.append(f"history {number}: out of order, {_said(dooms)}")


def _draw_doom(chance: random.Random) -> Any:
    from tests.faults.dooms import Doom, Failure, Freeze, Moment

    if chance.random() < SPARED:
        return None
    return Doom(chance.randint(1, STATEMENT_MAX), chance.choice([*Moment, *Freeze, *Failure]))


def _wake_or_kill(chance: random.Random, worker: Any) -> None:
    time.sleep(chance.random() * FROZEN_SECONDS_MAX)
    worker.thaw() if chance.random() < 0.5 else worker.kill()


def _change_rules(chance: random.Random) -> None:
    from tests.faults.cases import put_in_force

    put_in_force(period_ms=1, max_transfers=chance.choice([3, 10, 10_000]), max_accounts=chance.choice([4, 12, 2500]))


def _verify(tally: Tally) -> None:
    from tests.faults.cases import findings

    tally.broken += findings()


def _deadlocks() -> int:
    from tests.faults.test_two_workers import deadlocks

    return deadlocks()


def _said(dooms: list[Any]) -> str:
    return "; ".join(str(doom or "spared") for doom in dooms)


def _report(tally: Tally, deadlocks: int, seconds: float) -> None:
    workers = sum(tally.met.values())
    print(f"{tally.histories} histories of {tally.facts} facts, {workers} workers with a doom, {seconds:.0f} s")
    for how, times in sorted(tally.met.items()):
        print(f"  {times:6} {how}")
    print(f"Deadlocks of their own: {deadlocks}. Breaks: {len(tally.broken)}.")
    for broken in tally.broken:
        print(f"  {broken}")


if __name__ == "__main__":
    sys.exit(main())
