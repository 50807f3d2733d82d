"""
The long worker's own look at the table of jobs, twice a second, without a broker.

Threads of the Celery worker process, started as a bootstep: a job is found with Redis dead as well as alive.
"""

import threading

import structlog
from celery import bootsteps
from django.conf import settings
from django.db import close_old_connections, connection

from core.heartbeats import looked
from core.jobs import run_next_job

log = structlog.get_logger(__name__)

JOBS = "jobs"
LONG_QUEUE = "long"


class JobLoop(threading.Thread):
    """Does one job after the other, and looks for new ones when there is none."""

    def __init__(self, stopping: threading.Event) -> None:
        super().__init__(name="job-loop", daemon=True)
        self._stopping = stopping

    def run(self) -> None:
        while not self._stopping.is_set():
            if not self._run_next():
                self._stopping.wait(settings.JOB_POLL_SECONDS)
        connection.close()

    def _run_next(self) -> bool:
        close_old_connections()
        try:
            looked(JOBS)
            return run_next_job(stopping=self._stopping.is_set)
        except Exception:  # The database may be away; the job is found again when it is back.
            log.exception("job_loop_failed")
            return False


class JobLoopStep(bootsteps.StartStopStep):
    """Runs the loops in workers that serve the long queue."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: object, **options: object) -> None:
        super().__init__(parent, **options)
        self._stopping = threading.Event()
        self._loops: list[JobLoop] = []

    def start(self, worker: object) -> None:
        if settings.JOB_LOOP_ENABLED and LONG_QUEUE in worker.app.amqp.queues.consume_from:  # type: ignore[attr-defined]
            self._loops = [JobLoop(self._stopping) for _ in range(settings.JOB_THREADS)]
            for loop in self._loops:
                loop.start()

    def stop(self, worker: object) -> None:
        """Each job ends its step and waits for another worker."""
        self._stopping.set()
        for loop in self._loops:
            loop.join(settings.JOB_STOP_SECONDS)
