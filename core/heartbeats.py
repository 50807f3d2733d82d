"""Who still looks for work: each worker process says so every few seconds, and operators see when the last one did."""

import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.utils.functional import Promise

from core.forgetting import delete_in_chunks
from core.models import Heartbeat

_expected: dict[str, str | Promise] = {}
_said_at: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class LastLook:
    """When the last worker of a kind looked, in seconds of the database's clock, and how many look; None: never."""

    kind: str
    title: str | Promise
    age_seconds: float | None
    workers: int

    @property
    def is_late(self) -> bool:
        return self.age_seconds is None or self.age_seconds > settings.HEARTBEAT_LATE_SECONDS


def expect_looks(kind: str, title: str | Promise) -> None:
    """Say that workers of this kind must be looking; `title` is for people, and translated when it is shown."""
    _expected[kind] = title


def looked(kind: str) -> None:
    """A worker of this kind has looked for work; written every HEARTBEAT_EVERY_SECONDS, however often it looks."""
    now = time.monotonic()
    if now - _said_at.get(kind, float("-inf")) < settings.HEARTBEAT_EVERY_SECONDS:
        return
    _said_at[kind] = now
    worker = f"{kind} {socket.gethostname()[:80]} {os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO core_heartbeat (worker, kind, looked_at) VALUES (%s, %s, clock_timestamp())
            ON CONFLICT (worker) DO UPDATE SET looked_at = EXCLUDED.looked_at
            """,
            [worker, kind],
        )


def last_looks() -> Sequence[LastLook]:
    """Return the last look of every kind that is expected."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT kind, EXTRACT(epoch FROM clock_timestamp() - max(looked_at)),
                   count(*) FILTER (WHERE looked_at > clock_timestamp() - make_interval(secs => %s))
            FROM core_heartbeat GROUP BY kind
            """,
            [settings.HEARTBEAT_LATE_SECONDS],
        )
        found = {kind: (float(age), workers) for kind, age, workers in cursor.fetchall()}
    return [LastLook(kind, title, *found.get(kind, (None, 0))) for kind, title in _expected.items()]


def forget_workers_gone() -> None:
    """Processes have new names when they start again: the old ones' rows go."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT clock_timestamp() - make_interval(secs => %s)", [settings.HEARTBEAT_RETENTION.total_seconds()]
        )
        (before,) = cursor.fetchone()
    delete_in_chunks(Heartbeat.objects.filter(looked_at__lt=before))
