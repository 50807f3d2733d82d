from celery import shared_task

from events.delivery import deliver_due
from events.doorbell import answer
from events.worker import look_again


@shared_task
def deliver(*consumers: str) -> None:
    """Rung by the doorbell: deliver what these consumers can hear now, one after the other."""
    _deliver(*consumers)


def _deliver(consumer: str, *others: str) -> None:
    answer(consumer)
    try:
        wait_seconds = deliver_due(consumer)
        if wait_seconds is not None:
            look_again(consumer, wait_seconds)
    finally:  # What breaks one consumer keeps no other from hearing.
        if others:
            _deliver(*others)
