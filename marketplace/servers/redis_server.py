"""The embedded Redis: doorbell, broker and cache, never the book, so it keeps nothing on disk."""

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from .binaries import REDIS_PROGRAMS, redis_program
from .server import EmbeddedServer

ANSWER_SECONDS_MAX = 1.0
MEMORY_MAX = "256mb"


class Redis(EmbeddedServer):
    """Redis or Valkey, on a private socket only. What it holds is lost when it stops."""

    name = "Redis"
    process_names = REDIS_PROGRAMS
    start_seconds_max = 30.0
    stop_signals: ClassVar = ((signal.SIGTERM, 10.0),)

    @property
    def data(self) -> Path:
        return self.places.redis_data

    @property
    def log(self) -> Path:
        return self.places.logs / "redis.log"

    @property
    def socket(self) -> Path:
        return self.places.redis_socket

    def command(self) -> Sequence[str]:
        """Short of memory it forgets cached answers (they expire), never a waiting task (tasks do not)."""
        return [
            str(redis_program(self.owner)),
            *("--port", "0"),
            *("--unixsocket", str(self.socket), "--unixsocketperm", "700"),
            *("--save", "", "--appendonly", "no"),
            *("--maxmemory", MEMORY_MAX, "--maxmemory-policy", "volatile-lru"),
        ]

    def answers(self) -> bool:
        client = redis.Redis(
            unix_socket_path=str(self.socket),
            socket_timeout=ANSWER_SECONDS_MAX,
            retry=Retry(NoBackoff(), retries=0),  # Whoever asks asks again; by itself the client would for seconds.
        )
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        finally:
            client.close()

    def complete(self) -> None:
        """Redis begins empty: there is nothing to make."""
