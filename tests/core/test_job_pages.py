"""Operators watch long work, read its result and end it."""

from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from accounts.models import Account
from core.jobs import Step, run_next_job, runs_job, submit_job
from core.models import Job

KIND = "tests.job_pages"


@runs_job(KIND)
def count_to_two(job: Job) -> Iterator[Step]:
    yield Step(done=1, total=2)
    yield Step(done=2, total=2, result={"counted": 2, "left_out": ["<three>"]})


@pytest.fixture
def pages(operator: Account, browser: Callable[[Account], Client]) -> Client:
    return browser(operator)


@pytest.fixture
def job(db: None, operator: Account) -> Job:
    asked = {"since": "2026-01-01"}
    return submit_job(kind=KIND, arguments=asked, owner=operator.public_id, login=operator.public_id)


class TestJobPages:
    def test_a_waiting_job_shows_what_was_asked_and_looks_again_by_itself(self, pages, job):
        page = pages.get(f"/admin/core/job/{job.pk}/change/").content.decode()
        assert "Waits for a worker" in page
        assert "2026-01-01" in page
        assert f'hx-get="/admin/core/job/{job.pk}/progress/"' in page

    def test_a_finished_one_shows_its_result_and_rests(self, pages, job):
        run_next_job()

        part = pages.get(f"/admin/core/job/{job.pk}/progress/").content.decode()

        assert "100 %" in part
        assert "left out" in part
        assert "&lt;three&gt;" in part
        assert "hx-get" not in part

    def test_it_is_cancelled_from_its_page(self, pages, job):
        answer = pages.post(f"/admin/core/job/{job.pk}/cancel/", follow=True)

        job.refresh_from_db()
        assert job.status == Job.Status.CANCELLED
        assert "Cancelled" in answer.content.decode()

    def test_looking_cancels_nothing(self, pages, job):
        assert pages.get(f"/admin/core/job/{job.pk}/cancel/").status_code == 405

    def test_what_has_ended_stays_ended(self, pages, job):
        run_next_job()

        answer = pages.post(f"/admin/core/job/{job.pk}/cancel/", follow=True)

        job.refresh_from_db()
        assert job.status == Job.Status.DONE
        assert "It had ended before." in answer.content.decode()

    def test_who_may_not_see_jobs_sees_none(self, job, browser, new_account):
        clerk = browser(new_account(operator=True, is_superuser=False))
        for path in ("change/", "progress/"):
            assert clerk.get(f"/admin/core/job/{job.pk}/{path}").status_code == 403
        assert clerk.post(f"/admin/core/job/{job.pk}/cancel/").status_code == 403
