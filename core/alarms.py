"""
Alarms: how often something has happened to everybody together, in a window of real time.

An alarm refuses nothing. Who is right is let through however many others are wrong, or an attacker could shut
everybody out; it tells people, who look. One loud line is logged per window, and /metrics shows the count.
"""

from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from core.metrics import register_gauge

EVERYBODY = "everybody"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A named alarm; `<setting>_MAX` and `<setting>_WINDOW` say after how many in how long it is raised."""

    name: str
    setting: str

    @property
    def most(self) -> int:
        return getattr(settings, f"{self.setting}_MAX")

    @property
    def window(self) -> timedelta:
        return getattr(settings, f"{self.setting}_WINDOW")


def register_alarm(alarm: Alarm, help: str) -> None:
    """Show an alarm in /metrics: `marketplace_<name>`, the count, and `marketplace_<name>_alarm`, 1 while raised."""
    register_gauge(f"marketplace_{alarm.name}", help, lambda: [((), count_of(alarm))])
    raised = f"1 while marketplace_{alarm.name} is more than {alarm.setting}_MAX."
    register_gauge(f"marketplace_{alarm.name}_alarm", raised, lambda: [((), int(count_of(alarm) > alarm.most))])


def count_towards(alarm: Alarm) -> None:
    """
    Count one more, and say it loudly where that is the first one too many of this window.

    Begin it outside any transaction: the count must survive the rollback of what is counted.
    """
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO core_attemptcount AS a (scope, subject, counted, running, window_ends_at)
            VALUES (%(name)s, %(everybody)s, 1, 0, %(ends)s)
            ON CONFLICT (scope, subject) DO UPDATE SET
                counted = CASE WHEN a.window_ends_at <= %(now)s THEN 1 ELSE a.counted + 1 END,
                window_ends_at = CASE WHEN a.window_ends_at <= %(now)s THEN %(ends)s ELSE a.window_ends_at END
            RETURNING counted, window_ends_at
            """,
            {
                "name": alarm.name,
                "everybody": EVERYBODY,
                "now": timezone.now(),
                "ends": timezone.now() + alarm.window,
            },
        )
        counted, window_ends_at = cursor.fetchone()
    if counted == alarm.most + 1:  # Each count is handed out once: of all processes, one says it.
        log.error(f"alarm_{alarm.name}", most=alarm.most, window_ends_at=window_ends_at.isoformat())


def count_of(alarm: Alarm) -> int:
    """Return how many there are in the present window."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT counted FROM core_attemptcount WHERE scope = %s AND subject = %s AND window_ends_at > %s",
            [alarm.name, EVERYBODY, timezone.now()],
        )
        return (cursor.fetchone() or (0,))[0]
