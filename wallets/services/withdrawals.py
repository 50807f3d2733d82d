"""Money out, in three steps: `request_withdrawal`, `pay_out_withdrawal`, `finish_withdrawal`."""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from accounts.services import ensure_own_login
from core import clock
from core.ids import new_public_id
from core.money import Money
from events.services import emit
from ledger import codes
from ledger.errors import InsufficientFunds
from ledger.holds import place_hold
from wallets.events import WalletWithdrawn, WithdrawalFailed, withdrawn_key
from wallets.models import Withdrawal
from wallets.providers.base import Outcome
from wallets.providers.registry import find_provider
from wallets.services.debts import refuse_debtors
from wallets.services.provider_calls import (
    find_payment,
    finish_unfinished,
    first_query_at,
    lock_unfinished,
    write_outcome,
)
from wallets.services.unbooked import note_unbooked_change


@transaction.atomic
def request_withdrawal(*, owner: Account, amount: Money, provider: str, actor: Actor, now: datetime) -> Withdrawal:
    """
    First step: take the money out of the wallet; it is booked out at once, before the payout.

    :raises ProviderUnknown: there is no such provider.
    :raises OwnLoginRequired: somebody acts through a link.
    :raises DebtOutstanding: the owner owes something, in whatever currency.
    :raises InsufficientFunds: the wallet has less available.
    """
    find_provider(provider)
    ensure_own_login(actor)
    public_id = new_public_id("wdr")
    hold_id = _hold_for_one_who_owes_nothing(owner, amount, withdrawn_key(public_id))
    withdrawal = Withdrawal.objects.create(
        public_id=public_id,
        owner=owner,
        login_account=actor.login,
        provider=provider,
        amount_minor=amount.minor,
        currency=amount.currency,
        requested_at=now,
        next_query_at=first_query_at(),
    )
    event = WalletWithdrawn(
        withdrawal=public_id,
        owner=owner.public_id,
        amount_minor=amount.minor,
        currency=amount.currency,
        provider=provider,
        holds=[hold_id],
    )
    emitted = emit(event, occurred_at=now)
    note_unbooked_change(event_id=emitted.id, owner_id=owner.id, amount=Money(-amount.minor, amount.currency))
    return withdrawal


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
    return find_provider(withdrawal.provider).payout(
        reference=withdrawal.public_id, amount=withdrawal.amount, owner=withdrawal.owner.public_id
    )


@transaction.atomic
def finish_withdrawal(*, public_id: str, outcome: Outcome, now: datetime) -> Withdrawal:
    """Third step: write the outcome; what could not be paid out goes back to the wallet. A repeat changes nothing."""
    withdrawal = lock_unfinished(Withdrawal, public_id)
    if write_outcome(withdrawal, outcome, now) and withdrawal.status == Withdrawal.Status.FAILED:
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
    return withdrawal


def finish_open_withdrawals() -> int:
    """Ask about a bounded number of withdrawals whose outcome is not known; return how many. Not in a transaction."""
    return finish_unfinished(
        Withdrawal,
        call=_pay_out,
        finish=lambda public_id, outcome: finish_withdrawal(public_id=public_id, outcome=outcome, now=clock.now()),
    )
