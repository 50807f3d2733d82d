"""Long work: done in steps, noted with what each step wrote, resumed by another worker, ended when asked."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from core import jobs
from core.errors import Conflict
from core.jobs import Step, cancel_job, run_next_job, runs_job, submit_job
from core.models import AttemptCount, Job


class TooMany(Conflict):
    code = "too_many"
    message = "That is too many."


class _Killed(BaseException):
    """What a killed worker looks like from inside: nothing is caught."""


_trouble: dict[int, BaseException] = {}  # At which piece what happens, once.


@runs_job("tests.count")
def count(job: Job) -> Iterator[Step]:
    """Write one row per piece, so that tests see what has committed."""
    arguments, checkpoint = job.arguments, job.checkpoint
    total = arguments["pieces"]
    if total > 100:
        raise TooMany
    for piece in range((checkpoint or {"next": 0})["next"], total):
        AttemptCount.objects.create(
            scope="job", subject=f"{arguments.get('who', '')}{piece}", window_ends_at=timezone.now()
        )
        if piece in _trouble:
            raise _trouble.pop(piece)
        yield Step(done=piece + 1, total=total, checkpoint={"next": piece + 1})
    yield Step(done=total, total=total, result={"counted": total})


@pytest.fixture(autouse=True)
def no_trouble() -> Iterator[None]:
    yield
    _trouble.clear()


def ask_for(pieces: int = 3, owner: str = "acc_A", **more: str) -> Job:
    return submit_job(kind="tests.count", arguments={"pieces": pieces, **more}, owner=owner, login=owner)


def again(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def rows() -> list[str]:
    return sorted(AttemptCount.objects.filter(scope="job").values_list("subject", flat=True))


def let_the_lease_run_out(job: Job) -> None:
    long_ago = timezone.now() - timedelta(seconds=settings.JOB_LEASE_SECONDS + 1)
    Job.objects.filter(pk=job.pk).update(heartbeat_at=long_ago)


@transaction.atomic
def write_late(job: Job) -> None:
    """A step that ends after its lease did."""
    AttemptCount.objects.create(scope="job", subject="late", window_ends_at=timezone.now())
    jobs._note(job, Step(done=1, total=3))


class TestRunning:
    """A job is done in steps, each committed with its note."""

    def test_it_runs_to_its_end_and_shows_its_result(self, db):
        job = ask_for(3)

        assert run_next_job()
        assert not run_next_job()

        job = again(job)
        assert (job.status, job.result, job.progress) == ("done", {"counted": 3}, 100)
        assert rows() == ["0", "1", "2"]

    def test_the_oldest_goes_first(self, db):
        first, second = ask_for(), ask_for()

        run_next_job()

        assert (again(first).status, again(second).status) == ("done", "queued")

    def test_a_refusal_ends_it_with_its_code(self, db):
        job = ask_for(101)

        run_next_job()

        assert (again(job).status, again(job).error_code) == ("failed", "too_many")

    def test_a_fault_of_ours_ends_it_without_telling_more_than_its_name(self, db):
        _trouble[1] = KeyError("secret")
        job = ask_for(3)

        run_next_job()

        job = again(job)
        assert (job.status, job.error_code, job.error_detail) == ("failed", "internal_error", "KeyError")
        assert rows() == ["0"]

    def test_a_kind_that_nobody_does_is_not_taken(self, db):
        with pytest.raises(ValueError):
            submit_job(kind="tests.unheard_of", arguments={}, owner="acc_A", login="acc_A")


class TestResuming:
    """Nothing that a step wrote is lost or done twice, however its worker ends."""

    def test_a_killed_workers_job_goes_on_where_it_was(self, committed_db):
        _trouble[2] = _Killed()
        job = ask_for(4)
        with pytest.raises(_Killed):
            run_next_job()
        assert (again(job).status, rows()) == ("running", ["0", "1"])
        assert not run_next_job(), "It is somebody's until the lease runs out."

        let_the_lease_run_out(job)
        assert run_next_job()

        assert (again(job).status, again(job).attempt, rows()) == ("done", 2, ["0", "1", "2", "3"])

    def test_a_passing_error_puts_it_back_for_a_while(self, committed_db):
        _trouble[1] = OperationalError("deadlock")
        job = ask_for(3)

        run_next_job()

        assert (again(job).status, again(job).failures) == ("queued", 1)
        assert not run_next_job()
        Job.objects.update(not_before=None)
        run_next_job()
        assert (again(job).status, again(job).failures, rows()) == ("done", 0, ["0", "1", "2"])

    def test_one_that_breaks_off_again_and_again_has_failed(self, committed_db):
        job = ask_for(3)
        for _ in range(settings.JOB_FAILURES_MAX):
            _trouble[0] = OperationalError("time-out")
            run_next_job()
            Job.objects.update(not_before=None)

        assert (again(job).status, again(job).error_code) == ("failed", "unavailable")

    def test_one_that_kills_its_workers_is_given_up(self, committed_db):
        job = ask_for(3)
        for _ in range(settings.JOB_FAILURES_MAX):
            _trouble[0] = _Killed()
            with pytest.raises(_Killed):
                run_next_job()
            let_the_lease_run_out(job)

        run_next_job()

        assert (again(job).status, again(job).error_code) == ("failed", "job_abandoned")

    def test_a_worker_that_was_taken_for_dead_can_write_no_more(self, committed_db):
        job = ask_for(3)
        late = jobs._take_up()
        assert late is not None
        let_the_lease_run_out(job)
        run_next_job()

        with pytest.raises(jobs.JobLost):
            write_late(late)

        assert (again(job).status, rows()) == ("done", ["0", "1", "2"])

    def test_a_worker_that_ends_leaves_it_for_another(self, committed_db):
        job = ask_for(4)
        answers = iter([False, False, True])

        run_next_job(stopping=lambda: next(answers))

        assert (again(job).status, again(job).failures, rows()) == ("queued", 0, ["0", "1"])
        run_next_job()
        assert (again(job).status, rows()) == ("done", ["0", "1", "2", "3"])

    def test_two_workers_never_do_the_same_one(self, committed_db, race):
        ask_for(5, who="a"), ask_for(5, who="b")

        assert race(run_next_job, run_next_job) == [True, True]
        assert [job.attempt for job in Job.objects.all()] == [1, 1]
        assert len(rows()) == 10


class TestCancelling:
    """Whoever asked for it may end it; what is done stays."""

    def test_one_that_waits_ends_at_once(self, db):
        job = ask_for()

        assert cancel_job(job_id=job.pk).status == "cancelled"
        assert not run_next_job()

    def test_one_that_runs_ends_after_its_step(self, committed_db):
        job = ask_for(5)
        asked = iter(range(10))

        def cancel_after_two() -> bool:
            if next(asked) == 1:
                cancel_job(job_id=job.pk)
            return False

        run_next_job(stopping=cancel_after_two)

        assert (again(job).status, rows()) == ("cancelled", ["0", "1"])

    def test_one_that_is_done_stays_so(self, db):
        job = ask_for(1)
        run_next_job()

        assert cancel_job(job_id=job.pk).status == "done"


class TestOverHttp:
    """GET and DELETE /jobs/{id}: one's own, and an operator everybody's."""

    def test_its_owner_sees_it(self, buyer, api):
        job = ask_for(2, owner=buyer.public_id)
        assert api(buyer).get(f"/jobs/{job.public_id}").json()["status"] == "queued"
        run_next_job()

        seen = api(buyer).get(f"/jobs/{job.public_id}").json()

        assert (seen["status"], seen["progress"], seen["result"]) == ("done", 100, {"counted": 2})
        assert (seen["kind"], seen["arguments"], seen["error"]) == ("tests.count", {"pieces": 2}, None)

    def test_an_operator_sees_everybodys_and_others_do_not(self, buyer, seller, operator, api):
        job = ask_for(101, owner=buyer.public_id)
        run_next_job()

        assert api(operator).get(f"/jobs/{job.public_id}").json()["error"]["code"] == "too_many"
        assert api(seller).get(f"/jobs/{job.public_id}").status_code == 404
        assert api(seller).delete(f"/jobs/{job.public_id}").status_code == 404
        assert api().get(f"/jobs/{job.public_id}").status_code == 401

    def test_its_owner_cancels_it(self, buyer, api):
        job = ask_for(2, owner=buyer.public_id)

        assert api(buyer).delete(f"/jobs/{job.public_id}").json()["status"] == "cancelled"
        assert api(buyer).delete(f"/jobs/{job.public_id}").status_code == 200


class TestTheTable:
    """The look for the next job is an index's, however many are finished."""

    def test_the_look_reads_only_what_is_unfinished(self, db):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("EXPLAIN " + jobs._TAKE_UP, {"kinds": ["tests.count"], "lease": 1})
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "job_unfinished" in plan
