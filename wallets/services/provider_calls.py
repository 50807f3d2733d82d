"""
What top-ups and withdrawals share: their second step, a provider's call, and asking again later.

Ages are real ones: the machine's clock, not the house's.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core.errors import NotFound
from wallets.models import FAILURE_LENGTH_MAX, ProviderPayment
from wallets.providers.base import Failed, InProgress, NotKnown, Outcome, Succeeded
from wallets.providers.registry import find_provider

Payment = TypeVar("Payment", bound=ProviderPayment)


def first_query_at() -> datetime:
    """When the task asks about a payment whose own request has not come back: well after it should have."""
    return timezone.now() + settings.PROVIDER_QUERY_AFTER


def find_payment(payments: type[Payment], public_id: str) -> Payment:
    """
    Return a payment with its owner, unlocked.

    :raises NotFound: there is none.
    """
    found = payments._default_manager.select_related("owner").filter(public_id=public_id).first()
    if found is None:
        raise NotFound
    return found


def lock_unfinished(payments: type[Payment], public_id: str) -> Payment:
    """Lock a payment and return it with its owner, as it is then."""
    locked = payments._default_manager.select_for_update(no_key=True, of=("self",))
    return locked.select_related("owner").get(public_id=public_id)


def write_outcome(payment: ProviderPayment, outcome: Outcome, now: datetime) -> bool:
    """
    Write what the provider said on a locked payment; return whether that finished it.

    What is finished stays as it is: a repeat, and a worker that asked meanwhile, change nothing.
    """
    if payment.status != payment.Status.IN_PROGRESS:
        return False
    match outcome:
        case InProgress(provider_reference):
            payment.provider_reference = provider_reference or payment.provider_reference
            payment.save(update_fields=["provider_reference"])
            return False
        case Succeeded(provider_reference):
            payment.status = payment.Status.SUCCEEDED
            payment.provider_reference = provider_reference or payment.provider_reference
        case Failed(reason):
            payment.status = payment.Status.FAILED
            payment.failure = reason[:FAILURE_LENGTH_MAX]
    payment.finished_at, payment.next_query_at = now, None
    payment.save(update_fields=["status", "provider_reference", "failure", "finished_at", "next_query_at"])
    return True


def finish_unfinished(
    payments: type[Payment], *, call: Callable[[Payment], Outcome], finish: Callable[[str, Outcome], object]
) -> int:
    """
    Ask providers what became of a bounded number of payments, and finish those that are known.

    A payment that its provider has never heard of is called again: under the same reference, as its
    owner's own repeat would.
    """
    asked = 0
    while asked < settings.PROVIDER_QUERIES_MAX and (payment := _claim_unfinished(payments)):
        asked += 1
        outcome = find_provider(payment.provider).query(reference=payment.public_id)
        if isinstance(outcome, NotKnown):
            outcome = call(payment)
        finish(payment.public_id, outcome)
    return asked


@transaction.atomic
def _claim_unfinished(payments: type[Payment]) -> Payment | None:
    """
    Take one payment whose provider is to be asked; None when there is none.

    Before anybody is called, its next turn is put off by its age: two workers never ask about the
    same one, and a provider that fails does not stop the others.
    """
    now = timezone.now()
    due = payments._default_manager.select_for_update(no_key=True, skip_locked=True, of=("self",)).filter(
        next_query_at__lte=now
    )
    claimed = due.select_related("owner").order_by("next_query_at").first()
    if claimed is not None:
        pause = min(max(now - claimed.recorded_at, settings.PROVIDER_QUERY_AFTER), settings.PROVIDER_QUERY_PAUSE_MAX)
        claimed.next_query_at = now + pause
        claimed.save(update_fields=["next_query_at"])
    return claimed
