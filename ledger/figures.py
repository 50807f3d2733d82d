"""What /metrics shows of booking: the newest batches by trigger, their size and their lag."""

from collections.abc import Iterator

from django.conf import settings
from django.db import connection

from core.metrics import register_gauge

_RECENT = """
SELECT trigger, count(*), sum(events_count), sum(transfers_count), max(EXTRACT(epoch FROM booked_at - opened_at))
FROM ledger_batch WHERE booked_at > clock_timestamp() - make_interval(secs => %s) GROUP BY trigger
"""


def register() -> None:
    """Figures of the batches of the last minute (METRICS_WINDOW_SECONDS)."""
    for place, (name, text) in enumerate(
        (
            ("marketplace_batches_recent", "Batches of the window, by what cut them."),
            ("marketplace_batch_events_recent", "Events booked in the window, by what cut their batch."),
            ("marketplace_batch_transfers_recent", "Transfers booked in the window, by what cut their batch."),
            ("marketplace_booking_lag_seconds", "Longest time from event to booking in the window."),
        ),
        start=1,
    ):
        register_gauge(name, text, lambda place=place: _recent(place), labels=["trigger"])  # type: ignore[misc]


def _recent(place: int) -> Iterator[tuple[list[str], float]]:
    with connection.cursor() as cursor:
        cursor.execute(_RECENT, [settings.METRICS_WINDOW_SECONDS])
        for row in cursor.fetchall():
            yield [row[0]], float(row[place])
