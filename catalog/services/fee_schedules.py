"""Fee schedules: drafted by one operator, activated by another."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from accounts.actor import Actor
from accounts.models import Account
from billing.errors import EffectiveInPast, SecondPersonRequired
from catalog.errors import EffectiveFromTaken, FeeScheduleNotDraft, FeeScheduleNotSound, SellerUnknown
from catalog.fees import problems_of
from catalog.models import FeeSchedule
from core.errors import FieldError, NotFound

# Operators do this a few times a year: one at a time. Placing orders only reads, and does not wait.
_ONE_AT_A_TIME = "LOCK TABLE catalog_feeschedule IN SHARE ROW EXCLUSIVE MODE"


@transaction.atomic
def draft_fee_schedule(
    *, name: str, rules: Sequence[Mapping[str, Any]], effective_from: datetime | None = None, actor: Actor
) -> FeeSchedule:
    """
    Write the next version of the fee schedule, as a draft that charges nobody.

    `rules`: `{match: {seller?, category?, channel?}, rate_bps, fixed?: {amount, currency}}` each.

    :raises SellerUnknown: a rule names a seller that does not exist.
    """
    _refuse_unknown_sellers(rules)
    _one_at_a_time()
    latest = FeeSchedule.objects.aggregate(version=Max("version"))["version"] or 0
    return FeeSchedule.objects.create(
        name=name, version=latest + 1, rules=list(rules), effective_from=effective_from, created_by=actor.acting
    )


@transaction.atomic
def activate_fee_schedule(
    *, schedule: str, effective_from: datetime | None = None, actor: Actor, now: datetime
) -> FeeSchedule:
    """
    Put a draft in force from `effective_from`, else from the moment its draft names, else from now; so too where
    the moment its draft names has passed.

    Never before now: what was sold was charged by the version in force at the time.

    :raises NotFound: there is no such fee schedule.
    :raises FeeScheduleNotDraft: it is in force or was.
    :raises SecondPersonRequired: the operator who drafted it wants to activate it.
    :raises FeeScheduleNotSound: its rules leave open what a sale is charged; `problems` says where.
    :raises EffectiveInPast: `effective_from` is before now.
    :raises EffectiveFromTaken: another version takes effect at that very moment.
    """
    _one_at_a_time()
    draft = FeeSchedule.objects.select_related("created_by").filter(public_id=schedule).first()
    if draft is None:
        raise NotFound
    if draft.status != FeeSchedule.Status.DRAFT:
        raise FeeScheduleNotDraft
    if settings.FEE_SCHEDULE_SECOND_PERSON and draft.created_by == actor.acting:
        raise SecondPersonRequired
    problems = problems_of(draft.rules)
    if problems:
        raise FeeScheduleNotSound(problems=problems)
    if effective_from is not None and effective_from < now:
        raise EffectiveInPast
    return _activate(draft, max(effective_from or draft.effective_from or now, now), actor, now)


def _activate(draft: FeeSchedule, effective_from: datetime, actor: Actor, now: datetime) -> FeeSchedule:
    active = FeeSchedule.objects.filter(status=FeeSchedule.Status.ACTIVE)
    if active.filter(effective_from=effective_from).exists():
        raise EffectiveFromTaken
    draft.status = FeeSchedule.Status.ACTIVE
    draft.effective_from = effective_from
    draft.activated_by = actor.acting
    draft.activated_at = now
    draft.save(update_fields=["status", "effective_from", "activated_by", "activated_at"])
    return draft


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME)


def _refuse_unknown_sellers(rules: Sequence[Mapping[str, Any]]) -> None:
    wanted = {rule["match"]["seller"] for rule in rules if "seller" in rule["match"]}
    sellers = Account.objects.filter(public_id__in=wanted, side=Account.Side.SELLER)
    unknown = wanted - set(sellers.values_list("public_id", flat=True))
    errors = [
        FieldError(f"rules.{place}.match.seller", SellerUnknown.code, SellerUnknown.message)
        for place, rule in enumerate(rules)
        if rule["match"].get("seller") in unknown
    ]
    if errors:
        raise SellerUnknown(errors=errors)
