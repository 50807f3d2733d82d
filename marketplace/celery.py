"""
The Celery application; its settings are Django's, with the prefix CELERY_.

Every task has log lines of its own and reads the house's clock once, as a request does.
DJANGO_SETTINGS_MODULE is set by whoever starts the process; there is no default to start wrongly with.
"""

from typing import Any

from celery import Celery, Task
from celery.signals import setup_logging
from structlog.contextvars import bound_contextvars


class HouseTask(Task):
    """A task whose log lines carry its name and id, and whose `now` stands still."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from core import clock  # noqa: PLC0415 - models exist only once the application has set Django up

        with bound_contextvars(task=self.name, task_id=self.request.id), clock.read_once():
            return super().__call__(*args, **kwargs)


app = Celery("marketplace", task_cls=HouseTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add("events.worker:DeliveryLoopStep")
app.steps["worker"].add("core.job_worker:JobLoopStep")


@setup_logging.connect
def leave_logging_to_django(**_: Any) -> None:
    """Celery sets up logging of its own unless somebody listens here; ours is set by Django's LOGGING."""
