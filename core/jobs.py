"""
Long work as jobs: asked for over HTTP, done in steps by a worker, resumed by another one if that dies.

A kind of job is a generator: it is called with the job, reads its arguments and its last checkpoint, and
yields a `Step` after each piece of work. Each piece runs in one transaction together with the note of its step, so
what a step wrote and where the work goes on commit together. A worker that was taken for dead and comes
back cannot write: its attempt is no longer the job's, and its transaction is rolled back.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from core import clock
from core.errors import NotFound, Refusal
from core.models import Job

log = structlog.get_logger(__name__)

TRANSIENT = (OperationalError, InterfaceError)  # Deadlock, lost connection, time-out: tried again.


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """
    How far a job is: `done` of `total`.

    `checkpoint`: what the generator is called with after a restart; None keeps the one before.
    `result`: the job is done, with this to show.
    """

    done: int
    total: int
    checkpoint: Any = None
    result: Any = None


Work = Callable[[Job], Iterator[Step]]

_kinds: dict[str, Work] = {}


class JobLost(Exception):
    """Somebody else has taken the job up, or it was cancelled: this attempt may write no more."""


class _Stopped(Exception):
    """The worker ends: the job waits for another."""


def runs_job(kind: str) -> Callable[[Work], Work]:
    """Register a generator function as what does jobs of this kind."""

    def register(work: Work) -> Work:
        _kinds[kind] = work
        return work

    return register


def submit_job(*, kind: str, arguments: Mapping[str, Any], owner: str, login: str) -> Job:
    """Put a job in the queue, to commit with the caller's transaction; `owner` and `login` are public ids."""
    if kind not in _kinds:
        raise ValueError(f"There are no jobs of the kind {kind}")
    return Job.objects.create(kind=kind, arguments=dict(arguments), owner=owner, login=login)


def get_job(public_id: str, *, visible_to: str | None) -> Job:
    """
    Return a job by its public id; `visible_to` is the account that must own it, None sees all.

    :raises NotFound: there is none, or it is somebody else's.
    """
    found = Job.objects.filter(public_id=public_id)
    job = (found if visible_to is None else found.filter(owner=visible_to)).first()
    if job is None:
        raise NotFound
    return job


@transaction.atomic
def cancel_job(*, job_id: int) -> Job:
    """
    End a waiting job at once, a running one after the step it is at; a finished one stays as it is.

    What its steps have committed stays.
    """
    job = Job.objects.select_for_update(no_key=True).get(id=job_id)
    if job.status == Job.Status.QUEUED:
        job.status, job.finished_at = Job.Status.CANCELLED, timezone.now()
    if job.status in (Job.Status.CANCELLED, Job.Status.RUNNING) and job.cancel_wished_at is None:
        job.cancel_wished_at = timezone.now()
        job.save(update_fields=["status", "finished_at", "cancel_wished_at"])
    return job


def run_next_job(*, stopping: Callable[[], bool] = lambda: False) -> bool:
    """
    Take up the oldest job that waits, or whose worker is gone, and do it to its end; say whether there was one.

    `stopping`: asked after each step; if it says yes the job is put back for another worker.
    """
    job = _take_up()
    if job is None:
        return False
    try:
        _work(job, stopping)
    except JobLost:
        log.warning("job_lost", job=job.public_id, attempt=job.attempt)
    except _Stopped:
        _write(job, status=Job.Status.QUEUED)
    except Refusal as refusal:
        _finish(job, Job.Status.FAILED, error_code=refusal.code, error_detail=refusal.detail)
    except TRANSIENT as error:
        close_old_connections()
        _put_back(job, error)
    except Exception as error:  # The job has failed, and says so; the worker goes on with others
        log.exception("job_failed", job=job.public_id, kind=job.kind)
        _finish(job, Job.Status.FAILED, error_code="internal_error", error_detail=type(error).__name__)
    return True


_TAKE_UP = """
UPDATE core_job SET status = 'running', attempt = attempt + 1, heartbeat_at = clock_timestamp(),
    started_at = COALESCE(started_at, clock_timestamp()), not_before = NULL,
    failures = failures + CASE WHEN status = 'running' THEN 1 ELSE 0 END
WHERE id = (
    SELECT id FROM core_job
    WHERE finished_at IS NULL AND kind = ANY(%(kinds)s)
      AND (status = 'queued' AND (not_before IS NULL OR not_before <= clock_timestamp())
           OR status = 'running' AND heartbeat_at < clock_timestamp() - make_interval(secs => %(lease)s))
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id
"""


def _take_up() -> Job | None:
    """The attempt's number is the lease: whoever held an older one finds that it may not write."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_UP, {"kinds": list(_kinds), "lease": settings.JOB_LEASE_SECONDS})
        taken = cursor.fetchone()
    return Job.objects.get(id=taken[0]) if taken else None


def _work(job: Job, stopping: Callable[[], bool]) -> None:
    if job.failures >= settings.JOB_FAILURES_MAX:
        _finish(job, Job.Status.FAILED, error_code="job_abandoned", error_detail="Its worker died again and again.")
        return
    steps = _kinds[job.kind](job)
    while True:
        if Job.objects.filter(id=job.id, cancel_wished_at__isnull=False).exists():
            _finish(job, Job.Status.CANCELLED)
            return
        if stopping():
            raise _Stopped
        with clock.read_once(), transaction.atomic():
            step = next(steps)
            _note(job, step)
        if step.result is not None:
            return


def _note(job: Job, step: Step) -> None:
    """In the transaction of the step's own work."""
    fields: dict[str, Any] = {"done": step.done, "total": max(step.total, step.done), "failures": 0}
    if step.checkpoint is not None:
        fields["checkpoint"] = step.checkpoint
    if step.result is not None:
        fields |= {"status": Job.Status.DONE, "result": step.result, "finished_at": Now(), "checkpoint": None}
    _write(job, **fields)


def _finish(job: Job, status: str, **fields: Any) -> None:
    _write(job, status=status, finished_at=Now(), **fields)


def _put_back(job: Job, error: Exception) -> None:
    log.warning("job_put_back", job=job.public_id, failures=job.failures, error=str(error))
    failures = Job.objects.values_list("failures", flat=True).get(id=job.id) + 1
    if failures >= settings.JOB_FAILURES_MAX:
        _finish(job, Job.Status.FAILED, error_code="unavailable", error_detail=type(error).__name__)
        return
    pause = settings.JOB_BACKOFF_SECONDS * 2 ** (failures - 1)
    _write(job, status=Job.Status.QUEUED, failures=failures, not_before=timezone.now() + timedelta(seconds=pause))


def _write(job: Job, **fields: Any) -> None:
    """:raises JobLost: this attempt is not the job's last."""
    mine = Job.objects.filter(id=job.id, attempt=job.attempt, status=Job.Status.RUNNING)
    if not mine.update(heartbeat_at=Now(), **fields):
        raise JobLost
