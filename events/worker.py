"""
The money worker's own look: once a second it delivers what is due, without a broker.

A thread of the Celery worker process, started as a bootstep. It also keeps the appointments that
deliveries make ("look again in 300 ms", for batches that are not full yet).
"""

import threading
import time

import structlog
from celery import bootsteps
from django.conf import settings
from django.db import close_old_connections, connection

from core.heartbeats import looked
from events.consumers import all_consumers
from events.delivery import deliver_due

DELIVERIES = "deliveries"
log = structlog.get_logger(__name__)


class DeliveryLoop(threading.Thread):
    """Looks at every consumer at its appointment, and at the latest every DELIVERY_POLL_SECONDS."""

    def __init__(self) -> None:
        super().__init__(name="delivery-loop", daemon=True)
        self._wake = threading.Condition()
        self._due: dict[str, float] = {}
        self._stopping = False

    def look_again(self, consumer: str, wait_seconds: float) -> None:
        """Make an appointment; an earlier one stays."""
        with self._wake:
            at = time.monotonic() + wait_seconds
            if at < self._due.get(consumer, float("inf")):
                self._due[consumer] = at
                self._wake.notify()

    def stop(self) -> None:
        """End after the delivery under way."""
        with self._wake:
            self._stopping = True
            self._wake.notify()

    def run(self) -> None:
        for consumer in all_consumers():
            self.look_again(consumer.name, 0)
        while (name := self._next()) is not None:
            self._deliver(name)
        connection.close()

    def _next(self) -> str | None:
        """Wait for the next appointment and take it off the list; None when the worker stops."""
        with self._wake:
            while not self._stopping:
                name = min(self._due, key=self._due.__getitem__)
                wait_seconds = self._due[name] - time.monotonic()
                if wait_seconds <= 0:
                    self._due[name] = time.monotonic() + settings.DELIVERY_POLL_SECONDS
                    return name
                self._wake.wait(wait_seconds)
        return None

    def _deliver(self, name: str) -> None:
        close_old_connections()
        try:
            wait_seconds = deliver_due(name)
            looked(DELIVERIES)
        except Exception:  # One consumer's fault is logged; the others must go on.
            log.exception("delivery_failed", consumer=name)
            return
        if wait_seconds is not None:
            self.look_again(name, wait_seconds)


_loop: DeliveryLoop | None = None


def look_again(consumer: str, wait_seconds: float) -> None:
    """Ask this process' loop to look at a consumer soon; without a loop the worker's poll does."""
    if _loop is not None:
        _loop.look_again(consumer, wait_seconds)


class DeliveryLoopStep(bootsteps.StartStopStep):
    """Runs the loop in workers that serve the money queue."""

    requires = ("celery.worker.components:Pool",)

    def start(self, worker: object) -> None:
        global _loop
        if settings.DELIVERY_LOOP_ENABLED and "money" in worker.app.amqp.queues.consume_from:  # type: ignore[attr-defined]
            _loop = DeliveryLoop()
            _loop.start()

    def stop(self, worker: object) -> None:
        if _loop is not None:
            _loop.stop()
            _loop.join(settings.DELIVERY_TURN_SECONDS)
