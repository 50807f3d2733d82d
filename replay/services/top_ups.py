"""Customers bring the money for what they buy on a day, less what their wallets have left."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from core.errors import AmountTooLarge
from core.money import Money
from ledger import codes
from ledger.selectors import balances_of
from replay.models import CustomerTopUp, Party
from replay.reading import Invoice
from replay.services.world import World
from wallets.models import TopUp
from wallets.services import charge_top_up, finish_top_up, request_top_up

Need = tuple[str, str]  # (wallet's ledger code, currency)


def top_up_for(invoices: Sequence[Invoice], world: World) -> None:
    """
    Top customers up for these sales, which are all that is left of one day; everything before is booked.

    A repeat finds the money of the first time in the wallets and brings none.
    """
    needed: dict[Need, int] = {}
    first: dict[Need, tuple[Party, datetime]] = {}
    for invoice in invoices:
        party = world.customer(invoice.customer, now=invoice.at)
        need = (codes.wallet(party.account.public_id), invoice.currency)
        needed[need] = needed.get(need, 0) + invoice.total_minor
        first.setdefault(need, (party, invoice.at))
    there = _available_minor([code for code, _currency in needed])
    for need, minor in needed.items():
        party, at = first[need]
        if (short_minor := minor - there.get(need, 0)) > 0:
            _top_up(party, Money(short_minor, need[1]), now=at)


def finish_begun(source: str) -> None:
    """Finish the top-ups that a killed run has left half done; a repeat moves no money twice."""
    begun = CustomerTopUp.objects.filter(customer__source=source, top_up__status=TopUp.Status.IN_PROGRESS)
    for mark in begun.select_related("top_up"):
        _charge(mark.top_up)


def _top_up(party: Party, amount: Money, *, now: datetime) -> None:
    try:
        with transaction.atomic():
            top_up = request_top_up(
                owner=party.account,
                amount=amount,
                provider=settings.REPLAY_PROVIDER,
                actor=Actor.own(party.account),
                now=now,
            )
            CustomerTopUp.objects.create(customer=party, top_up=top_up)
    except AmountTooLarge:
        return  # No wallet holds so much: these invoices are refused when they are to be paid.
    _charge(top_up)


def _charge(top_up: TopUp) -> None:
    outcome = charge_top_up(public_id=top_up.public_id)
    finish_top_up(public_id=top_up.public_id, outcome=outcome, now=top_up.requested_at)


def _available_minor(wallets: Sequence[str]) -> dict[Need, int]:
    return {
        (balance.code, balance.currency): balance.balance_minor - balance.held_minor for balance in balances_of(wallets)
    }
