"""Deciding what guards have held: an operator lets it go or gives it back, or its time ends the hold."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.actor import Actor
from accounts.models import Account
from core.clock import runs_when_due
from core.errors import NotFound
from events.services import Fact, record_facts
from sharing.errors import ShareNotHeld
from sharing.events import ShareHoldEnded
from sharing.models import ShareBudget, WonLine
from sharing.services.charging import lock_budgets
from wallets.services import ShareTakenBack, free_held, give_share_to_seller, take_back_shares

REJECTED = "rejected"
DECIDED_FIELDS = ("state", "decision", "decided_at", "decided_by", "decision_reason")


@transaction.atomic
def release_share(*, line: int, reason: str, actor: Actor, now: datetime) -> WonLine:
    """
    Let a held part of a line (by key) go on as any other: it is released with its sale, and not before now.

    :raises NotFound: nobody brought this line.
    :raises ShareNotHeld: it is not held, or not any more.
    """
    held = _lock_held(line)
    _note(held, WonLine.Decision.RELEASED, reason, actor, now)
    _let_go([held], now)
    return held


@transaction.atomic
def reject_share(*, line: int, reason: str, actor: Actor, now: datetime) -> WonLine:
    """
    Give a held part of a line (by key) back to its seller, in full and for good; who has won stays as it is.

    Refunds to come take their part of it from the seller.

    :raises NotFound: nobody brought this line.
    :raises ShareNotHeld: it is not held, or not any more.
    """
    held = _lock_held(line)
    left_minor = held.amount_minor
    budgets = lock_budgets([held.item_id] if held.is_budgeted else [])
    for budget in budgets.values():
        budget.spent_minor -= left_minor
    ShareBudget.objects.bulk_update(budgets.values(), ["spent_minor"])
    _give_back(held, left_minor, now)
    held.state = WonLine.State.REJECTED
    _note(held, WonLine.Decision.REJECTED, reason, actor, now)
    held.save(update_fields=DECIDED_FIELDS)
    record_facts([_ended(held, left_minor, now)])
    return held


@runs_when_due(
    "share_holds",
    if_any="SELECT FROM sharing_wonline WHERE held_at IS NOT NULL AND decision = '' AND held_until <= %(now)s",
)
@transaction.atomic
def end_due_holds(now: datetime) -> int:
    """
    End a bounded number of holds whose time has come, each as of its own due time; return how many.

    What an operator is deciding is passed over, and waited for only when nothing else is due.
    """
    due = _due_holds(now)
    held = list(due.select_for_update(no_key=True, skip_locked=True, of=("self",)))
    if not held and due.select_for_update(no_key=True, of=("self",)):
        held = list(due.select_for_update(no_key=True, of=("self",)))
    for line in held:
        line.decision, line.decided_at = WonLine.Decision.EXPIRED, line.held_until
    if held:
        _let_go(held, now)
    return len(held)


def blank_decisions(account: Account) -> None:
    """What operators wrote about what an account had earned may name the person; the decisions themselves stay."""
    WonLine.objects.filter(sharer=account).exclude(decision_reason="").update(decision_reason="")


def _due_holds(now: datetime) -> QuerySet[WonLine]:
    due = WonLine.objects.filter(held_at__isnull=False, decision="", held_until__lte=now)
    parties = due.select_related("share", "sharer")
    return parties.order_by("held_until", "line")[: settings.TIMED_TRANSITIONS_BATCH_MAX]


def _lock_held(line: int) -> WonLine:
    """Lock, then look: operators, refunds and the timed task race."""
    parties = WonLine.objects.select_related("share", "seller", "sharer", "earning")
    held = parties.select_for_update(no_key=True, of=("self",)).filter(line=line).first()
    if held is None:
        raise NotFound
    if not held.is_held:
        raise ShareNotHeld
    return held


def _note(held: WonLine, decision: WonLine.Decision, reason: str, actor: Actor, now: datetime) -> None:
    held.decision, held.decision_reason = decision, reason
    held.decided_by, held.decided_at = actor.login, now


def _let_go(held: Sequence[WonLine], now: datetime) -> None:
    """Not before the hold ended, as of its own due time: what was late by then is released as of that."""
    WonLine.objects.bulk_update(held, DECIDED_FIELDS)
    ends = [line.decided_at or now for line in held]
    free_held({line.earning_id: at for line, at in zip(held, ends, strict=True) if line.earning_id is not None})
    record_facts([_ended(line, line.amount_minor, at) for line, at in zip(held, ends, strict=True)])


def _give_back(held: WonLine, left_minor: int, now: datetime) -> None:
    if not left_minor:  # Refunds have taken it all.
        return
    assert held.earning is not None
    step = ShareTakenBack(
        earning_id=held.earning.pk,
        share=held.share.public_id,
        seller=held.seller.public_id,
        minor=left_minor,
        because=REJECTED,
    )
    take_back_shares(order=held.order, steps=[step], now=now)
    why = "A sharer's part that was not justified is yours again."
    give_share_to_seller(share=held.earning, seller=held.seller, minor=left_minor, why=why, now=now)


def _ended(held: WonLine, minor: int, at: datetime) -> Fact:
    event = ShareHoldEnded(
        order=held.order,
        line=held.public_line,
        share=held.share.public_id,
        sharer=held.sharer.public_id,
        amount_minor=minor,
        currency=held.currency,
        decision=held.decision,
    )
    return Fact.of(event, occurred_at=at)
