"""A caller of the API in the benchmark's own process: what is timed is the house, not the network."""

import logging
import time
from typing import Any

UNCOUNTED = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")  # As the statement budgets count.


class Caller:
    """One session of an API client; it times what it asks."""

    def __init__(self, token: str) -> None:
        from django.test import Client

        logging.disable(logging.INFO)
        self.client, self.token = Client(SERVER_NAME="localhost"), token

    def ask(self, method: str, path: str, body: Any = None) -> tuple[float, Any]:
        """Return the seconds that one request took, and its answer."""
        send = getattr(self.client, method)
        headers = {"Authorization": f"Bearer {self.token}"}
        began = time.perf_counter()
        answer = send(f"/api/v1{path}", body, content_type="application/json", headers=headers)
        seconds = time.perf_counter() - began
        assert answer.status_code == 200, answer.content
        return seconds, answer.json()

    def statements(self, call: Any) -> list[str]:
        """Return the statements of a call, as the budgets count them."""
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as seen:
            call()
        return [query["sql"] for query in seen.captured_queries if not query["sql"].startswith(UNCOUNTED)]
