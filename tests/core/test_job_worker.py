"""A real long worker finds jobs without any Redis, and goes on with those of one that was killed."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts.actor import Actor
from billing.services.repairing import request_repair
from core.models import Job
from marketplace.run.address import Address
from marketplace.run.programs import programs
from tests.billing.history import SINCE, UNTIL, activated, declare_parking, park, parking, since_ever
from tests.billing.test_repairing import findings, unreversed_per_event
from tests.real_worker import WORKER_START_SECONDS_MAX, wait_for

EVENTS = 40


@contextmanager
def long_worker(database: Any, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The long worker as `make run` starts it; its Redis is not there."""
    (program,) = (each for each in programs(Address("127.0.0.1", 0)) if each.name == "worker long")
    own = {
        "REDIS_URL": f"unix://{log.parent}/nobody.sock",
        "CELERY_BROKER_URL": f"redis+socket://{log.parent}/nobody.sock",
        "DJANGO_SETTINGS_MODULE": "tests.small_jobs_settings",
    }
    with log.open("ab") as output:
        process = subprocess.Popen(
            program.command,
            cwd=settings.BASE_DIR,
            env=os.environ | database.environment | own,
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def job(committed_db: Any, new_account: Any) -> Job:
    """A repair of many steps."""
    owner = new_account(side="seller")
    declare_parking()
    since_ever(parking_paid=parking(100))
    for number in range(EVENTS):
        park(owner, 1000 + number)
    operator = Actor.own(new_account(operator=True))
    version = activated(parking_paid=parking(250))
    return request_repair(rule_set=version, since=SINCE, until=UNTIL, reason="x", actor=operator)


def again(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


class TestLongWorker:
    def test_it_does_jobs_without_redis_and_goes_on_where_one_was_killed(
        self, committed_db: Any, job: Job, tmp_path: Path
    ) -> None:
        log = tmp_path / "worker.log"
        with long_worker(committed_db, log) as process:
            wait_for(lambda: again(job).done > 3, log.read_text, seconds=WORKER_START_SECONDS_MAX)
            process.kill()
            process.wait()
        left = again(job)
        assert left.status == "running", "It was killed in the middle."
        assert 0 < left.done < left.total
        assert findings() == []

        with long_worker(committed_db, log):
            wait_for(lambda: again(job).is_finished, log.read_text, seconds=WORKER_START_SECONDS_MAX)

        assert (again(job).status, again(job).attempt) == ("done", 2)
        assert again(job).result == {"events": EVENTS, "repaired": EVENTS, "skipped": []}
        assert set(unreversed_per_event().values()) == {1}
        assert findings() == []
