"""
What top-ups, withdrawals and charges share: calling a provider, writing its outcome, and asking again later.

Ages are real ones: the machine's clock, not the house's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core import clock
from core.errors import NotFound
from wallets.models import FAILURE_LENGTH_MAX, ProviderAttempt, ProviderPayment
from wallets.providers.base import Failed, InProgress, NotKnown, Outcome, Succeeded

Payment = TypeVar("Payment", bound=ProviderPayment)
Answer = TypeVar("Answer", bound=Outcome | NotKnown)
What = ProviderAttempt.What

GIVEN_UP = "no_answer"  # Why a charge has failed whose provider never said how it ended.

_ANSWERS = {
    Succeeded: ProviderAttempt.Answer.SUCCEEDED,
    Failed: ProviderAttempt.Answer.FAILED,
    InProgress: ProviderAttempt.Answer.IN_PROGRESS,
    NotKnown: ProviderAttempt.Answer.NOT_KNOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Road(Generic[Payment]):
    """
    How one kind of payment is made, asked for, and finished.

    `cancel` and `give_up_after`: what a charge ends with that has no answer; payouts and refunds are asked for
    until they have one, since nobody but the provider knows whether the money has left.
    `finish_cancelled`: what writes the answer to a cancel, where that is not `finish`.
    """

    payments: type[Payment]
    call: Callable[[Payment], Outcome]
    query: Callable[[Payment], Outcome | NotKnown]
    finish: Callable[[str, Outcome, datetime], object]
    cancel: Callable[[Payment], Outcome] | None = None
    finish_cancelled: Callable[[str, Outcome, datetime], object] | None = None
    give_up: Callable[[str, datetime], object] | None = None
    give_up_after: Callable[[], timedelta] | None = None


def ask(payment: ProviderPayment, what: What, call: Callable[[], Answer]) -> Answer:
    """Call a provider about a payment, outside any transaction, and keep the attempt, before it and after it."""
    attempt = ProviderAttempt.objects.create(provider=payment.provider, reference=payment.public_id, what=what)
    answer = call()
    attempt.answer, attempt.answered_at = _ANSWERS[type(answer)], timezone.now()
    attempt.reason = answer.reason[:FAILURE_LENGTH_MAX] if isinstance(answer, Failed) else ""
    attempt.save(update_fields=["answer", "answered_at", "reason"])
    return answer


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
    Write what the provider said on a locked payment; return whether it has a new end by that.

    What is final stays as it is: a repeat, and whoever asked meanwhile, change nothing. What was given up has
    failed already; only that the money came in after all is news.
    """
    if payment.next_query_at is None:
        return False
    was_given_up = payment.status == payment.Status.FAILED
    match outcome:
        case InProgress(provider_reference, client_secret):
            payment.provider_reference = provider_reference or payment.provider_reference
            if not was_given_up:  # Nobody is to go on paying what has failed for us.
                payment.client_secret = client_secret or payment.client_secret
            payment.save(update_fields=["provider_reference", "client_secret"])
            return False
        case Succeeded(provider_reference):
            payment.status, payment.failure = payment.Status.SUCCEEDED, ""
            payment.provider_reference = provider_reference or payment.provider_reference
        case Failed(reason):
            payment.status = payment.Status.FAILED
            payment.failure = payment.failure if was_given_up else reason[:FAILURE_LENGTH_MAX]
    payment.finished_at, payment.next_query_at, payment.client_secret = now, None, ""
    payment.save(
        update_fields=["status", "provider_reference", "client_secret", "failure", "finished_at", "next_query_at"]
    )
    return not (was_given_up and payment.status == payment.Status.FAILED)


def write_given_up(payment: ProviderPayment, reason: str, now: datetime) -> bool:
    """
    Let a locked payment have failed for us, while its provider is still told to cancel it; return whether it was open.

    To be used for charges only: nobody's money is given back by it.
    """
    if payment.status != payment.Status.IN_PROGRESS:
        return False
    payment.status, payment.failure, payment.finished_at = payment.Status.FAILED, reason, now
    payment.next_query_at, payment.client_secret = payment.next_query_at or timezone.now(), ""
    payment.save(update_fields=["status", "failure", "finished_at", "next_query_at", "client_secret"])
    return True


def finish_unfinished(road: Road[Payment]) -> int:
    """
    Ask providers what became of a bounded number of payments, and finish those that are known.

    A payment that its provider has never heard of is called again: under the same reference, as its
    owner's own repeat would. A charge whose time is up is cancelled, and given up if there is no answer to that.
    """
    asked = 0
    while asked < settings.PROVIDER_QUERIES_MAX and (payment := _claim_unfinished(road.payments)):
        asked += 1
        if not _is_over(payment, road):
            road.finish(payment.public_id, _what_became_of(payment, road), clock.now())
        elif road.cancel and road.give_up:
            # Given up first: should the provider's side break, the trade has still ended within its limit.
            road.give_up(payment.public_id, clock.now())
            finish = road.finish_cancelled or road.finish
            finish(payment.public_id, road.cancel(payment), clock.now())
    return asked


def _what_became_of(payment: Payment, road: Road[Payment]) -> Outcome:
    outcome = road.query(payment)
    return road.call(payment) if isinstance(outcome, NotKnown) else outcome


def _is_over(payment: ProviderPayment, road: Road[Payment]) -> bool:
    """Whether a charge is given up, or is to be."""
    if payment.status == payment.Status.FAILED:
        return True
    return road.give_up_after is not None and timezone.now() - payment.recorded_at >= road.give_up_after()


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


def ask_again(payments: type[Payment], public_id: str) -> bool:
    """Have the task ask about a payment at its next run, whatever its turn was; return whether it is open at all."""
    open_one = payments._default_manager.filter(public_id=public_id, next_query_at__isnull=False)
    return bool(open_one.update(next_query_at=timezone.now()))
