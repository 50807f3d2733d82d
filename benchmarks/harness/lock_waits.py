"""Who waits for whose row lock, looked at every few milliseconds over a connection of its own."""

import threading
from collections import Counter
from types import TracebackType
from typing import Any

EVERY_SECONDS = 0.003

# Who waits for a row waits for its owner's transaction, which is of no database and of no table; but it has the
# heavyweight lock of that row, or waits for it behind others, and so the table can be told.
_WAITING = """
SELECT COALESCE(t.relation::regclass::text, w.locktype), a.query
FROM pg_locks w JOIN pg_stat_activity a ON a.pid = w.pid
LEFT JOIN pg_locks t ON t.pid = w.pid AND t.locktype = 'tuple' AND t.database = a.datid
WHERE NOT w.granted AND a.datname = current_database() AND w.pid <> pg_backend_pid()
"""


class LockWaits:
    """`with LockWaits() as seen: …; seen.by_table`: how often somebody was seen waiting for a row of which table."""

    def __init__(self) -> None:
        self.looks = 0
        self.by_table: Counter[str] = Counter()
        self.queries: list[tuple[str, str]] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look_until_over, daemon=True)

    def __enter__(self) -> "LockWaits":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_over.set()
        self._thread.join()

    def naming(self, *texts: str) -> int:
        """Return how often somebody was seen waiting with a statement that names one of these."""
        return sum(any(text in query for text in texts) for _table, query in self.queries)

    def _look_until_over(self) -> None:
        from django.db import connection

        try:
            with connection.cursor() as cursor:
                while not self._is_over.wait(EVERY_SECONDS):
                    self._look(cursor)
        finally:
            connection.close()

    def _look(self, cursor: Any) -> None:
        cursor.execute(_WAITING)
        found = cursor.fetchall()
        self.looks += 1
        self.queries += found
        self.by_table.update(table for table, _query in found)
