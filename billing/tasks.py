from celery import shared_task

from billing.coverage import count_booked


@shared_task
def count_configurations() -> None:
    """Count what was booked since the last time, for the coverage report."""
    count_booked()
