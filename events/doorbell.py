"""
The doorbell: tells the workers that there is something to hear.

They look a moment later (DOORBELL_LINGER_SECONDS), so that what happens within that moment is heard in one go: who
has rung first rings for everybody until then.

It may fail: the workers also look for themselves every second. So it waits at most 100 ms, tries
once, and after a failure keeps silent for 5 s, so that no request pays for a dead or frozen Redis.
"""

import threading
import time
from collections.abc import Sequence
from functools import cached_property

import redis
import structlog
from celery import current_app
from django.conf import settings
from kombu import Producer
from kombu.exceptions import KombuError
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

DELIVER_TASK = "events.tasks.deliver"
MONEY_QUEUE = "money"
_UNANSWERED_SECONDS = 1.0  # A ring that no worker answers is rung again so long after they should have looked.


class _Connections(threading.local):
    """One thread's connections, made at its first ring."""

    def __init__(self) -> None:
        seconds = settings.DOORBELL_TIMEOUT_SECONDS
        self.redis = redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
        )
        limits = {"socket_timeout": seconds, "socket_connect_timeout": seconds, "max_retries": 0}
        self.producer = Producer(current_app.connection_for_write(transport_options=limits))


class _Bell:
    """The process' doorbell; its silence is shared by all threads."""

    def __init__(self) -> None:
        self.silent_until = 0.0
        self.heard_until: dict[str, float] = {}  # By consumer: nobody looks before that, and who does sees what is.

    @cached_property
    def of_thread(self) -> _Connections:
        return _Connections()


_bell = _Bell()


def ring(*consumers: str) -> None:
    """
    Ask workers to deliver to these consumers; rings of the same moment become one. Commit first, then ring.

    Never raises for Redis' sake: what cannot be rung is found by the workers' own look.
    """
    began = time.monotonic()
    unheard = [consumer for consumer in consumers if began >= _bell.heard_until.get(consumer, 0.0)]
    if not unheard or began < _bell.silent_until:
        return
    try:
        looks = _first_looks(unheard)
        if not_rung := [consumer for consumer, seconds in looks.items() if seconds is None]:
            _ask_to_look(not_rung)
        for consumer, seconds in looks.items():
            _bell.heard_until[consumer] = began + (settings.DOORBELL_LINGER_SECONDS if seconds is None else seconds)
    except (redis.RedisError, KombuError, OSError) as failure:
        _bell.silent_until = time.monotonic() + settings.DOORBELL_SILENCE_SECONDS
        log.warning("doorbell_silent", failure=str(failure), seconds=settings.DOORBELL_SILENCE_SECONDS)


def _ask_to_look(consumers: Sequence[str]) -> None:
    """One message for all: to send and to take one costs more than most looks."""
    current_app.send_task(
        DELIVER_TASK,
        args=consumers,
        queue=MONEY_QUEUE,
        producer=_bell.of_thread.producer,
        retry=False,
        countdown=settings.DOORBELL_LINGER_SECONDS,
    )


def _first_looks(consumers: Sequence[str]) -> dict[str, float | None]:
    """
    Return in how many seconds somebody will look who was rung for by others, at the earliest; None where nobody was.

    For those it is rung now: in one round trip. How long a ring is still kept says when it was rung.
    """
    kept_ms = round((settings.DOORBELL_LINGER_SECONDS + _UNANSWERED_SECONDS) * 1000)
    with _bell.of_thread.redis.pipeline(transaction=False) as pipeline:
        for consumer in consumers:
            pipeline.set(_key(consumer), 1, nx=True, px=kept_ms)
            pipeline.pttl(_key(consumer))
        found = pipeline.execute()
    firsts, left_ms = found[::2], found[1::2]
    return {
        consumer: None if is_first else ms / 1000 - _UNANSWERED_SECONDS
        for consumer, is_first, ms in zip(consumers, firsts, left_ms, strict=True)
    }


def answer(consumer: str) -> None:
    """A worker is about to look: from now on a ring is a new one."""
    try:
        _bell.of_thread.redis.delete(_key(consumer))
    except redis.RedisError as failure:
        log.warning("doorbell_not_answered", failure=str(failure))


def _key(consumer: str) -> str:
    return f"doorbell:{consumer}"
