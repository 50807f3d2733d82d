"""
Repair by rule: what a version would have booked otherwise is taken back and booked again by it.

A job walks over the past in ranges of ids. Each range is looked at first without locks; what differs is
locked, looked at again, and put right in the transaction of a step. So it may end anywhere, be killed,
run twice or beside another repair: what is right already is left alone.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from accounts.actor import Actor
from billing.errors import PeriodInvalid, RuleSetNotActivated
from billing.history import (
    Past,
    Period,
    event_ids,
    events_by_id,
    id_ranges,
    past_events,
    refusal_reason,
    same_legs,
    undone_by,
)
from billing.models import RuleSet
from billing.rules import CompiledRuleSet
from billing.services.correcting import Change, Family, Reasons, begin_correcting, correct
from billing.versions import compiled
from core import clock
from core.jobs import Step, runs_job, submit_job
from core.models import Job
from events.models import EventRecord

REPAIR = "billing.repair"
WAITING, TAKEN_BACK = "waiting", "taken_back"


def request_repair(*, rule_set: RuleSet, since: datetime, until: datetime, reason: str, actor: Actor) -> Job:
    """
    Have what happened from `since` on and before `until` booked as this version books it.

    The version is one that a second person has activated, in force or retired. The job's result: how many
    events were looked at, how many were put right, and which could not be.

    :raises RuleSetNotActivated: nobody has activated it.
    :raises PeriodInvalid: it ends before it begins.
    """
    if until <= since:
        raise PeriodInvalid
    if rule_set.status == RuleSet.Status.DRAFT:
        raise RuleSetNotActivated
    arguments = {
        "rule_set": rule_set.public_id,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "reason": reason,
    }
    return submit_job(kind=REPAIR, arguments=arguments, owner=actor.owner_id, login=actor.login.public_id)


@dataclass(frozen=True, slots=True)
class Repair:
    """One repair: the version, the period, and how its corrections are named."""

    rules: CompiledRuleSet
    period: Period
    why: Reasons


@dataclass(slots=True)
class Tally:
    """What a repair has done so far."""

    events: int
    repaired: int
    skipped: Counter[str]

    def written(self) -> dict[str, Any]:
        return {"events": self.events, "repaired": self.repaired, "skipped": dict(self.skipped)}

    def result(self) -> dict[str, Any]:
        skipped = [{"reason": reason, "count": count} for reason, count in sorted(self.skipped.items())]
        return self.written() | {"skipped": skipped}


@runs_job(REPAIR)
def repair(job: Job) -> Iterator[Step]:
    """Look at one range of ids after the other, and put right a part of what differs per step."""
    arguments, checkpoint = job.arguments, job.checkpoint
    rule_set = RuleSet.objects.get(public_id=arguments["rule_set"])
    period = Period(datetime.fromisoformat(arguments["since"]), datetime.fromisoformat(arguments["until"]))
    wanted = Repair(compiled(rule_set.pk), period, Reasons(arguments["reason"], job=job.public_id))
    if checkpoint is None:
        lowest, highest = event_ids()
        checkpoint = {"lowest": lowest, "next": lowest, "last": highest, "events": 0, "repaired": 0, "skipped": {}}
    lowest, highest = checkpoint["lowest"], checkpoint["last"]
    tally = Tally(checkpoint["events"], checkpoint["repaired"], Counter(checkpoint["skipped"]))
    total = highest - lowest + 1
    for first, last in id_ranges(checkpoint["next"], highest, settings.REPLAY_EVENTS_AT_ONCE):
        before = {"lowest": lowest, "next": first, "last": highest, **tally.written()}
        parts = _parts(look(first, last, wanted, tally))
        for number, part in enumerate(parts, 1):
            put_right(part, wanted, tally)
            if number < len(parts):  # Whoever goes on from here looks at the range again, and finds the rest of it.
                done = first - lowest + (last - first) * number // len(parts)
                yield Step(done=done, total=total, checkpoint=before | {"repaired": tally.repaired})
        after = before | {"next": last + 1, **tally.written()}
        yield Step(done=last - lowest + 1, total=total, checkpoint=after)
    yield Step(done=total, total=total, result=tally.result())


def _parts(roots: Sequence[EventRecord]) -> list[Sequence[EventRecord]]:
    """As many events as one transaction puts right; it holds the accounts of all of them."""
    size = settings.REPAIR_EVENTS_AT_ONCE
    return [roots[place : place + size] for place in range(0, len(roots), size)]


def look(first: int, last: int, wanted: Repair, tally: Tally) -> list[EventRecord]:
    """Return the events of a range of ids that differ, or what takes them back does; without any lock."""
    roots: dict[int, EventRecord] = {}
    for past in past_events(first, last, wanted.period):
        root = past.root or past.event
        if past.standing is None or root.occurred_at not in wanted.period:
            continue  # Not booked; or it follows an event that stays as it is.
        tally.events += 1
        draft, reason = refusal_reason(wanted.rules, past, wanted.period)
        if reason:
            tally.skipped[reason] += 1
        elif draft is not None and not same_legs(past.standing.legs, draft.transfers):
            roots[root.id] = root
    return list(roots.values())


def put_right(roots: Sequence[EventRecord], wanted: Repair, tally: Tally) -> None:
    """Lock, look again, and put right what still differs, with what takes it back wherever that stands."""
    begin_correcting(root.subject for root in roots)
    done = correct(_families(roots, wanted, tally), wanted.why, now=clock.now())
    tally.repaired += done.events
    tally.skipped += done.refused


def _families(roots: Sequence[EventRecord], wanted: Repair, tally: Tally) -> list[Family]:
    """Look again, under the locks: events with what takes them back, as far as they can be put right."""
    followers: dict[str, list[Past]] = {}
    for past in undone_by(roots):
        followers.setdefault(past.event.payload["undoes"], []).append(past)
    families = []
    for root in events_by_id([root.id for root in roots]):
        family = _family([root, *followers.get(root.event.key, [])], wanted, tally)
        if family:
            families.append(family)
    return families


def _family(members: Sequence[Past], wanted: Repair, tally: Tally) -> Family:
    """All of a family is booked by one version: what takes back later finds the version of what it takes back."""
    if members[0].standing is None:
        tally.skipped[TAKEN_BACK] += 1
        return []
    if any(past.waits for past in members):
        tally.skipped[WAITING] += 1
        return []
    family = []
    for past in members:
        if past.standing is None:
            continue  # An operator took it back.
        draft, reason = refusal_reason(wanted.rules, past, wanted.period)
        if draft is None:
            tally.skipped[reason] += 1
            return []
        family.append(Change(past, draft))
    if all(same_legs(change.standing.legs, change.instead.transfers) for change in family if change.instead):
        return []  # Another repair was faster.
    return family
