"""Locks with a name, for commands of which only one may run at a time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import InterfaceError, OperationalError, connection

_PAUSE_SECONDS = 0.1


@contextmanager
def only_one(name: str, *, wait_seconds_max: float) -> Iterator[bool]:
    """
    Keep a name to oneself inside this block; yields whether it was to be had in time.

    The lock is the connection's and goes with it: a killed command leaves none behind.
    """
    given_up_at = time.monotonic() + wait_seconds_max
    while not (is_ours := _answer("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", name)):
        if time.monotonic() > given_up_at:
            break
        time.sleep(_PAUSE_SECONDS)
    try:
        yield is_ours
    finally:
        if is_ours:
            with suppress(OperationalError, InterfaceError):  # Lost with the connection.
                _answer("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", name)


def _answer(statement: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [name])
        return cursor.fetchone()[0]
