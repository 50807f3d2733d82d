"""The Celery application: what every task has, and that everything timed exists."""

from importlib import import_module

import pytest
import structlog
from django.conf import settings

from core import clock
from core.models import ClockOffset
from marketplace import celery_app
from marketplace.celery import HouseTask


@celery_app.task(name="tests.look")
def look() -> tuple[dict, float, float]:
    before = clock.offset().total_seconds()
    ClockOffset.objects.update_or_create(id=1, defaults={"offset_seconds": before + 60})
    return structlog.contextvars.get_contextvars(), before, clock.offset().total_seconds()


class TestTasks:
    """A task has the context of a request."""

    def test_its_lines_name_it_and_its_now_stands_still(self, db):
        context, before, after = look()

        assert context["task"] == "tests.look"
        assert before == after
        assert look()[1] == 60
        assert "task" not in structlog.contextvars.get_contextvars()

    def test_ours_are_such_tasks(self):
        import_module("core.tasks")
        ours = celery_app.tasks["core.tasks.purge"]

        assert type(ours).__call__ is celery_app.Task.__call__ is HouseTask.__call__


@pytest.mark.parametrize("entry", settings.CELERY_BEAT_SCHEDULE)
def test_what_is_timed_is_there(entry):
    module, _, name = settings.CELERY_BEAT_SCHEDULE[entry]["task"].rpartition(".")

    assert getattr(import_module(module), name).name in celery_app.tasks
