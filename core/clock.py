"""
The house's clock. Services are passed `now`; only the edges (views, tasks, commands) ask for it.

Pay codes, orders, releases and holds follow it; log-in sessions, rate limits, batch ages and
`booked_at` follow the machine (docs/api.md). The offset is read once per request or task.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import blake2s

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.utils import timezone

from core.errors import ClockTooFar
from core.models import ClockOffset
from core.prepared import Prepared


@dataclass(slots=True)
class _Reading:
    """The offset as one request or task has read it, once it has."""

    offset: timedelta | None = None


_reading: ContextVar[_Reading | None] = ContextVar("clock_reading", default=None)
_OFFSET = Prepared("clock_offset", "SELECT offset_seconds FROM core_clockoffset WHERE id = 1")
_RUNNER_LOCK = 0x434C4F434B  # "CLOCK", beside the 64-bit digests that idempotency keys lock.
_WAIT_STEP_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Timed:
    """What runs when it is due, and a SELECT that finds a row whenever there may be something to do by `%(now)s`."""

    run: Callable[[datetime], int]
    if_any: str


_timed: dict[str, Timed] = {}


def now() -> datetime:
    """Return the house's present moment, in UTC."""
    ahead = offset()  # Read first: asking the database takes time, and that time has passed.
    return timezone.now() + ahead


def offset() -> timedelta:
    """Return how far the house's clock is ahead; zero, without asking the database, in production."""
    if not settings.CLOCK_ADJUSTABLE:
        return timedelta()
    reading = _reading.get() or _Reading()
    if reading.offset is None:
        found = _OFFSET.row()
        reading.offset = timedelta(seconds=found[0] if found else 0)
    return reading.offset


@contextmanager
def read_once() -> Iterator[None]:
    """Read the offset at most once inside; outside, every look is a look at the row."""
    token = _reading.set(_Reading())
    try:
        yield
    finally:
        _reading.reset(token)


def runs_when_due(name: str, *, if_any: str) -> Callable[[Callable[[datetime], int]], Callable[[datetime], int]]:
    """
    Register a function that runs the timed transitions due at `now` and returns how many it ran.

    `if_any`: a SELECT that finds a row whenever there may be something to do by `%(now)s`, from an index. One statement
    asks for all rooms, every second; where it finds nothing, the function is not called.
    """

    def register(run: Callable[[datetime], int]) -> Callable[[datetime], int]:
        _timed[name] = Timed(run, if_any)
        return run

    return register


def run_due(at: datetime) -> int:
    """
    Run every timed transition due by `at`, also those that the first ones make due; return how many.

    One process at a time; a second one waits for the first.

    :raises ExceptionGroup: some failed; the others have run.
    """
    with _only_runner(wait=True):
        return _run_due(at)


def run_due_unless_running() -> int:
    """What the timed task does: run what is due by now, unless somebody is at it already."""
    with _only_runner(wait=False) as alone:
        return _run_due(now()) if alone else 0


def advance(seconds: int) -> None:
    """
    Move the house's clock forward and run every timed transition due by then.

    Moving twice moves twice; dying in the middle leaves transitions to the next tick of the timed task.

    :raises ClockTooFar: it would go beyond `CLOCK_OFFSET_SECONDS_MAX`.
    """
    ClockOffset.objects.get_or_create(id=1)
    near_enough = ClockOffset.objects.filter(id=1, offset_seconds__lte=settings.CLOCK_OFFSET_SECONDS_MAX - seconds)
    if not near_enough.update(offset_seconds=F("offset_seconds") + seconds):
        raise ClockTooFar
    reading = _reading.get()
    if reading is not None:
        reading.offset = None
    run_due(now())


def _run_due(at: datetime) -> int:
    """One room's fault keeps no other room's transitions from running, and is raised when they have."""
    total, failures = 0, dict[str, Exception]()
    while ran := sum(_run_one(name, at, failures) for name in _maybe_due(at)):
        total += ran
    if failures:
        raise ExceptionGroup(f"Timed transitions failed: {', '.join(failures)}", list(failures.values()))
    return total


def _maybe_due(at: datetime) -> list[str]:
    """Return whose `if_any` finds something now."""
    names = list(_timed)
    if not names:
        return []
    found = _look_for(tuple(_timed[name].if_any for name in names)).rows(now=at)
    return [names[place] for (place,) in found]


@cache
def _look_for(selects: tuple[str, ...]) -> Prepared:
    """All of them in one statement, which is planned once for each connection."""
    asked = " UNION ALL ".join(f"SELECT {place} AS place WHERE EXISTS ({any_})" for place, any_ in enumerate(selects))
    name = f"timed_transitions_{blake2s(asked.encode(), digest_size=4).hexdigest()}"
    return Prepared(name, f"SELECT place FROM ({asked}) due ORDER BY place")  # noqa: S608 - the rooms' own texts


def _run_one(name: str, at: datetime, failures: dict[str, Exception]) -> int:
    if name in failures:
        return 0
    try:
        return _timed[name].run(at)
    except Exception as failure:  # noqa: BLE001 - raised by the caller, after the other rooms' turn
        failures[name] = failure
        return 0


@contextmanager
def _only_runner(*, wait: bool) -> Iterator[bool]:
    """
    Only one process runs timed transitions: their rows are taken with SKIP LOCKED, so that a second one
    would pass over what the first has in hand and report too early that nothing is left.
    """
    while not (alone := _try_lock()) and wait:
        time.sleep(_WAIT_STEP_SECONDS)
    try:
        yield alone
    finally:
        if alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_RUNNER_LOCK])


def _try_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_RUNNER_LOCK])
        return cursor.fetchone()[0]
