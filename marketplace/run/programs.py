"""What runs beside the servers: web, workers and beat."""

import os
import sys

from .address import Address
from .children import Program

WEB_PROCESSES = 2
WEB_THREADS = 8
WEB_STOP_SECONDS_MAX = 10
WEB_REQUEST_SECONDS_MAX = 60
MONEY_THREADS = 4
LONG_THREADS = 2
WORKER_STOP_SECONDS_MAX = 20
BEAT_STOP_SECONDS_MAX = 5


def programs(address: Address) -> list[Program]:
    """In the order they start; they are stopped in the opposite order, the web before everything it uses."""
    return [
        _worker("money", MONEY_THREADS),
        _worker("long", LONG_THREADS),
        _beat(),
        _web(address),
    ]


def _web(address: Address) -> Program:
    command = [sys.executable, "-m", "gunicorn", "marketplace.wsgi"]
    command += ["--bind", address.bind, "--worker-class", "marketplace.web.Worker"]
    command += ["--workers", str(WEB_PROCESSES), "--threads", str(WEB_THREADS)]
    command += ["--timeout", str(WEB_REQUEST_SECONDS_MAX), "--graceful-timeout", str(WEB_STOP_SECONDS_MAX)]
    command += ["--no-control-socket"]  # It would be in the home directory, which may be empty or closed.
    return Program("web", command, stop_seconds_max=WEB_STOP_SECONDS_MAX + 2)


def _worker(queue: str, threads: int) -> Program:
    """Threads, not processes: the work waits for the database. One worker knows nothing of the others."""
    command = [*_celery(), "worker", "--queues", queue, "--hostname", f"{queue}-{os.getpid()}@localhost"]
    command += ["--pool", "threads", "--concurrency", str(threads), "--loglevel", "INFO"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return Program(f"worker {queue}", command, stop_seconds_max=WORKER_STOP_SECONDS_MAX)


def _beat() -> Program:
    """Its plan is kept in memory: every timed task may run once more after a start, and no file can be stale."""
    command = [*_celery(), "beat", "--scheduler", "celery.beat:Scheduler", "--loglevel", "INFO"]
    return Program("beat", command, stop_seconds_max=BEAT_STOP_SECONDS_MAX)


def _celery() -> list[str]:
    return [sys.executable, "-m", "celery", "--app", "marketplace"]
