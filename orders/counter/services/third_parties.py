"""
Identities whose money is on a third party's server: intent, call, outcome, as wherever money is somewhere else.

The trade stays pending until the server's answer is final; only then it is paid, without any wallet or hold. What
was charged for a trade that has ended meanwhile is undone by the server.
"""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from core.errors import Conflict
from core.money import Money
from ledger.errors import InsufficientFunds
from orders.counter.errors import ChargeRefused
from orders.counter.models import CashierAct, Terminal
from orders.counter.services.acts import note_act
from orders.counter.services.charging import ensure_open, find_identity, is_paid_by
from orders.counter.services.paying import TillPayment, ensure_same_customer, lock_trade
from orders.counter.services.trading import Identity, note_refusal
from orders.models import Order
from orders.services.identity_payments import request_identity_payment
from wallets.models import IdentityCharge
from wallets.providers.base import Outcome
from wallets.services import call_identity_server, cancel_identity_charge, finish_identity_charge


@transaction.atomic
def request_till_charge(
    *, terminal: Terminal, trade_no: str, identity: Identity, amount: Money, now: datetime, by: Actor | None = None
) -> str | None:
    """
    First step: write the intent to charge an identity for a trade of the till's store; return its public id.

    None where this identity has paid it: the repeat of a charge whose answer was lost. `by`: who stands at it, where
    the till is a page in a browser.

    :raises NotFound: the store has no such trade.
    :raises IdentityUnknown: the identity cannot pay this trade here.
    :raises StoreClosed: the store sells nothing any more.
    :raises OrderNotPayable: it is not pending, or its time is up.
    :raises AmountMismatch: `amount` is not the trade's.
    :raises PaymentInProgress: something is being charged for it just now.
    :raises ProviderNotBooked: no rule in force books what the server charges.
    """
    trade = lock_trade(trade_no, store=terminal.store.public_id)
    bound = find_identity(identity.provider, identity.external_id, terminal.store)
    ensure_same_customer(trade.order, bound.account)
    if is_paid_by(trade.order, bound):
        return None
    ensure_open(terminal.store)
    charge = request_identity_payment(order=trade.order.public_id, identity=bound, amount=amount, now=now)
    note_act(CashierAct.Kind.TRIED, terminal=terminal, trade=trade, by=by, now=now)
    return charge.public_id


def call_till_charge(*, charge: str) -> Outcome:
    """Second step, outside any transaction: have the identity's server charge it; a repeat charges once."""
    return call_identity_server(public_id=charge)


@transaction.atomic
def conclude_till_charge(*, charge: str | None, trade_no: str, outcome: Outcome | None, now: datetime) -> TillPayment:
    """
    Third step: write the outcome. A trade whose server does not know yet stays pending, with no refusal.
    """
    refusal = None
    if charge is not None and outcome is not None:
        refusal = _refusal_of(finish_identity_charge(public_id=charge, outcome=outcome, now=now))
    trade = lock_trade(trade_no)
    note_refusal(trade, refusal, now)
    trade.save(update_fields=["refusal", "refusal_detail", "confirming_since"])
    return TillPayment(trade, refusal)


def drop_charges(order: Order, now: datetime) -> None:
    """Let go of what is being charged for a locked order that has ended: the server is told to cancel it."""
    running = IdentityCharge.objects.filter(order=order.public_id, status=IdentityCharge.Status.IN_PROGRESS)
    for public_id in running.values_list("public_id", flat=True):
        cancel_identity_charge(public_id=public_id, now=now)


def _refusal_of(charge: IdentityCharge) -> Conflict | None:
    if charge.status != IdentityCharge.Status.FAILED:
        return None
    return InsufficientFunds() if charge.failure == InsufficientFunds.code else ChargeRefused()
