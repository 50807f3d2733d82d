"""
What people decide about a payment whose provider does not say how it ended.

`give_up_by_hand`: wait no longer for a top-up or a charge, as the task does when its time is up. And, where the
provider's people have told what its server does not, the outcome itself: `request_settlement` by one operator,
`approve_settlement` by another one.

A decision is written by the same third step as an answer, under the same locks: whoever is first, the provider or
the people, has the last word, and the other changes nothing. `verify_books` names a provider that said otherwise.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.actor import Actor
from billing.errors import SecondPersonRequired
from core.errors import NotFound
from wallets.errors import (
    NotGivenUpByHand,
    PaymentFinal,
    SettlementNotRequested,
    SettlementRequested,
    SettlementTooEarly,
)
from wallets.models import IdentityCharge, ProviderPayment, TopUp, Withdrawal
from wallets.providers.base import Failed, Succeeded
from wallets.providers.models import ProviderDecision
from wallets.services.identity_charges import finish_identity_charge, give_up_identity_charge, lock_identity_charge
from wallets.services.provider_calls import ask_again, find_payment, lock_unfinished
from wallets.services.top_ups import finish_top_up, give_up_top_up
from wallets.services.withdrawals import finish_withdrawal

SETTLED_BY_HAND = "settled_by_hand"  # Why a payment has failed of which people said so.
What = ProviderDecision.What


@dataclass(frozen=True, slots=True)
class _Kind:
    """How payments of one kind are locked, given up and finished."""

    payments: type[ProviderPayment]
    lock: Callable[[str], ProviderPayment]
    finish: Callable[..., object]
    give_up: Callable[..., object] | None = None


_finish_charge = partial(finish_identity_charge, is_last_word=True)

_KINDS: Mapping[str, _Kind] = {
    "top": _Kind(TopUp, lambda reference: lock_unfinished(TopUp, reference), finish_top_up, give_up_top_up),
    "wdr": _Kind(Withdrawal, lambda reference: lock_unfinished(Withdrawal, reference), finish_withdrawal),
    "ich": _Kind(IdentityCharge, lock_identity_charge, _finish_charge, give_up_identity_charge),
}


@transaction.atomic
def give_up_by_hand(*, reference: str, reason: str, actor: Actor, now: datetime) -> ProviderDecision:
    """
    Let a top-up or charge (its public id) without an answer have failed at once, and have its provider told to cancel.

    Should the provider answer that it is too late, the money came in after all, as with any that is given up.

    :raises NotFound: there is no such payment.
    :raises NotGivenUpByHand: it pays out; only the provider knows whether the money has left.
    :raises PaymentFinal: it has ended, or is given up.
    """
    kind = _kind_of(reference)
    payment = kind.lock(reference)
    if kind.give_up is None:
        raise NotGivenUpByHand
    if payment.status != ProviderPayment.Status.IN_PROGRESS:
        raise PaymentFinal
    kind.give_up(public_id=reference, now=now)
    ask_again(kind.payments, reference)
    return _note(payment, What.GIVEN_UP, reason, actor, now, decided_by=actor.acting, decided_at=now)


@transaction.atomic
def request_settlement(
    *, reference: str, what: What, provider_reference: str = "", reason: str, actor: Actor, now: datetime
) -> ProviderDecision:
    """
    Ask for a payment (its public id) to be settled as its provider's people say it ended; nothing moves yet.

    :raises NotFound: there is no such payment.
    :raises PaymentFinal: how it ended is known.
    :raises SettlementTooEarly: it is younger than PROVIDER_SETTLEMENT_AFTER, by the machine's clock.
    :raises SettlementRequested: somebody has asked before.
    """
    payment = _lock_open(reference)
    if timezone.now() - payment.recorded_at < settings.PROVIDER_SETTLEMENT_AFTER:
        raise SettlementTooEarly
    try:
        with transaction.atomic():
            return _note(payment, what, reason, actor, now, provider_reference=provider_reference)
    except IntegrityError as twice:
        raise SettlementRequested from twice


@transaction.atomic
def approve_settlement(*, decision: int, actor: Actor, now: datetime) -> ProviderDecision:
    """
    Settle a payment as another operator has asked for: everything follows as from its provider's own answer.

    :raises NotFound: nobody has asked for such a one.
    :raises PaymentFinal: its provider has answered meanwhile.
    :raises SettlementNotRequested: it is decided or withdrawn by now.
    :raises SecondPersonRequired: who asked may not approve.
    """
    wish = _find(decision)
    _lock_open(wish.reference)  # The order and the payment first, as everywhere.
    wish = _lock_wish(decision)
    asked_by = {wish.requested_by_id, wish.requested_login_id}
    if settings.PROVIDER_SETTLEMENT_SECOND_PERSON and asked_by & {actor.acting.pk, actor.login.pk}:
        raise SecondPersonRequired
    outcome = Succeeded(wish.provider_reference) if wish.what == What.SUCCEEDED else Failed(SETTLED_BY_HAND)
    _kind_of(wish.reference).finish(public_id=wish.reference, outcome=outcome, now=now)
    wish.decided_by, wish.decided_at = actor.acting, now
    wish.save(update_fields=["decided_by", "decided_at"])
    return wish


@transaction.atomic
def withdraw_settlement(*, decision: int, actor: Actor, now: datetime) -> ProviderDecision:
    """
    Let a wish go that nobody has approved; it may be asked for again.

    :raises NotFound: nobody has asked for such a one.
    :raises SettlementNotRequested: it is decided or withdrawn by now.
    """
    wish = _lock_wish(_find(decision).pk)
    wish.withdrawn_by, wish.withdrawn_at = actor.acting, now
    wish.save(update_fields=["withdrawn_by", "withdrawn_at"])
    return wish


def _kind_of(reference: str) -> _Kind:
    """:raises NotFound: there is no such payment."""
    kind = _KINDS.get(reference.partition("_")[0])
    if kind is None:
        raise NotFound
    find_payment(kind.payments, reference)
    return kind


def _lock_open(reference: str) -> ProviderPayment:
    """:raises PaymentFinal: its outcome is known; one that is given up is still open."""
    payment = _kind_of(reference).lock(reference)
    if payment.next_query_at is None:
        raise PaymentFinal
    return payment


def _find(decision: int) -> ProviderDecision:
    found = ProviderDecision.objects.filter(pk=decision).first()
    if found is None:
        raise NotFound
    return found


def _lock_wish(decision: int) -> ProviderDecision:
    wish = ProviderDecision.objects.select_for_update(no_key=True).get(pk=decision)
    if wish.status != ProviderDecision.Status.REQUESTED:
        raise SettlementNotRequested
    return wish


def _note(
    payment: ProviderPayment, what: What, reason: str, actor: Actor, now: datetime, **more: Any
) -> ProviderDecision:
    return ProviderDecision.objects.create(
        provider=payment.provider,
        reference=payment.public_id,
        what=what,
        reason=reason,
        requested_by=actor.acting,
        requested_login=actor.login,
        requested_at=now,
        **more,
    )
