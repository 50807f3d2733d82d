"""
Telling the web processes at once for whom there is news: Redis' publish and subscribe.

It may fail, and nothing is lost: who streams also looks into the inbox every second. So ringing waits at most
100 ms, and after a failure keeps silent for 5 s, like the doorbell of deliveries.
"""

import json
import time
from collections.abc import Collection
from typing import Any

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

CHANNEL = "messages"


class Line:
    """A connection to Redis that is made when it is needed, and left alone for a while after a failure."""

    def __init__(self) -> None:
        self._client: redis.Redis | None = None
        self._silent_until = 0.0

    @property
    def is_silent(self) -> bool:
        return time.monotonic() < self._silent_until

    def client(self) -> Any:
        if self._client is None:
            seconds = settings.DOORBELL_TIMEOUT_SECONDS
            self._client = redis.Redis.from_url(
                settings.REDIS_URL,
                socket_timeout=seconds,
                socket_connect_timeout=seconds,
                retry=Retry(NoBackoff(), 0),
            )
        return self._client

    def fail(self, failure: Exception) -> None:
        self._silent_until = time.monotonic() + settings.DOORBELL_SILENCE_SECONDS
        log.warning("messages_silent", failure=str(failure), seconds=settings.DOORBELL_SILENCE_SECONDS)


_ringing = Line()


def ring(accounts: Collection[int]) -> None:
    """Say that these accounts (keys) have messages. Never raises for Redis' sake."""
    if _ringing.is_silent:
        return
    try:
        _ringing.client().publish(CHANNEL, json.dumps(sorted(accounts)))
    except (redis.RedisError, OSError) as failure:
        _ringing.fail(failure)


class Ear:
    """Hears for whom there is news. Without Redis it only lets time pass."""

    def __init__(self) -> None:
        self._line = Line()
        self._subscription: Any = None

    def wait(self, seconds: float) -> set[int] | None:
        """
        Wait until somebody rings, and no longer than that; return for which accounts (keys), perhaps none.

        None where it begins to hear only now: who rang before is not known.
        """
        ends_at = time.monotonic() + seconds
        if not self._line.is_silent:
            try:
                return self._hear(seconds)
            except (redis.RedisError, OSError) as failure:
                self.close()
                self._line.fail(failure)
        time.sleep(max(0.0, ends_at - time.monotonic()))
        return set()

    def close(self) -> None:
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def _hear(self, seconds: float) -> set[int] | None:
        if self._subscription is None:
            self._subscription = self._line.client().pubsub(ignore_subscribe_messages=True)
            self._subscription.subscribe(CHANNEL)
            self._subscription.get_message(timeout=settings.DOORBELL_TIMEOUT_SECONDS)  # Redis has it from now on.
            return None
        heard: set[int] = set()
        said = self._subscription.get_message(timeout=seconds)
        while said is not None:
            heard.update(json.loads(said["data"]))
            said = self._subscription.get_message(timeout=0.0)
        return heard
