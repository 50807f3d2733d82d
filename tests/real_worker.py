"""The money worker as `make run` starts it, on a test's database and on a Redis of its own."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings

from events import doorbell
from events.models import Delivery
from marketplace.run.address import Address
from marketplace.run.programs import programs
from marketplace.servers import Embedded, Launcher, Places
from settings.connections import Connections
from tests.money_facts import account_id, top_up

WORKER_START_SECONDS_MAX = 60.0
WORKER_STOP_SECONDS_MAX = 30.0
SOON = 30.0
POLL_SECONDS = 0.02
DOORBELL_ONLY = "tests.doorbell_only_settings"


@dataclass(frozen=True)
class Redis:
    """A Redis to be flushed, frozen and killed."""

    url: str
    pid: int

    def client(self) -> Any:
        return redis.Redis.from_url(self.url)

    def send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


@contextmanager
def running_redis(directory: Path) -> Iterator[Redis]:
    """Inside the block, the doorbell of this process rings there."""
    places = Places.of(directory / "var")
    launcher = Launcher(Embedded(places, postgres=False, redis=True))
    launcher.join()
    url = f"unix://{places.redis_socket}"
    with redis.Redis.from_url(url) as client:
        running = Redis(url, int(client.info("server")["process_id"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "REDIS_URL", url)
        patch.setenv("CELERY_BROKER_URL", Connections({}, url, None).broker_url)
        patch.setattr(doorbell, "_bell", doorbell._Bell())
        try:
            yield running
        finally:
            running.send(signal.SIGCONT)
            launcher.leave()


@contextmanager
def running_worker(
    database: Any, redis_server: Redis, log: Path, *, settings_module: str = "settings.test"
) -> Iterator["subprocess.Popen[bytes]"]:
    """Yields it when it has booked something. `DOORBELL_ONLY`: its own look once a second is switched off."""
    (program,) = (each for each in programs(Address("127.0.0.1", 0)) if each.name == "worker money")
    own = {"REDIS_URL": redis_server.url, "DJANGO_SETTINGS_MODULE": settings_module}
    with log.open("wb") as output:
        process = subprocess.Popen(
            program.command,
            cwd=settings.BASE_DIR,
            env=os.environ | database.environment | own,
            stdout=output,
            stderr=output,
        )
        try:
            top_up(account_id(), 1)
            wait_for(lambda: not waits(), log.read_text, seconds=WORKER_START_SECONDS_MAX)
            yield process
        finally:
            process.terminate()
            process.wait(timeout=WORKER_STOP_SECONDS_MAX)


def waits() -> bool:
    return Delivery.objects.filter(consumer="billing").exists()


def wait_for(condition: Callable[[], Any], describe: Callable[[], str] = str, *, seconds: float = SOON) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, describe()
        time.sleep(POLL_SECONDS)
