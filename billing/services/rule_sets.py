"""Versions of the rules: drafts, their check, and activation by a second person."""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from accounts.actor import Actor
from billing.check import Problem, check_document
from billing.errors import EffectiveInPast, RuleSetNotDraft, RuleSetNotSound, SecondPersonRequired
from billing.models import RuleSet
from billing.types import all_types
from core import clock
from ledger.engine import stop_engine

NUMBERING_LOCK = 0x72756C6573  # "rules"


@transaction.atomic
def draft_rule_set(*, document: Mapping[str, Any], actor: Actor) -> RuleSet:
    """Keep a document of the right shape as the next version, to be checked and activated later."""
    _number_alone()
    latest = RuleSet.objects.aggregate(latest=Max("version"))["latest"] or 0
    return RuleSet.objects.create(name=document["name"], version=latest + 1, document=document, created_by=actor.acting)


def _number_alone() -> None:
    """Hold off other drafts until this transaction ends: versions are numbered one after the other. Batches go on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERING_LOCK])


def check_rule_set(*, rule_set: RuleSet) -> list[Problem]:
    """Return what keeps a version from being sound, by the types declared now."""
    return check_document(rule_set.document, all_types())


@transaction.atomic
def activate_rule_set(*, rule_set_id: int, effective_from: datetime | None, actor: Actor, now: datetime) -> RuleSet:
    """
    Put a draft in force from a moment on, now by default. No batch runs meanwhile.

    "Now" is when the last batch has ended: what that one booked happened before.

    :raises RuleSetNotDraft: it was activated before.
    :raises SecondPersonRequired: who made it may not activate it.
    :raises EffectiveInPast: `effective_from` lies before the activation.
    :raises RuleSetNotSound: with the problems.
    """
    now += _wait_for_engine()
    rule_set = RuleSet.objects.select_for_update(no_key=True).get(id=rule_set_id)
    if rule_set.status != RuleSet.Status.DRAFT:
        raise RuleSetNotDraft
    if settings.RULE_SET_SECOND_PERSON and rule_set.created_by_id in (actor.acting.pk, actor.login.pk):
        raise SecondPersonRequired
    if effective_from is not None and effective_from < now:
        raise EffectiveInPast
    problems = check_rule_set(rule_set=rule_set)
    if problems:
        raise RuleSetNotSound(problems=[problem_document(problem) for problem in problems])
    rule_set.status = RuleSet.Status.ACTIVE
    rule_set.effective_from = effective_from or now
    rule_set.activated_by = actor.acting
    rule_set.activated_at = now
    rule_set.save()
    retire_superseded(now)
    return rule_set


def _wait_for_engine() -> timedelta:
    """Stop the engine, and return how long that took."""
    began = time.monotonic()
    stop_engine()
    return timedelta(seconds=time.monotonic() - began)


@clock.runs_when_due("rule_sets", if_any="SELECT FROM billing_ruleset WHERE status = 'active' OFFSET 1")
@transaction.atomic
def retire_superseded(now: datetime) -> int:
    """Mark versions that a later one has followed; return how many."""
    in_force = list(RuleSet.objects.filter(status=RuleSet.Status.ACTIVE).order_by("effective_from", "version"))
    in_force.sort(key=lambda version: (version.effective_from is not None, version.effective_from or now))
    started = [version for version in in_force if version.effective_from is None or version.effective_from <= now]
    superseded = [version.pk for version in started[:-1]]
    return RuleSet.objects.filter(pk__in=superseded).update(status=RuleSet.Status.RETIRED) if superseded else 0


def problem_document(problem: Problem) -> dict[str, str | int]:
    """Write a problem as the API answers it."""
    return {
        "code": problem.code,
        "type": problem.type,
        "rule": problem.rule,
        "detail": problem.detail,
        "path": problem.path,
        "line": problem.line,
    }
