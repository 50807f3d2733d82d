from celery import shared_task

from ledger import rollups, seals


@shared_task
def seal_batches() -> None:
    """Every few seconds, off the hot path: chain what nothing can be booked before any more."""
    seals.seal_due()


@shared_task
def roll_up() -> None:
    """Every few seconds, off the hot path: add what was booked to the sums that pages read."""
    rollups.roll_up_due()
