"""Who brought whom: bound at registration or by an operator, moved, ended. The first referrer is kept for ever."""

from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction

from accounts.actor import Actor
from accounts.models import Account
from accounts.services import hold_open
from distribution.errors import (
    AccountClosed,
    AlreadyReferred,
    ReferralCycle,
    ReferralEnded,
    ReferralMoving,
    ReferralUnchanged,
)
from distribution.forest import MOMENT, bound_event, ensure_places, hold_places, last_place, moved_event, stands_below
from distribution.models import Referral
from distribution.people_events import ReferralEnded as PlaceEnded
from distribution.rule_numbers import NodeKind, new_rule_number
from events.services import emit

_SHAPE_LOCK_STATEMENT = "SELECT pg_advisory_xact_lock(%s)"
_SHAPE_LOCK = 0x464F52455354  # "FOREST", beside the 64-bit digests that idempotency keys lock.


@transaction.atomic
def place_registered(*, accounts: Collection[Account]) -> None:
    """
    Give newly registered accounts their places, below whose code they came with. A repeat changes nothing.

    Nobody can stand above an account before it has a place, so a registration never makes a cycle and needs no lock.
    """
    ensure_places(accounts)


@transaction.atomic
def bind_referral(*, account: Account, referrer: Account, reason: str, actor: Actor, now: datetime) -> Referral:
    """
    Put an account that came by itself, or whose place has ended, below a referrer, as an operator decides.

    :raises AccountClosed: one of them is closed or shut out.
    :raises AlreadyReferred: the account has a referrer.
    :raises ReferralCycle: the referrer is the account, or stands below it.
    :raises ReferralEnded: the referrer's place has ended.
    :raises ReferralMoving: the account had left, and those who stood below somebody who left are still being moved.
    """
    last = _lock_shape(account, referrer)
    if last.until_at is None and last.referrer_id is not None:
        raise AlreadyReferred
    if last.until_at is not None and Referral.objects.filter(leaves_children=True).exists():
        raise ReferralMoving  # Chains that pass it over would lead to it again.
    _ensure_may_stand_below(account, referrer)
    place = _replace(last, referrer, Referral.Via.OPERATOR, reason=reason, decided_by=actor.login, now=now)
    emit(bound_event(place), occurred_at=now)
    return place


@transaction.atomic
def move_referral(*, account: Account, referrer: Account, reason: str, actor: Actor, now: datetime) -> Referral:
    """
    Put an account below another referrer, with everybody below it: one row ends and one begins.

    :raises AccountClosed: one of them is closed or shut out.
    :raises ReferralEnded: the account's or the referrer's place has ended.
    :raises ReferralUnchanged: it stands below that referrer.
    :raises ReferralCycle: the referrer is the account, or stands below it.
    """
    last = _lock_shape(account, referrer)
    if last.until_at is not None:
        raise ReferralEnded
    if last.referrer_id == referrer.pk:
        raise ReferralUnchanged
    _ensure_may_stand_below(account, referrer)
    former = last.referrer
    place = _replace(last, referrer, Referral.Via.OPERATOR, reason=reason, decided_by=actor.login, now=now)
    emit(moved_event(place, former), occurred_at=now)
    return place


@transaction.atomic
def end_referral(*, account: Account, reason: str, actor: Actor, now: datetime) -> Referral:
    """
    End an account's place, as an operator decides: nobody earns by having brought it, nor it by having brought others.

    One row. Chains pass the account over from this instant on; those below are moved up by `moving_up`.

    :raises ReferralEnded: it has ended.
    """
    ensure_places([account])
    place = last_place(account)
    if place is None or place.until_at is not None:
        raise ReferralEnded
    place.end_reason, place.ended_by = reason, actor.login
    _end(place, Referral.Ending.ENDED, now)
    return place


@transaction.atomic
def end_closed(*, account: Account, now: datetime) -> None:
    """End the place of an account that has closed, as of then. A repeat changes nothing."""
    ensure_places([account])
    place = last_place(account)
    if place is not None and place.until_at is None:
        _end(place, Referral.Ending.CLOSED, now)


def _lock_shape(account: Account, referrer: Account) -> Referral:
    """
    Lock what must not change while one account is put below another, and return the account's last place.

    Two operators who put two accounts below each other look one after the other: each alone would see no cycle.
    """
    if len(hold_open([account.pk, referrer.pk])) < len({account.pk, referrer.pk}):
        raise AccountClosed
    with connection.cursor() as cursor:
        cursor.execute(_SHAPE_LOCK_STATEMENT, [_SHAPE_LOCK])
    ensure_places([account, referrer])
    place = last_place(account)
    assert place is not None, "Everybody has a place once it is asked for."
    return place


def _ensure_may_stand_below(account: Account, referrer: Account) -> None:
    if stands_below(referrer, account):
        raise ReferralCycle
    if not hold_places([referrer.pk]):
        raise ReferralEnded("The referrer's place among people has ended.")


def _replace(
    last: Referral, referrer: Account | None, via: str, *, reason: str, decided_by: Account | None, now: datetime
) -> Referral:
    """End an account's last place where it still lasts, and begin the next one at the same instant."""
    begins_at = max(now, last.from_at + MOMENT, last.until_at or now)
    if last.until_at is None:
        last.until_at, last.ending = begins_at, Referral.Ending.REPLACED
        last.save(update_fields=["until_at", "ending"])
    had_one = Referral.objects.filter(account=last.account_id, is_original=True).exists()
    return Referral.objects.create(
        account=last.account,
        referrer=referrer,
        via=via,
        is_original=referrer is not None and not had_one,
        rule_number=new_rule_number(NodeKind.REFERRAL, serial=last.account_id, previous=last.rule_number),
        from_at=begins_at,
        reason=reason,
        decided_by=decided_by,
    )


def _end(place: Referral, ending: str, now: datetime) -> None:
    place.until_at, place.ending, place.leaves_children = max(now, place.from_at + MOMENT), ending, True
    place.save(update_fields=["until_at", "ending", "leaves_children", "end_reason", "ended_by"])
    event = PlaceEnded(
        referral=place.public_id,
        account=place.account.public_id,
        rule_number=place.rule_number,
        referrer=place.referrer.public_id if place.referrer else None,
        because=ending,
    )
    emit(event, occurred_at=now)
