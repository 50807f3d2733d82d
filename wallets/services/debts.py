"""Debts: opened by reversals, repaid by earnings or by their owner, or written off by an operator."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from accounts.actor import Actor
from accounts.models import Account
from accounts.services import spend_through_link
from billing.booking import BILLING
from core.errors import NotFound
from core.money import Money
from events.models import Delivery
from events.services import emit
from ledger import codes
from ledger.holds import place_hold
from wallets.errors import DebtOutstanding, DebtSettled, RepaymentExceedsDebt
from wallets.events import DebtRepaid, DebtWrittenOff, repaid_key
from wallets.models import Debt, DebtRepayment
from wallets.services.unbooked import note_unbooked_change

DebtKey = tuple[int, str]  # (owner's id, currency): what one earning may repay.


def open_debt(*, owner_id: int, owed: Money, subject: str, event_id: int, now: datetime) -> None:
    """Note what an owner owes from now on, in the transaction of the event that says so; zero is no debt."""
    if owed.minor:
        Debt.objects.create(
            owner_id=owner_id,
            currency=owed.currency,
            amount_minor=owed.minor,
            subject=subject,
            event_id=event_id,
            opened_at=now,
        )


def refuse_debtors(owner: Account) -> None:
    """
    Let only those go on who owe nothing, in whatever currency.

    :raises DebtOutstanding: a debt is open.
    """
    if Debt.objects.filter(owner=owner, amount_minor__gt=F("repaid_minor")).exists():
        raise DebtOutstanding


@transaction.atomic
def repay_debts(*, owner: Account, amount: Money, actor: Actor, now: datetime) -> list[DebtRepayment]:
    """
    Repay what an owner owes in one currency out of the wallet, oldest debt first; return what each debt got.

    :raises SpendingCapExceeded: somebody acts through a link whose terms do not let so much be spent.
    :raises RepaymentExceedsDebt: less than `amount` is owed.
    :raises InsufficientFunds: the wallet has less available.
    """
    spend_through_link(owner=owner, amount=amount, actor=actor)
    debts = [debt for debt in lock_open_debts([owner.id]) if debt.currency == amount.currency]
    if sum(debt.owed_minor for debt in debts) < amount.minor:
        raise RepaymentExceedsDebt
    settled = settle(debts, amount.minor)
    Debt.objects.bulk_update([debt for debt, _minor in settled], ["repaid_minor"])
    return DebtRepayment.objects.bulk_create(
        _repay_from_wallet(debt, Money(minor, amount.currency), owner, actor, now) for debt, minor in settled
    )


def _repay_from_wallet(debt: Debt, part: Money, owner: Account, actor: Actor, now: datetime) -> DebtRepayment:
    """Each debt's part is an event of the debt's own subject, so that it is booked after what opened the debt."""
    key = repaid_key(debt=debt.id, repaid_so_far_minor=debt.repaid_minor)
    hold_id = place_hold(code=codes.wallet(owner.public_id), amount=part, key=key)
    event = DebtRepaid(
        debt=debt.id,
        of=debt.subject,
        owner=owner.public_id,
        amount_minor=part.minor,
        repaid_so_far_minor=debt.repaid_minor,
        currency=part.currency,
        holds=[hold_id],
    )
    emitted = emit(event, occurred_at=now)
    note_unbooked_change(event_id=emitted.id, owner_id=owner.id, amount=Money(-part.minor, part.currency))
    return DebtRepayment(
        debt=debt,
        kind=DebtRepayment.Kind.WALLET,
        amount_minor=part.minor,
        event_id=emitted.id,
        made_by=actor.acting,
        login_account=actor.login,
        repaid_at=now,
    )


@transaction.atomic
def write_off_debt(*, debt_id: int, reason: str, actor: Actor, now: datetime) -> DebtRepayment:
    """
    Give up what is left of a debt; the platform bears the loss. For operators.

    :raises NotFound: there is no such debt.
    :raises DebtSettled: nothing of it is left.
    """
    debt = Debt.objects.select_for_update(no_key=True, of=("self",)).select_related("owner").filter(id=debt_id).first()
    if debt is None:
        raise NotFound
    if not debt.owed_minor:
        raise DebtSettled
    owed_minor = debt.owed_minor
    event = DebtWrittenOff(
        debt=debt.id,
        of=debt.subject,
        owner=debt.owner.public_id,
        amount_minor=owed_minor,
        currency=debt.currency,
    )
    emitted = emit(event, occurred_at=now)
    debt.repaid_minor = debt.amount_minor
    debt.save(update_fields=["repaid_minor"])
    return DebtRepayment.objects.create(
        debt=debt,
        kind=DebtRepayment.Kind.WRITE_OFF,
        amount_minor=owed_minor,
        event_id=emitted.id,
        made_by=actor.acting,
        login_account=actor.login,
        reason=reason,
        repaid_at=now,
    )


def lock_open_debts(owner_ids: Iterable[int]) -> list[Debt]:
    """
    Lock the owners' open debts in id order and return them, oldest first; locked first, then looked at.

    Two that meet here wait for each other and never deadlock.
    """
    locked = Debt.objects.select_for_update(no_key=True)
    return list(locked.filter(owner_id__in=owner_ids, amount_minor__gt=F("repaid_minor")).order_by("id"))


def known_to_ledger(debts: Sequence[Debt]) -> dict[DebtKey, list[Debt]]:
    """Return those debts whose opening is booked, by owner and currency."""
    openings = [debt.event_id for debt in debts]
    waiting = Delivery.objects.filter(consumer=BILLING, event_id__in=openings).values_list("event_id", flat=True)
    unbooked_ids = set(waiting) if openings else set()
    by_owner: dict[DebtKey, list[Debt]] = defaultdict(list)
    for debt in debts:
        if debt.event_id not in unbooked_ids:
            by_owner[debt.owner_id, debt.currency].append(debt)
    return by_owner


def unbooked_debts(owner: Any) -> QuerySet[Debt]:
    """Return an owner's open debts that the ledger does not know yet."""
    waiting = Delivery.objects.filter(consumer=BILLING, event_id=OuterRef("event_id"))
    return Debt.objects.filter(Exists(waiting), owner=owner, amount_minor__gt=F("repaid_minor"))


def settle(debts: Iterable[Debt], amount_minor: int) -> list[tuple[Debt, int]]:
    """Use up an amount on debts in the order given, raising their `repaid_minor`; return what each got."""
    settled = []
    for debt in debts:
        part = min(debt.owed_minor, amount_minor)
        if part:
            debt.repaid_minor += part
            amount_minor -= part
            settled.append((debt, part))
    return settled
