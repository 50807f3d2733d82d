"""
Events from outside keep coming while what books them is killed, frozen and emptied, and each is booked once.

The sender does what API.md tells it: it repeats a request until it is answered.
"""

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.house import CHILDREN, House, wait_for

MONEY_WORKER = CHILDREN[0]
DEMO_PASSWORD = "open-every-door"
PASSWORD = "quiet-river-stone"
MINOR = 7
BETWEEN_SECONDS = 1.0  # Enough events are on their way at each fault, and the house recovers in between.
FROZEN_SECONDS = 1.5
SETTLED_SECONDS_MAX = 120.0


class Sender(threading.Thread):
    """A payment server that tops up one wallet, again and again, until it is told to stop."""

    def __init__(self, house: House, owner: str) -> None:
        super().__init__(daemon=True)
        self._house, self._owner = house, owner
        self._stopping = threading.Event()
        self._token = log_in(house, "olivia", DEMO_PASSWORD)
        self.answered = 0

    def run(self) -> None:
        while not self._stopping.is_set():
            if self._send(self.answered):
                self.answered += 1

    def stop(self) -> None:
        self._stopping.set()
        self.join(timeout=60)

    def _send(self, number: int) -> bool:
        body = {
            "type": "wallet.topped_up",
            "key": f"{self._owner} {number}",
            "parameters": {"provider": "psp"},
            "parties": {"owner": self._owner},
            "amounts": {"amount": MINOR},
            "currency": "GBP",
            "occurred_at": "2026-05-01T12:00:00Z",
        }
        headers = {"authorization": f"Bearer {self._token}", "idempotency_key": body["key"]}
        try:
            return self._house.call("POST", "/api/v1/billing/events", body, **headers).status == 202
        except OSError:
            return False


def log_in(house: House, username: str, password: str) -> str:
    opened = house.call("POST", "/api/v1/sessions", {"username": username, "password": password})
    assert opened.status == 201, opened.body
    return opened.json()["token"]


@pytest.fixture
def owner(house: House) -> tuple[str, str]:
    """A new account: its id, and a token."""
    person = {"username": "taxi-driver", "password": PASSWORD, "kind": "personal", "side": "buyer", "name": "Driver"}
    registered = house.call("POST", "/api/v1/accounts", person)
    assert registered.status == 201, registered.body
    return registered.json()["id"], log_in(house, "taxi-driver", PASSWORD)


def posted(house: House, token: str) -> int:
    answer = house.call("GET", "/api/v1/wallet", authorization=f"Bearer {token}")
    return next((b["posted"] for b in answer.json()["balances"] if b["currency"] == "GBP"), 0)


class TestBookingThroughFaults:
    def test_each_event_that_was_answered_is_booked_once(self, house: House, owner: tuple[str, str]) -> None:
        owner_id, token = owner
        sender = Sender(house, owner_id)
        sender.start()
        for fault in faults(house):
            sent = sender.answered
            wait_for(lambda sent=sent: sender.answered > sent, seconds=SETTLED_SECONDS_MAX)
            time.sleep(BETWEEN_SECONDS)
            fault()
        wait_for(lambda: house.is_whole() and house.answers(), seconds=SETTLED_SECONDS_MAX)
        sender.stop()

        expected: Any = sender.answered * MINOR
        wait_for(lambda: posted(house, token) >= expected, house.describe, seconds=SETTLED_SECONDS_MAX)
        time.sleep(BETWEEN_SECONDS)
        assert posted(house, token) == expected
        checked = house.manage("verify_books")
        findings, errors = checked.communicate(timeout=SETTLED_SECONDS_MAX)
        assert checked.returncode == 0, findings + errors


def faults(house: House) -> list[Callable[[], None]]:
    def freeze(send: Callable[[int], None]) -> None:
        send(signal.SIGSTOP)
        time.sleep(FROZEN_SECONDS)
        send(signal.SIGCONT)

    return [
        lambda: house.kill_server("PostgreSQL"),
        lambda: house.kill_child(MONEY_WORKER),
        house.flush_redis,
        lambda: freeze(lambda number: house.send_server("Redis", number)),
        lambda: freeze(lambda number: house.send_child(MONEY_WORKER, number)),
        lambda: house.kill_server("PostgreSQL"),
        lambda: house.kill_server("Redis"),
    ]
