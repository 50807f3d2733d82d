"""One caller of the API over a connection of its own; nothing of the house is imported here."""

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 60.0
BUSY_PAUSE_SECONDS = 0.5
BUSY_TRIES_MAX = 20
BUSY = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: Any

    @property
    def code(self) -> str:
        return self.body.get("code", "") if isinstance(self.body, dict) else ""


class Unexpected(Exception):
    """The server answered something that no till can make sense of."""


class Caller:
    """`Caller(url, "Bearer …").post("/orders", {...})`; one thread each."""

    def __init__(self, url: str, authorization: str = "") -> None:
        parts = urlsplit(url)
        self.host, self.authorization = parts.netloc, authorization
        self.url = url
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def post(self, path: str, body: Any = None, *, key: str = "") -> Answer:
        return self.send("POST", path, body, key=key)

    def send(self, method: str, path: str, body: Any = None, *, key: str = "") -> Answer:
        """Send one request; a server that asks for a moment's patience gets it."""
        for _ in range(BUSY_TRIES_MAX):
            answer = self._send_once(method, path, body, key)
            if answer.status not in BUSY:
                return answer
            time.sleep(BUSY_PAUSE_SECONDS)
        raise Unexpected(f"{method} {path}: {answer.status} {answer.code} for {BUSY_TRIES_MAX} times")

    def hang_up(self, path: str, body: Any, *, after_seconds: float) -> None:
        """Send a request and cut the connection without hearing the answer, which may be on its way or not."""
        raw = json.dumps(body).encode()
        headers = {"Authorization": self.authorization, "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(self.host, timeout=TIMEOUT_SECONDS)
        connection.request("POST", f"/api/v1{path}", raw, headers)
        time.sleep(after_seconds)
        connection.close()

    def twin(self) -> "Caller":
        """The same caller with a connection of its own, for two requests at once."""
        return Caller(self.url, self.authorization)

    def _send_once(self, method: str, path: str, body: Any, key: str) -> Answer:
        headers = {"Authorization": self.authorization} if self.authorization else {}
        if key:
            headers["Idempotency-Key"] = key
        raw = None
        if body is not None:
            raw, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        response, text = self._exchange(method, f"/api/v1{path}", raw, headers)
        return Answer(response.status, json.loads(text) if text else None)

    def _exchange(
        self, method: str, path: str, raw: bytes | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """A connection that the server has closed while it was idle is opened anew: nothing was sent by it."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self.host, timeout=TIMEOUT_SECONDS)
        try:
            self._connection.request(method, path, raw, headers)
            response = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self._connection.close()
            self._connection.request(method, path, raw, headers)
            response = self._connection.getresponse()
        return response, response.read()
