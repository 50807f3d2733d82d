"""Money in, in three steps: `request_top_up`, `charge_top_up`, `finish_top_up`; and its way back, the chargeback."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from accounts.errors import AccountNotLinked, SessionEnded
from accounts.models import Account
from accounts.services import hold_open
from core.errors import AmountTooLarge, NotFound
from core.money import AMOUNT_MINOR_MAX, Money
from events.services import emit
from ledger import codes
from ledger.holds import hold_up_to
from wallets.errors import TopUpNotReversible
from wallets.events import TopUpReversed, WalletToppedUp, topped_up_key, topup_reversed_key
from wallets.models import TopUp, TopUpReversal
from wallets.providers.base import NotKnown, Outcome
from wallets.providers.registry import find_provider
from wallets.selectors import expected_balance_minor
from wallets.services.debts import open_debt
from wallets.services.provider_calls import (
    GIVEN_UP,
    Road,
    What,
    ask,
    find_payment,
    finish_unfinished,
    first_query_at,
    lock_unfinished,
    write_given_up,
    write_outcome,
)
from wallets.services.unbooked import note_unbooked_change


@transaction.atomic
def request_top_up(*, owner: Account, amount: Money, provider: str, actor: Actor, now: datetime) -> TopUp:
    """
    First step: write the intent. Nothing has moved; a task finishes what the caller does not.

    :raises ProviderUnknown: there is no such provider.
    :raises AmountTooLarge: the wallet would hold more than every JSON client can read.
    :raises SessionEnded: the acting account was closed meanwhile.
    :raises AccountNotLinked: the linked one was.
    """
    find_provider(provider)
    if not hold_open([owner.pk]):
        raise SessionEnded if owner == actor.acting else AccountNotLinked
    if expected_balance_minor(owner, amount.currency) + amount.minor > AMOUNT_MINOR_MAX:
        raise AmountTooLarge
    return TopUp.objects.create(
        owner=owner,
        login_account=actor.login,
        provider=provider,
        amount_minor=amount.minor,
        currency=amount.currency,
        requested_at=now,
        next_query_at=first_query_at(),
    )


def charge_top_up(*, public_id: str) -> Outcome:
    """Second step, outside any transaction: have the provider take the money; a repeat takes it once."""
    return _charge(find_payment(TopUp, public_id))


def _charge(top_up: TopUp) -> Outcome:
    provider = find_provider(top_up.provider)
    return ask(
        top_up,
        What.CHARGE,
        lambda: provider.charge(reference=top_up.public_id, amount=top_up.amount, owner=top_up.owner.public_id),
    )


def _query(top_up: TopUp) -> Outcome | NotKnown:
    provider = find_provider(top_up.provider)
    known_as = top_up.provider_reference
    return ask(top_up, What.QUERY, lambda: provider.query(reference=top_up.public_id, known_as=known_as))


def _cancel(top_up: TopUp) -> Outcome:
    provider = find_provider(top_up.provider)
    known_as = top_up.provider_reference
    return ask(top_up, What.CANCEL, lambda: provider.cancel(reference=top_up.public_id, known_as=known_as))


@transaction.atomic
def finish_top_up(*, public_id: str, outcome: Outcome, now: datetime) -> TopUp:
    """
    Third step: write the outcome, and have it booked if money came in; a repeat changes nothing.

    Money that came in after the top-up was given up is booked as well: it is there.
    """
    top_up = lock_unfinished(TopUp, public_id)
    if write_outcome(top_up, outcome, now) and top_up.status == TopUp.Status.SUCCEEDED:
        event = WalletToppedUp(
            top_up=top_up.public_id,
            owner=top_up.owner.public_id,
            amount_minor=top_up.amount_minor,
            currency=top_up.currency,
            provider=top_up.provider,
        )
        emitted = emit(event, occurred_at=now)
        note_unbooked_change(event_id=emitted.id, owner_id=top_up.owner_id, amount=top_up.amount)
    return top_up


@transaction.atomic
def give_up_top_up(*, public_id: str, now: datetime) -> TopUp:
    """Let a top-up without an answer have failed; the task goes on telling its provider to cancel it."""
    top_up = lock_unfinished(TopUp, public_id)
    write_given_up(top_up, GIVEN_UP, now)
    return top_up


def finish_open_top_ups() -> int:
    """Ask about a bounded number of top-ups whose outcome is not known; return how many. Not in a transaction."""
    return finish_unfinished(ROAD)


ROAD = Road(
    payments=TopUp,
    call=_charge,
    query=_query,
    cancel=_cancel,
    finish=lambda public_id, outcome, now: finish_top_up(public_id=public_id, outcome=outcome, now=now),
    give_up=lambda public_id, now: give_up_top_up(public_id=public_id, now=now),
    give_up_after=lambda: settings.PROVIDER_GIVE_UP_AFTER,
)


@transaction.atomic
def reverse_top_up(*, public_id: str, reason: str, actor: Actor, now: datetime) -> TopUpReversal:
    """
    Take a whole top-up back, because its provider did (a chargeback). For operators.

    What refunds have returned to the provider before is not its to take again. The rest comes out of the wallet as
    far as it goes, decided under the wallet's lock; what is missing is owed.

    :raises NotFound: there is no such top-up.
    :raises TopUpNotReversible: it has not succeeded, was reversed before, or is returned.
    """
    top_up = (
        TopUp.objects.select_for_update(no_key=True, of=("self",))
        .select_related("owner")
        .filter(public_id=public_id)
        .first()
    )
    if top_up is None:
        raise NotFound
    left = Money(top_up.returnable_minor, top_up.currency)
    if not left.minor:
        raise TopUpNotReversible
    top_up.status = TopUp.Status.REVERSED
    top_up.save(update_fields=["status"])
    return _reverse(top_up, left, reason, actor, now)


def _reverse(top_up: TopUp, amount: Money, reason: str, actor: Actor, now: datetime) -> TopUpReversal:
    owner, key = top_up.owner, topup_reversed_key(top_up.public_id)
    hold_id, from_wallet_minor = hold_up_to(code=codes.wallet(owner.public_id), amount=amount, key=key)
    to_debt_minor = amount.minor - from_wallet_minor
    event = TopUpReversed(
        top_up=top_up.public_id,
        owner=owner.public_id,
        from_wallet_minor=from_wallet_minor,
        to_debt_minor=to_debt_minor,
        currency=top_up.currency,
        provider=top_up.provider,
        undoes=topped_up_key(top_up.public_id),
        holds=[hold_id] if hold_id is not None else [],
    )
    emitted = emit(event, occurred_at=now)
    note_unbooked_change(event_id=emitted.id, owner_id=owner.id, amount=Money(-from_wallet_minor, top_up.currency))
    owed = Money(to_debt_minor, top_up.currency)
    open_debt(owner_id=owner.id, owed=owed, subject=top_up.public_id, event_id=emitted.id, now=now)
    return TopUpReversal.objects.create(
        top_up=top_up,
        from_wallet_minor=from_wallet_minor,
        to_debt_minor=to_debt_minor,
        reason=reason,
        made_by=actor.acting,
        login_account=actor.login,
        reversed_at=now,
    )
