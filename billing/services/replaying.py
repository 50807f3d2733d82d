"""A draft over history: what would have been booked under other rules. Nothing is written to the book."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings

from accounts.actor import Actor
from billing.corrections import Legs
from billing.errors import PeriodInvalid
from billing.history import Past, Period, event_ids, id_ranges, past_events, refusal_reason, same_legs
from billing.models import RuleSet
from billing.rules import CompiledRuleSet
from billing.versions import compile_rule_set
from core.jobs import Step, runs_job, submit_job
from core.models import Job

REPLAY = "billing.replay"


def request_replay(*, rule_set: RuleSet, since: datetime, until: datetime, actor: Actor) -> Job:
    """
    Have a version, mostly a draft, replayed over what happened from `since` on and before `until`.

    The job's result: how many events there were, how many would have been booked otherwise, and per
    account what they did and would have done. A draft need not be sound.

    :raises PeriodInvalid: it ends before it begins.
    """
    if until <= since:
        raise PeriodInvalid
    arguments = {"rule_set": rule_set.public_id, "since": since.isoformat(), "until": until.isoformat()}
    return submit_job(kind=REPLAY, arguments=arguments, owner=actor.owner_id, login=actor.login.public_id)


@dataclass(slots=True)
class Difference:
    """What a replay has found so far; accounts are all that grows."""

    events: int = 0
    changed: int = 0
    waiting: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    before: Counter[tuple[str, str]] = field(default_factory=Counter)
    after: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, past: Past, rules: CompiledRuleSet, period: Period) -> None:
        """Compare one event's journal with the one that the rules would have given it."""
        self.waiting += past.waits
        if past.standing is None:
            return  # It has no journal: it waits, or an operator took it back.
        self.events += 1
        draft, reason = refusal_reason(rules, past, period)
        legs: Legs = draft.transfers if draft else ()
        if reason:
            self.refused[reason] += 1
        currency = past.event.payload["currency"]
        count_legs(self.before, past.standing.legs, currency)
        count_legs(self.after, legs, currency)
        self.changed += not same_legs(past.standing.legs, legs)

    def result(self) -> dict[str, Any]:
        """The accounts that differ, those that differ most first if there are too many to list."""
        differing = [key for key in {*self.before, *self.after} if self._by(key)]
        differing.sort(key=lambda key: -abs(self._by(key)))
        listed = sorted(differing[: settings.REPLAY_ACCOUNTS_LISTED_MAX])
        return {
            "events": self.events,
            "changed": self.changed,
            "accounts": [
                {
                    "code": code,
                    "currency": currency,
                    "before": self.before[code, currency],
                    "after": self.after[code, currency],
                    "difference": self._by((code, currency)),
                }
                for code, currency in listed
            ],
            "accounts_left_out": len(differing) - len(listed),
            "refused": [{"reason": reason, "count": count} for reason, count in sorted(self.refused.items())],
            "waiting": self.waiting,
        }

    def written(self) -> dict[str, Any]:
        """As a checkpoint keeps it."""
        accounts = [[*key, self.before[key], self.after[key]] for key in {*self.before, *self.after}]
        counts = {"events": self.events, "changed": self.changed, "waiting": self.waiting}
        return {**counts, "refused": dict(self.refused), "accounts": accounts}

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> "Difference":
        before = Counter({(code, currency): minor for code, currency, minor, _after in written["accounts"]})
        after = Counter({(code, currency): minor for code, currency, _before, minor in written["accounts"]})
        counts = {name: written[name] for name in ("events", "changed", "waiting")}
        return cls(**counts, refused=Counter(written["refused"]), before=before, after=after)

    def _by(self, key: tuple[str, str]) -> int:
        return self.after[key] - self.before[key]


def count_legs(balances: Counter[tuple[str, str]], legs: Legs, currency: str) -> None:
    """Add what legs do to the balances (credits less debits) of their accounts."""
    for debit, credit, minor in legs:
        balances[debit, currency] -= minor
        balances[credit, currency] += minor


@runs_job(REPLAY)
def replay(job: Job) -> Iterator[Step]:
    """
    Walk over history in ranges of ids, one short read each, and compare.

    A checkpoint is as large as the accounts are many, so it is written only every few ranges. If the
    draft was edited since, the replay begins anew.
    """
    arguments, checkpoint = job.arguments, job.checkpoint
    rule_set = RuleSet.objects.get(public_id=arguments["rule_set"])
    rules = compile_rule_set(rule_set)
    period = Period(datetime.fromisoformat(arguments["since"]), datetime.fromisoformat(arguments["until"]))
    if checkpoint is None or checkpoint["document"] != rule_set.document:
        lowest, highest = event_ids()
        checkpoint = {"document": rule_set.document, "lowest": lowest, "next": lowest, "last": highest, "found": None}
    lowest, highest = checkpoint["lowest"], checkpoint["last"]
    total = highest - lowest + 1
    found = Difference.read(checkpoint["found"]) if checkpoint["found"] else Difference()
    ranges = id_ranges(checkpoint["next"], highest, settings.REPLAY_EVENTS_AT_ONCE)
    for number, (first, last) in enumerate(ranges, 1):
        for past in past_events(first, last, period):
            found.add(past, rules, period)
        kept = None
        if number % settings.REPLAY_RANGES_PER_CHECKPOINT == 0:
            kept = checkpoint | {"next": last + 1, "found": found.written()}
        yield Step(done=last - lowest + 1, total=total, checkpoint=kept)
    yield Step(done=total, total=total, result=found.result())
