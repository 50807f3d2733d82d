"""Webhooks: what a provider tells us by itself has the effect of its answer, once, whenever it comes."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from wallets.models import IdentityCharge, ProviderPayment, TopUp, WebhookNotice, Withdrawal
from wallets.providers.base import Failed
from wallets.providers.webhooks import Notice
from wallets.services.identity_charges import finish_identity_charge
from wallets.services.provider_calls import ask_again
from wallets.services.top_ups import finish_top_up
from wallets.services.withdrawals import bounce_withdrawal, finish_withdrawal

_FINISH = {TopUp: finish_top_up, Withdrawal: finish_withdrawal, IdentityCharge: finish_identity_charge}
Effect = WebhookNotice.Effect


@transaction.atomic
def take_notice(*, provider: str, notice: Notice, now: datetime) -> bool:
    """
    Do what a provider's notice says; return whether it is the first time that we hear of it.

    A final outcome is written as if it had been the answer. Of anything else we only learn that there is something
    to ask for: the task asks at its next run. Nobody is called here.
    """
    heard = WebhookNotice.objects.filter(provider=provider, event_id=notice.event_id)
    if heard.exists():
        return False
    effect = _apply(provider, notice, now)
    try:
        with transaction.atomic():
            WebhookNotice.objects.create(
                provider=provider,
                event_id=notice.event_id,
                kind=notice.kind,
                reference=notice.reference,
                effect=effect,
            )
    except IntegrityError:  # Its twin came at the same moment; the outcome is written once in any case.
        return False
    return True


def _apply(provider: str, notice: Notice, now: datetime) -> Effect:
    payment = _find(provider, notice.reference)
    if payment is None:
        return Effect.OTHER
    if notice.outcome is None or _is_of_another(payment, notice):
        ask_again(type(payment), payment.public_id)
        return Effect.KNOWN
    if isinstance(payment, Withdrawal) and isinstance(notice.outcome, Failed):
        is_news = bounce_withdrawal(public_id=payment.public_id, reason=notice.outcome.reason, now=now)
        return Effect.FINISHED if is_news else Effect.KNOWN
    was_open = payment.next_query_at is not None
    finished = _FINISH[type(payment)](public_id=payment.public_id, outcome=notice.outcome, now=now)
    return Effect.FINISHED if was_open and finished.next_query_at is None else Effect.KNOWN


def _is_of_another(payment: ProviderPayment, notice: Notice) -> bool:
    """Whether it speaks of another try than the one we were told of, whose end is not this payment's."""
    return bool(notice.known_as and payment.provider_reference) and notice.known_as != payment.provider_reference


def _find(provider: str, reference: str) -> ProviderPayment | None:
    """One of this provider's: none may speak of another's payments."""
    for payments in _FINISH:
        of_provider: QuerySet[Any] = payments._default_manager.filter(provider=provider)
        found = of_provider.filter(public_id=reference).first()
        if found is not None:
            return found
    return None
