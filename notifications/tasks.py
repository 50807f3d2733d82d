from celery import shared_task

from core import clock
from notifications.services import purge_messages


@shared_task
def purge() -> None:
    """Forget what was read long ago."""
    purge_messages(now=clock.now())
