"""A real worker hears the doorbell at once, and does without it when Redis is dead or frozen."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from events.doorbell import ring
from events.models import Delivery
from ledger.models import Batch
from marketplace.servers import Embedded, Launcher, Places
from tests.money_facts import account_id, balance, top_up

WORKER_START_SECONDS_MAX = 30
PERIOD_SECONDS = 0.5


@dataclass
class Redis:
    """A Redis of this test's own, to be stopped and frozen."""

    url: str
    pid: int


@pytest.fixture
def redis_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    places = Places.of(tmp_path / "var")
    launcher = Launcher(Embedded(places, postgres=False, redis=True))
    launcher.join()
    pid = int(_find_redis(str(places.redis_socket)))
    url = f"unix://{places.redis_socket}"
    monkeypatch.setattr(settings, "REDIS_URL", url)
    try:
        yield Redis(url, pid)
    finally:
        _signal(pid, signal.SIGCONT)
        launcher.leave()


def _find_redis(socket: str) -> str:
    """The pid of the server on this socket, as it tells it itself."""
    import redis

    client = redis.Redis(unix_socket_path=socket)
    try:
        return str(client.info("server")["process_id"])
    finally:
        client.close()


@pytest.fixture
def worker(committed_db: Any, redis_server: Redis, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`celery worker` for the money queue, on this test's database and Redis."""
    log = (tmp_path / "worker.log").open("wb")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "marketplace.celery",
            "worker",
            "-Q",
            "money",
            "--pool=threads",
            "-c",
            "2",
        ],
        cwd=settings.BASE_DIR,
        env=os.environ | committed_db.environment | {"REDIS_URL": redis_server.url},
        stdout=log,
        stderr=log,
    )
    try:
        _wait_until_it_books(tmp_path)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)
        log.close()


def _wait_until_it_books(tmp_path: Path) -> None:
    top_up(account_id(), 1)
    deadline = time.monotonic() + WORKER_START_SECONDS_MAX
    while Delivery.objects.filter(consumer="billing").exists():
        assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()
        time.sleep(0.05)


def seconds_to_book(minor: int) -> float:
    owner = account_id()
    began = time.monotonic()
    top_up(owner, minor)
    while balance(f"wallet:{owner}") != minor:
        assert time.monotonic() - began < 20, "The worker never booked it."
        time.sleep(0.02)
    return time.monotonic() - began


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


class TestWorker:
    def test_books_within_the_period_whatever_happens_to_redis(
        self, committed_db: Any, redis_server: Redis, worker: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from events import doorbell

        monkeypatch.setattr(doorbell, "_bell", doorbell._Bell())
        assert seconds_to_book(7) >= PERIOD_SECONDS
        assert Batch.objects.order_by("-id")[0].trigger == "period"

        _signal(redis_server.pid, signal.SIGSTOP)
        began = time.monotonic()
        top_up(account_id(), 3)
        assert time.monotonic() - began < 1, "A frozen Redis costs a request its time-out, once."
        began = time.monotonic()
        ring("billing")
        assert time.monotonic() - began < 0.05, "After a failure the doorbell is silent."
        seconds_to_book(11)

        _signal(redis_server.pid, signal.SIGKILL)
        seconds_to_book(13)

        assert not Delivery.objects.filter(consumer="billing").exists()
        assert worker.poll() is None
