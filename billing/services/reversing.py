"""Reversal of a journal by an operator, with a reason and a second person, once."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts.actor import Actor
from billing.errors import (
    JournalAlreadyReversed,
    JournalNotReversible,
    JournalTakenBack,
    ReversalNotRequested,
    ReversalRequested,
    SecondPersonRequired,
)
from billing.events import REVERSED
from billing.history import Past, events_by_id, undone_by
from billing.models import JournalReversal, Rebooking
from billing.services.correcting import Change, Reasons, begin_correcting, correct
from core.errors import NotFound
from core.ids import decode_key
from events.models import EventRecord
from ledger.models import Journal


@dataclass(frozen=True, slots=True)
class _Found:
    """A journal with the event that it stands for."""

    journal_id: int
    event: EventRecord


@transaction.atomic
def request_reversal(*, journal: str, reason: str, actor: Actor, now: datetime) -> JournalReversal:
    """
    Ask for a journal (`jrn_…`) to be taken back; nothing is booked until a second person approves.

    :raises NotFound: there is no such journal.
    :raises JournalNotReversible: it takes another one back itself.
    :raises JournalAlreadyReversed: it was taken back before.
    :raises JournalTakenBack: later events took back a part of it; those first.
    :raises ReversalRequested: somebody has asked for it, and nobody has approved yet.
    """
    found = _find(journal)
    _ensure_reversible(found)
    try:
        with transaction.atomic():
            return JournalReversal.objects.create(
                journal_id=found.journal_id,
                reason=reason,
                requested_by=actor.acting,
                requested_login=actor.login,
                requested_at=now,
            )
    except IntegrityError as twice:
        raise ReversalRequested from twice


@transaction.atomic
def approve_reversal(*, journal: str, actor: Actor, now: datetime) -> JournalReversal:
    """
    Take a journal back, effective now, as another operator has asked for. It is booked when this returns.

    What a wallet cannot give any more its owner owes; what a debt owes no more goes to its owner's wallet.

    :raises NotFound: there is no such journal.
    :raises SecondPersonRequired: who asked may not approve.
    :raises JournalNotReversible, JournalAlreadyReversed, JournalTakenBack: as for the request.
    :raises ReversalNotRequested: nobody has asked.
    """
    found = _find(journal)
    begin_correcting([found.event.subject])
    _ensure_reversible(found)
    wish = _open_wishes(found.journal_id).first()
    if wish is None:
        raise ReversalNotRequested
    if settings.JOURNAL_REVERSAL_SECOND_PERSON and {wish.requested_by_id, wish.requested_login_id} & {
        actor.acting.pk,
        actor.login.pk,
    }:
        raise SecondPersonRequired
    past = _standing(found)
    done = correct([[Change(past, None)]], Reasons(wish.reason, effective_at=now), now=now)
    wish.approved_by, wish.approved_at, wish.event_id = actor.acting, now, done.reversal_ids[0]
    wish.save(update_fields=["approved_by", "approved_at", "event_id"])
    return wish


@transaction.atomic
def withdraw_reversal(*, journal: str, now: datetime) -> JournalReversal:
    """
    Let a wish go that nobody has approved; the journal may be asked for again.

    :raises NotFound: there is no such journal.
    :raises ReversalNotRequested: nobody has asked, or it is done.
    """
    wish = _open_wishes(_find(journal).journal_id).select_for_update(no_key=True).first()
    if wish is None:
        raise ReversalNotRequested
    wish.withdrawn_at = now
    wish.save(update_fields=["withdrawn_at"])
    return wish


def _open_wishes(journal_id: int) -> QuerySet[JournalReversal]:
    return JournalReversal.objects.filter(journal_id=journal_id, withdrawn_at=None, approved_at=None)


def _find(public_id: str) -> _Found:
    journal_id = decode_key("jrn", public_id) or 0
    if not Journal.objects.filter(event_id=journal_id).exists():
        raise NotFound
    stands_for = Rebooking.objects.filter(event_id=journal_id).values_list("stands_for_id", flat=True).first()
    return _Found(journal_id, EventRecord.objects.get(pk=stands_for or journal_id))


def _ensure_reversible(found: _Found) -> None:
    if found.event.type == REVERSED:
        raise JournalNotReversible
    if Journal.objects.filter(reverses_id=found.journal_id).exists():
        raise JournalAlreadyReversed
    if any(past.standing is not None or past.waits for past in undone_by([found.event])):
        raise JournalTakenBack


def _standing(found: _Found) -> Past:
    (past,) = events_by_id([found.event.pk])
    assert past.standing is not None
    assert past.standing.journal_id == found.journal_id
    return past
