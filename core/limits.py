"""
Limited tries: so many per subject in a window of real time, however many run at the same moment.

A try is counted before it starts, so that parallel wrong ones cannot pass the limit together, and
taken back when it turns out to be one that does not count. Where tries that still run would fill
the limit, the next one waits for them a moment: many right ones at once are no reason to refuse.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from core.errors import TooManyAttempts
from core.prepared import Prepared

WAIT_SECONDS_MAX = 5.0
WAIT_STEP_SECONDS = 0.05

_COUNTS = Prepared(
    "attempts_counted",
    """
    SELECT a.scope, a.counted, a.window_ends_at FROM core_attemptcount a
    JOIN unnest(%(scopes)s::text[], %(subjects)s::text[]) AS g(scope, subject) USING (scope, subject)
    """,
)


@dataclass(frozen=True, slots=True)
class Limit:
    """A named limit; `<setting>_MAX` and `<setting>_WINDOW` say how many in how long."""

    scope: str
    setting: str

    @property
    def most(self) -> int:
        return getattr(settings, f"{self.setting}_MAX")

    @property
    def window(self) -> timedelta:
        return getattr(settings, f"{self.setting}_WINDOW")


@contextmanager
def limit_failures(limit: Limit, *subject: str, failure: type[Exception]) -> Iterator[None]:
    """
    One try of the block that counts only if it ends with `failure`: wrong passwords, wrong codes.

    Begin it outside any transaction: the count must survive the rollback of what is refused.

    :raises TooManyAttempts: the limit is reached; also for a right try, or guessing could go on.
    """
    running = _begin(limit, subject)
    try:
        yield
    except failure:
        _end(running, counts=True)
        raise
    except BaseException:
        _end(running, counts=False)
        raise
    _end(running, counts=False)


Tries = tuple[Limit, str]  # What is limited, and whose.


def ensure_below(*limited: Tries) -> None:
    """
    Look, in one statement, whether none of these limits is reached, for tries of which only few fail.

    It counts nothing: `count_failures` does, in the transaction of what failed. Tries that run at the same
    moment as the last one allowed may start; of their failures none is told any more.

    :raises TooManyAttempts: one is.
    """
    now = timezone.now()
    keys = [(limit.scope, _digest(limit, (subject,))) for limit, subject in limited]
    counts = _COUNTS.rows(scopes=[scope for scope, _subject in keys], subjects=[subject for _scope, subject in keys])
    found = {scope: (counted, ends_at) for scope, counted, ends_at in counts}
    for limit, _subject in limited:
        counted, ends_at = found.get(limit.scope, (0, now))
        if ends_at > now and counted >= limit.most:
            raise TooManyAttempts(retry_after_seconds=_seconds_until(ends_at, now))


def count_failures(*limited: Tries) -> None:
    """
    Count one failure against each of these limits, in the caller's transaction, which must commit it.

    :raises TooManyAttempts: one was reached meanwhile; then the caller tells nobody how the try ended.
    """
    now = timezone.now()
    for limit, subject in sorted(limited, key=lambda one: one[0].scope):
        if not _count_failure(limit, _digest(limit, (subject,)), now):
            _counted, ends_at = _state(limit, _digest(limit, (subject,)), now)
            raise TooManyAttempts(retry_after_seconds=_seconds_until(ends_at, now))


@contextmanager
def limit_successes(limit: Limit, *subject: str) -> Iterator[None]:
    """
    One try of the block that counts only if it succeeds: registrations. Otherwise as `limit_failures`.

    :raises TooManyAttempts: the limit is reached.
    """
    running = _begin(limit, subject)
    try:
        yield
    except BaseException:
        _end(running, counts=False)
        raise
    _end(running, counts=True)


@dataclass(frozen=True, slots=True)
class _Running:
    scope: str
    subject: str
    window_ends_at: datetime


def _begin(limit: Limit, subject: tuple[str, ...]) -> _Running:
    digest = _digest(limit, subject)
    patience_ends = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        now = timezone.now()
        began = _try_to_begin(limit, digest, now)
        if began is not None:
            return began
        counted, window_ends_at = _state(limit, digest, now)
        if counted >= limit.most or time.monotonic() > patience_ends:
            seconds = _seconds_until(window_ends_at, now) if counted >= limit.most else 1
            raise TooManyAttempts(retry_after_seconds=seconds)
        time.sleep(WAIT_STEP_SECONDS)


def _digest(limit: Limit, subject: tuple[str, ...]) -> str:
    return salted_hmac(f"core.limits.{limit.scope}", "\0".join(subject), algorithm="sha256").hexdigest()


def _seconds_until(moment: datetime, now: datetime) -> int:
    return max(1, -(-(moment - now) // timedelta(seconds=1)))


def _count_failure(limit: Limit, digest: str, now: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO core_attemptcount AS a (scope, subject, counted, running, window_ends_at)
            VALUES (%(scope)s, %(subject)s, 1, 0, %(ends)s)
            ON CONFLICT (scope, subject) DO UPDATE SET
                counted = CASE WHEN a.window_ends_at <= %(now)s THEN 1 ELSE a.counted + 1 END,
                running = 0,
                window_ends_at = CASE WHEN a.window_ends_at <= %(now)s THEN %(ends)s ELSE a.window_ends_at END
            WHERE a.window_ends_at <= %(now)s OR a.counted < %(most)s
            """,
            {"scope": limit.scope, "subject": digest, "now": now, "ends": now + limit.window, "most": limit.most},
        )
        return cursor.rowcount == 1


def _try_to_begin(limit: Limit, digest: str, now: datetime) -> _Running | None:
    """One statement: a new window where the old one is over, one more running try where there is room."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO core_attemptcount AS a (scope, subject, counted, running, window_ends_at)
            VALUES (%(scope)s, %(subject)s, 0, 1, %(ends)s)
            ON CONFLICT (scope, subject) DO UPDATE SET
                counted = CASE WHEN a.window_ends_at <= %(now)s THEN 0 ELSE a.counted END,
                running = CASE WHEN a.window_ends_at <= %(now)s THEN 1 ELSE a.running + 1 END,
                window_ends_at = CASE WHEN a.window_ends_at <= %(now)s THEN %(ends)s ELSE a.window_ends_at END
            WHERE a.window_ends_at <= %(now)s OR a.counted + a.running < %(most)s
            RETURNING window_ends_at
            """,
            {
                "scope": limit.scope,
                "subject": digest,
                "now": now,
                "ends": now + limit.window,
                "most": limit.most,
            },
        )
        row = cursor.fetchone()
    return None if row is None else _Running(limit.scope, digest, row[0])


def _state(limit: Limit, digest: str, now: datetime) -> tuple[int, datetime]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT counted, window_ends_at FROM core_attemptcount WHERE scope = %s AND subject = %s",
            [limit.scope, digest],
        )
        return cursor.fetchone() or (0, now)


def _end(running: _Running, *, counts: bool) -> None:
    """A window that ended meanwhile took its running tries with it."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE core_attemptcount SET running = running - 1, counted = counted + %s
            WHERE scope = %s AND subject = %s AND window_ends_at = %s
            """,
            [int(counts), running.scope, running.subject, running.window_ends_at],
        )
