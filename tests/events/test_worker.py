"""A real worker hears the doorbell at once, and does without it when Redis is flushed, frozen or dead."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from events import doorbell
from events.doorbell import ring
from ledger.models import Batch
from tests.money_facts import account_id, balance, top_up
from tests.real_worker import Redis, running_redis, running_worker, wait_for, waits

PERIOD_SECONDS = 0.5


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Redis]:
    with running_redis(tmp_path) as running:
        yield running


@pytest.fixture
def worker(committed_db: Any, redis_server: Redis, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with running_worker(committed_db, redis_server, tmp_path / "worker.log") as process:
        yield process


def seconds_to_book(minor: int) -> float:
    owner = account_id()
    began = time.monotonic()
    top_up(owner, minor)
    wait_for(lambda: balance(f"wallet:{owner}") == minor)
    return time.monotonic() - began


class TestWorker:
    def test_books_within_the_period_whatever_happens_to_redis(
        self, redis_server: Redis, worker: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(doorbell, "_bell", doorbell._Bell())
        assert seconds_to_book(7) >= PERIOD_SECONDS
        assert Batch.objects.order_by("-id")[0].trigger == "period"

        with redis_server.client() as client:
            client.flushall()
        seconds_to_book(9)

        redis_server.send(signal.SIGSTOP)
        began = time.monotonic()
        top_up(account_id(), 3)
        assert time.monotonic() - began < 1, "A frozen Redis costs a request its time-out, once."
        began = time.monotonic()
        ring("billing")
        assert time.monotonic() - began < 0.05, "After a failure the doorbell is silent."
        seconds_to_book(11)

        redis_server.send(signal.SIGKILL)
        seconds_to_book(13)

        assert not waits()
        assert worker.poll() is None
