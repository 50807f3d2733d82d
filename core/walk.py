"""Walking a whole table in ranges of its key: one short query each, so that no snapshot grows old."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.conf import settings
from django.db import connection

Listener = Callable[[int, int], None]  # How many keys are walked, and how many there are.

_since: ContextVar[datetime | None] = ContextVar("walk_since", default=None)
_listener: ContextVar[Listener | None] = ContextVar("walk_listener", default=None)


def key_ranges(
    table: str, key: str = "id", *, width: int | None = None, lowest_key: int | None = None
) -> Iterator[tuple[int, int]]:
    """
    Yield the first and last key of each range, over all keys that the table has now, or from `lowest_key` on.

    Whoever listens (`telling`) hears how far the walk is. Tables and keys are names of ours.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COALESCE(min({key}), 0), COALESCE(max({key}), -1) FROM {table}")  # noqa: S608
        lowest, highest = cursor.fetchone()
    lowest = lowest if lowest_key is None else max(lowest, lowest_key)
    total = highest - lowest + 1
    for first in range(lowest, highest + 1, width or settings.CHECK_ROWS_AT_ONCE):
        last = min(first + (width or settings.CHECK_ROWS_AT_ONCE) - 1, highest)
        yield first, last
        tell(last - lowest + 1, total)


def tell(done: int, total: int) -> None:
    """Say how far a walk is, to whoever listens."""
    listener = _listener.get()
    if listener is not None:
        listener(done, total)


def walked_since() -> datetime | None:
    """From which booking on to look, where only the newer part of the books is asked for; None for all."""
    return _since.get()


@contextmanager
def walking_since(moment: datetime | None) -> Iterator[None]:
    """Inside, checks that can look only at what was booked from a moment on."""
    token = _since.set(moment)
    try:
        yield
    finally:
        _since.reset(token)


@contextmanager
def telling(listener: Listener) -> Iterator[None]:
    """Inside, `listener` hears how far each walk is."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
