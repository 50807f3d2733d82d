from celery import shared_task

from wallets import services


@shared_task
def finish_provider_payments() -> None:
    """Ask providers what became of top-ups and withdrawals whose requests have not come back."""
    services.finish_open_top_ups()
    services.finish_open_withdrawals()


@shared_task
def purge_booked_changes() -> None:
    """Forget the notes of changes that are booked by now."""
    while services.purge_booked_changes():
        pass
