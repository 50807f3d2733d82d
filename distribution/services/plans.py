"""Commission plans: drafted by one operator, checked, activated by another."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from accounts.actor import Actor
from billing.errors import EffectiveInPast, SecondPersonRequired
from core.clock import runs_when_due
from core.errors import NotFound
from distribution.errors import PlanEffectiveFromTaken, PlanNotDraft, PlanNotSound
from distribution.legal import most_referral_levels
from distribution.models import Area, Plan
from distribution.plan_check import PlanProblem, check_plan

# Operators do this a few times a year: one at a time. Allocating only reads, and does not wait.
_ONE_AT_A_TIME = "LOCK TABLE distribution_plan IN SHARE ROW EXCLUSIVE MODE"


@transaction.atomic
def draft_plan(*, document: Mapping[str, Any], actor: Actor) -> Plan:
    """Keep a document of the right shape as the next version, to be checked and activated later."""
    _one_at_a_time()
    latest = Plan.objects.aggregate(latest=Max("version"))["latest"] or 0
    return Plan.objects.create(name=document["name"], version=latest + 1, document=document, created_by=actor.acting)


def check_draft(plan: Plan) -> list[PlanProblem]:
    """Return what keeps a version from being sound, by the areas that are loaded and the law as it is set."""
    return problems_of(plan.document)


def problems_of(document: Mapping[str, Any]) -> list[PlanProblem]:
    """Return what keeps a document of the right shape from being sound."""
    levels = set(Area.objects.filter(retired_at=None).values_list("level", flat=True).distinct())
    return check_plan(document, levels=levels, hops_max=most_referral_levels())


@transaction.atomic
def activate_plan(*, plan: str, effective_from: datetime | None = None, actor: Actor, now: datetime) -> Plan:
    """
    Put a draft in force from a moment on, now by default; what was paid before was shared by the one before.

    :raises NotFound: there is no such plan.
    :raises PlanNotDraft: it was activated before.
    :raises SecondPersonRequired: who drafted it may not activate it.
    :raises EffectiveInPast: `effective_from` is before now.
    :raises PlanNotSound: with the problems.
    :raises PlanEffectiveFromTaken: another version takes effect at that very moment.
    """
    _one_at_a_time()
    draft = Plan.objects.filter(public_id=plan).first()
    if draft is None:
        raise NotFound
    if draft.status != Plan.Status.DRAFT:
        raise PlanNotDraft
    if settings.PLAN_SECOND_PERSON and draft.created_by_id in (actor.acting.pk, actor.login.pk):
        raise SecondPersonRequired
    if effective_from is not None and effective_from < now:
        raise EffectiveInPast
    problems = check_draft(draft)
    if problems:
        raise PlanNotSound(problems=[problem_document(problem) for problem in problems])
    return _activate(draft, effective_from or now, actor, now)


def _activate(draft: Plan, effective_from: datetime, actor: Actor, now: datetime) -> Plan:
    if Plan.objects.exclude(status=Plan.Status.DRAFT).filter(effective_from=effective_from).exists():
        raise PlanEffectiveFromTaken
    draft.status = Plan.Status.ACTIVE
    draft.effective_from = effective_from
    draft.activated_by = actor.acting
    draft.activated_at = now
    draft.save(update_fields=["status", "effective_from", "activated_by", "activated_at"])
    retire_superseded_plans(now)
    return draft


@runs_when_due("plans", if_any="SELECT FROM distribution_plan WHERE status = 'active' OFFSET 1")
@transaction.atomic
def retire_superseded_plans(now: datetime) -> int:
    """Mark versions that a later one has followed; return how many."""
    begun = Plan.objects.filter(status=Plan.Status.ACTIVE).exclude(effective_from__gt=now)
    in_force = sorted(begun, key=lambda plan: (plan.effective_from is not None, plan.effective_from or now))
    superseded = [plan.pk for plan in in_force[:-1]]
    return Plan.objects.filter(pk__in=superseded).update(status=Plan.Status.RETIRED) if superseded else 0


def problem_document(problem: PlanProblem) -> dict[str, str]:
    """Write a problem as the API answers it."""
    return {"code": problem.code, "path": problem.path, "detail": problem.detail}


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME)
