from celery import shared_task

from events.delivery import deliver_due
from events.doorbell import answer
from events.worker import look_again


@shared_task
def deliver(consumer: str) -> None:
    """Rung by the doorbell: deliver what this consumer can hear now."""
    answer(consumer)
    wait_seconds = deliver_due(consumer)
    if wait_seconds is not None:
        look_again(consumer, wait_seconds)
