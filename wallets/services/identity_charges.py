"""
Money that is on a third party's server: charging an identity for one trade, in three steps.

`request_identity_charge`, `call_identity_server`, `finish_identity_charge`; and `cancel_identity_charge` at any
time. Whoever keeps the trades (`register_charged_trades`) is told how a charge ended, in the transaction that
writes it, and says whether the trade still takes the money.
"""

from datetime import datetime
from typing import Protocol

from django.conf import settings
from django.db import transaction

from accounts.models import Account, ExternalIdentity
from billing.selectors import books_outside
from core.money import Money
from events.services import emit
from wallets.errors import ProviderNotBooked
from wallets.events import WalletToppedUp
from wallets.models import IdentityCharge
from wallets.providers.base import InProgress, NotKnown, Outcome, Succeeded
from wallets.providers.registry import find_identity_server
from wallets.services.provider_calls import (
    GIVEN_UP,
    Road,
    What,
    ask,
    ask_again,
    find_payment,
    finish_unfinished,
    first_query_at,
    lock_unfinished,
    write_given_up,
    write_outcome,
)
from wallets.services.unbooked import note_unbooked_change

CANCELLED = "cancelled"


class ChargedTrades(Protocol):
    """Those whose orders identities are charged for."""

    def lock(self, *, order: str) -> None:
        """Lock an order (public id); charges are locked after it."""

    def take(self, charge: IdentityCharge, *, now: datetime) -> bool:
        """Have a charge that has succeeded pay its order; return False if the order takes no money any more."""

    def drop(self, charge: IdentityCharge, *, now: datetime) -> None:
        """A charge has failed: nothing has moved for its order."""


_keepers: list[ChargedTrades] = []


def register_charged_trades(keeper: ChargedTrades) -> None:
    """Say who keeps the trades; once, when Django starts."""
    if _keepers:
        raise ValueError("Somebody keeps the trades already")
    _keepers.append(keeper)


@transaction.atomic
def request_identity_charge(
    *, identity: ExternalIdentity, trade_no: str, order: str, amount: Money, payer: Account, now: datetime
) -> IdentityCharge:
    """
    First step: write the intent to charge an identity for one trade, whose order the caller has locked.

    Nothing has moved; a task finishes what the caller does not, within IDENTITY_CHARGE_GIVE_UP_AFTER.

    :raises ProviderUnknown: the provider has no server: the money of its identities is in our wallets.
    :raises ProviderNotBooked: no rule in force books what it charges.
    """
    find_identity_server(identity.provider)
    if not books_outside(identity.provider, at=now):
        raise ProviderNotBooked
    return IdentityCharge.objects.create(
        owner=payer,
        login_account=payer,
        provider=identity.provider,
        external_id=identity.external_id,
        trade_no=trade_no,
        order=order,
        amount_minor=amount.minor,
        currency=amount.currency,
        requested_at=now,
        next_query_at=first_query_at(),
    )


def erase_charged_identities(account: Account) -> None:
    """Leave no provider's name for a person whose account is erased; nothing of it is under way any more."""
    IdentityCharge.objects.filter(owner=account).update(external_id="")


def call_identity_server(*, public_id: str) -> Outcome:
    """Second step, outside any transaction: have the server charge the identity; a repeat charges once."""
    return _charge(find_payment(IdentityCharge, public_id))


@transaction.atomic
def finish_identity_charge(
    *, public_id: str, outcome: Outcome, now: datetime, is_last_word: bool = False
) -> IdentityCharge:
    """
    Third step: write the outcome, and tell the trade; a repeat changes nothing.

    Money for a trade that has ended meanwhile is to be undone by the server; only if that is too late, it goes
    into the wallet of the identity's account. `is_last_word`: the server says so after it was told to cancel. That
    it had charged before it was told (an answer that was on its way) does not mean that it is too late.
    """
    charge = lock_identity_charge(public_id)
    was_given_up = charge.status == IdentityCharge.Status.FAILED
    if was_given_up and isinstance(outcome, Succeeded) and not is_last_word:
        outcome = InProgress(outcome.provider_reference)
    if not write_outcome(charge, outcome, now):
        return charge
    if charge.status == IdentityCharge.Status.FAILED:
        _keepers[0].drop(charge, now=now)
    elif was_given_up:
        _put_into_wallet(charge, now)
    elif not _keepers[0].take(charge, now=now):
        _undo(charge, now)
    return charge


@transaction.atomic
def cancel_identity_charge(*, public_id: str, now: datetime) -> IdentityCharge:
    """
    Let a charge that is in progress have failed at once, and have the task tell the server to cancel it.

    What is finished stays as it is: paid orders are refunded.
    """
    charge = lock_identity_charge(public_id)
    _give_up(charge, CANCELLED, now)
    ask_again(IdentityCharge, public_id)
    return charge


@transaction.atomic
def give_up_identity_charge(*, public_id: str, now: datetime) -> IdentityCharge:
    """Let a charge without an answer have failed; the task goes on telling its server to cancel it."""
    charge = lock_identity_charge(public_id)
    _give_up(charge, GIVEN_UP, now)
    return charge


def _give_up(charge: IdentityCharge, reason: str, now: datetime) -> None:
    if write_given_up(charge, reason, now):
        _keepers[0].drop(charge, now=now)


def finish_open_identity_charges() -> int:
    """Ask about a bounded number of charges whose outcome is not known; return how many. Not in a transaction."""
    return finish_unfinished(ROAD)


def lock_identity_charge(public_id: str) -> IdentityCharge:
    """Lock a charge's order and then the charge, as everything about its money does."""
    _keepers[0].lock(order=find_payment(IdentityCharge, public_id).order)
    return lock_unfinished(IdentityCharge, public_id)


def _undo(charge: IdentityCharge, now: datetime) -> None:
    """The same end as given up: failed for us, and cancelled by the task."""
    charge.status = IdentityCharge.Status.IN_PROGRESS
    _give_up(charge, CANCELLED, now)


def _put_into_wallet(charge: IdentityCharge, now: datetime) -> None:
    """The server keeps to a charge that it was told to cancel: the money belongs to the identity's account."""
    charge.to_wallet = True
    charge.save(update_fields=["to_wallet"])
    event = WalletToppedUp(
        top_up=charge.public_id,
        owner=charge.owner.public_id,
        amount_minor=charge.amount_minor,
        currency=charge.currency,
        provider=charge.provider,
    )
    emitted = emit(event, occurred_at=now)
    note_unbooked_change(event_id=emitted.id, owner_id=charge.owner_id, amount=charge.amount)


def _charge(charge: IdentityCharge) -> Outcome:
    server = find_identity_server(charge.provider)
    return ask(
        charge,
        What.CHARGE,
        lambda: server.charge(
            reference=charge.public_id, identity=charge.external_id, trade_no=charge.trade_no, amount=charge.amount
        ),
    )


def _query(charge: IdentityCharge) -> Outcome | NotKnown:
    server, known_as = find_identity_server(charge.provider), charge.provider_reference
    return ask(charge, What.QUERY, lambda: server.query(reference=charge.public_id, known_as=known_as))


def _cancel(charge: IdentityCharge) -> Outcome:
    server, known_as = find_identity_server(charge.provider), charge.provider_reference
    return ask(charge, What.CANCEL, lambda: server.cancel(reference=charge.public_id, known_as=known_as))


ROAD = Road(
    payments=IdentityCharge,
    call=_charge,
    query=_query,
    cancel=_cancel,
    finish=lambda public_id, outcome, now: finish_identity_charge(public_id=public_id, outcome=outcome, now=now),
    finish_cancelled=lambda public_id, outcome, now: finish_identity_charge(
        public_id=public_id, outcome=outcome, now=now, is_last_word=True
    ),
    give_up=lambda public_id, now: give_up_identity_charge(public_id=public_id, now=now),
    give_up_after=lambda: settings.IDENTITY_CHARGE_GIVE_UP_AFTER,
)
