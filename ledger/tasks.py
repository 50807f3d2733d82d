from celery import shared_task

from ledger import seals


@shared_task
def seal_batches() -> None:
    """Every few seconds, off the hot path: chain what nothing can be booked before any more."""
    seals.seal_due()
