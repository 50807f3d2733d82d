"""
Money out, in three steps: `request_withdrawal`, `pay_out_withdrawal`, `finish_withdrawal`.

A refund's money goes back to where it was charged in the same way (`return_to_provider`): a withdrawal that the
task sends, to the charge and not to the owner.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.actor import Actor
from accounts.models import Account
from accounts.services import ensure_own_login
from core.ids import new_public_id
from core.money import Money
from events.services import emit
from ledger import codes
from ledger.errors import InsufficientFunds
from ledger.holds import hold_up_to, place_hold
from wallets.events import WalletWithdrawn, WithdrawalFailed, withdrawn_key
from wallets.models import FAILURE_LENGTH_MAX, Charged, IdentityCharge, TopUp, Withdrawal
from wallets.payout_targets.services import choose_payout_target, destination_of
from wallets.providers.base import Charge, Failed, NotKnown, Outcome
from wallets.providers.registry import find_identity_server, find_provider
from wallets.services.debts import refuse_debtors
from wallets.services.provider_calls import (
    Road,
    What,
    ask,
    find_payment,
    finish_unfinished,
    first_query_at,
    lock_unfinished,
    write_outcome,
)
from wallets.services.unbooked import note_unbooked_change


@transaction.atomic
def request_withdrawal(
    *, owner: Account, amount: Money, provider: str, target: str | None = None, actor: Actor, now: datetime
) -> Withdrawal:
    """
    First step: take the money out of the wallet; it is booked out at once, before the payout.

    `target`: public id of the owner's payout target.

    :raises ProviderUnknown: there is no such provider.
    :raises OwnLoginRequired: somebody acts through a link.
    :raises PayoutTargetRequired: the house pays out to named targets only.
    :raises PayoutTargetUnknown: the owner has no such target.
    :raises DebtOutstanding: the owner owes something, in whatever currency.
    :raises InsufficientFunds: the wallet has less available.
    """
    find_provider(provider)
    ensure_own_login(actor)
    payout_target = choose_payout_target(owner=owner, target=target)
    public_id = new_public_id("wdr")
    hold_id = _hold_for_one_who_owes_nothing(owner, amount, withdrawn_key(public_id))
    withdrawal = Withdrawal.objects.create(
        public_id=public_id,
        owner=owner,
        login_account=actor.login,
        provider=provider,
        amount_minor=amount.minor,
        currency=amount.currency,
        payout_target=payout_target,
        requested_at=now,
        next_query_at=first_query_at(),
    )
    _book_out(withdrawal, hold_id, now)
    return withdrawal


@transaction.atomic
def return_to_provider(*, charged: Charged, refund: str, amount: Money, now: datetime) -> Withdrawal | None:
    """
    Send a refund's money (`refund`: its public id) back to where it was charged; the task makes the call.

    To be called once billing has put it into the wallet. No more goes back than was charged and is not returned
    yet, and no more than the wallet has: what its owner spent meanwhile, and what a provider refuses, stays with
    him. None where nothing goes back. Debts do not keep it: it is not the owner's to take.
    """
    locked = type(charged)._default_manager.select_for_update(no_key=True).get(pk=charged.pk)
    wanted = Money(min(amount.minor, locked.returnable_minor), amount.currency)
    if not wanted.minor:
        return None
    public_id, owner = new_public_id("wdr"), charged.owner
    key = withdrawn_key(public_id)
    hold_id, minor = hold_up_to(code=codes.wallet(owner.public_id), amount=wanted, key=key)
    if hold_id is None:
        return None
    locked.returned_minor += minor
    locked.save(update_fields=["returned_minor"])
    withdrawal = Withdrawal.objects.create(
        public_id=public_id,
        owner=owner,
        login_account=owner,
        provider=locked.provider,
        amount_minor=minor,
        currency=amount.currency,
        top_up=locked if isinstance(locked, TopUp) else None,
        charge=locked if isinstance(locked, IdentityCharge) else None,
        refund=refund,
        requested_at=now,
        next_query_at=timezone.now(),
    )
    _book_out(withdrawal, hold_id, now)
    return withdrawal


def _book_out(withdrawal: Withdrawal, hold_id: int, now: datetime) -> None:
    """The money is out of the wallet from now on, before anybody is called."""
    event = WalletWithdrawn(
        withdrawal=withdrawal.public_id,
        owner=withdrawal.owner.public_id,
        amount_minor=withdrawal.amount_minor,
        currency=withdrawal.currency,
        provider=withdrawal.provider,
        holds=[hold_id],
    )
    emitted = emit(event, occurred_at=now)
    out = Money(-withdrawal.amount_minor, withdrawal.currency)
    note_unbooked_change(event_id=emitted.id, owner_id=withdrawal.owner_id, amount=out)


def _hold_for_one_who_owes_nothing(owner: Account, amount: Money, key: str) -> int:
    """
    Hold first, then look for debts: a reversal decides what becomes debt under the lock that the hold takes.

    So it is either over, and its debt is seen here, or it comes after and finds less in the wallet.
    """
    try:
        hold_id = place_hold(code=codes.wallet(owner.public_id), amount=amount, key=key)
    except InsufficientFunds:
        refuse_debtors(owner)
        raise
    refuse_debtors(owner)
    return hold_id


def pay_out_withdrawal(*, public_id: str) -> Outcome:
    """Second step, outside any transaction: have the provider pay; a repeat pays once."""
    return _pay_out(find_payment(Withdrawal, public_id))


def _pay_out(withdrawal: Withdrawal) -> Outcome:
    reference, amount, owner = withdrawal.public_id, withdrawal.amount, withdrawal.owner.public_id
    if withdrawal.returns is not None:
        return _refund(withdrawal, withdrawal.returns)
    provider, target = find_provider(withdrawal.provider), destination_of(withdrawal)
    return ask(
        withdrawal,
        What.PAYOUT,
        lambda: provider.payout(reference=reference, amount=amount, owner=owner, target=target),
    )


def _refund(withdrawal: Withdrawal, charged: Charged) -> Outcome:
    side = find_provider if withdrawal.charge is None else find_identity_server
    provider, charge = side(withdrawal.provider), Charge(charged.public_id, charged.provider_reference)
    return ask(
        withdrawal,
        What.REFUND,
        lambda: provider.refund(reference=withdrawal.public_id, charge=charge, amount=withdrawal.amount),
    )


def _query(withdrawal: Withdrawal) -> Outcome | NotKnown:
    side = find_provider if withdrawal.charge is None else find_identity_server
    provider, known_as = side(withdrawal.provider), withdrawal.provider_reference
    return ask(withdrawal, What.QUERY, lambda: provider.query(reference=withdrawal.public_id, known_as=known_as))


@transaction.atomic
def finish_withdrawal(*, public_id: str, outcome: Outcome, now: datetime) -> Withdrawal:
    """Third step: write the outcome; what could not be paid out goes back to the wallet. A repeat changes nothing."""
    withdrawal = lock_unfinished(Withdrawal, public_id)
    if write_outcome(withdrawal, outcome, now) and withdrawal.status == Withdrawal.Status.FAILED:
        _give_back(withdrawal, now)
    return withdrawal


@transaction.atomic
def bounce_withdrawal(*, public_id: str, reason: str, now: datetime) -> bool:
    """
    Take it that money out has failed, at its provider's own signed word; return whether that is news.

    Banks send money back days after they have taken it: what had succeeded has then failed after all, and the money
    is the owner's again. Never the other way round: what has failed was given back.
    """
    withdrawal = lock_unfinished(Withdrawal, public_id)
    if withdrawal.status != Withdrawal.Status.SUCCEEDED:
        was_open = withdrawal.next_query_at is not None
        finish_withdrawal(public_id=public_id, outcome=Failed(reason), now=now)
        return was_open
    withdrawal.status, withdrawal.finished_at = Withdrawal.Status.FAILED, now
    withdrawal.failure = reason[:FAILURE_LENGTH_MAX]
    withdrawal.save(update_fields=["status", "finished_at", "failure"])
    _give_back(withdrawal, now)
    return True


def _give_back(withdrawal: Withdrawal, now: datetime) -> None:
    """The money is the owner's again, from now on."""
    event = WithdrawalFailed(
        withdrawal=withdrawal.public_id,
        owner=withdrawal.owner.public_id,
        amount_minor=withdrawal.amount_minor,
        currency=withdrawal.currency,
        provider=withdrawal.provider,
        undoes=withdrawn_key(withdrawal.public_id),
    )
    emitted = emit(event, occurred_at=now)
    note_unbooked_change(event_id=emitted.id, owner_id=withdrawal.owner_id, amount=withdrawal.amount)
    _keep(withdrawal)


def _keep(withdrawal: Withdrawal) -> None:
    """What could not be returned stays in the wallet, and may be returned with a later refund."""
    charged = withdrawal.returns
    if charged is not None:
        same = type(charged)._default_manager.filter(pk=charged.pk)
        same.update(returned_minor=F("returned_minor") - withdrawal.amount_minor)


def finish_open_withdrawals() -> int:
    """Ask about a bounded number of withdrawals whose outcome is not known; return how many. Not in a transaction."""
    return finish_unfinished(ROAD)


ROAD = Road(
    payments=Withdrawal,
    call=_pay_out,
    query=_query,
    finish=lambda public_id, outcome, now: finish_withdrawal(public_id=public_id, outcome=outcome, now=now),
)
