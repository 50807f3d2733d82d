from celery import shared_task

from core import clock
from wallets import services
from wallets.pay_codes.services import purge_pay_codes


@shared_task
def finish_provider_payments() -> None:
    """Ask providers what became of payments whose requests have not come back, and send refunds back to them."""
    services.finish_open_top_ups()
    services.finish_open_withdrawals()
    services.finish_open_identity_charges()


@shared_task
def purge_booked_changes() -> None:
    """Forget the notes of changes that are booked by now."""
    while services.purge_booked_changes():
        pass


@shared_task
def purge_dead_pay_codes() -> None:
    """Forget pay codes that have long been dead."""
    purge_pay_codes(now=clock.now())
