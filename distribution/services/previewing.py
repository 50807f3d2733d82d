"""A plan over past sales: what people would have got by it, beside what they got. Nothing is written."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Max, Min, Sum

from accounts.actor import Actor
from accounts.models import Account
from accounts.references import account_ref
from billing.errors import PeriodInvalid
from core.jobs import Step, runs_job, submit_job
from core.models import Job
from distribution.models import Allocation, Plan
from distribution.plans import CompiledPlan, compile_plan
from distribution.services.allocating import PaidSale, sale_of, share_sales
from events.models import EventRecord

PREVIEW = "distribution.replay"

Key = tuple[str, str]  # (account's public id, currency)


def request_preview(*, plan: Plan, since: datetime, until: datetime, actor: Actor) -> Job:
    """
    Have a version, mostly a draft, tried over the sales paid from `since` on and before `until`.

    The job's result: how many sales there were, how many would have been shared otherwise, and per account what it
    got and would have got, both before refunds. A draft need not be sound.

    :raises PeriodInvalid: it ends before it begins.
    """
    if until <= since:
        raise PeriodInvalid
    arguments = {"plan": plan.public_id, "since": since.isoformat(), "until": until.isoformat()}
    return submit_job(kind=PREVIEW, arguments=arguments, owner=actor.owner_id, login=actor.login.public_id)


@dataclass(slots=True)
class _Difference:
    """What a preview has found so far; accounts are all that grows."""

    sales: int = 0
    changed: int = 0
    before: Counter[Key] = field(default_factory=Counter)
    after: Counter[Key] = field(default_factory=Counter)

    def add(self, before: Counter[Key], after: Counter[Key]) -> None:
        self.sales += 1
        self.changed += before != after
        self.before.update(before)
        self.after.update(after)

    def by(self, key: Key) -> int:
        return self.after[key] - self.before[key]

    def result(self) -> dict[str, Any]:
        """The accounts that differ, those that differ most first if there are too many to list."""
        differing = sorted((key for key in {*self.before, *self.after} if self.by(key)), key=lambda k: -abs(self.by(k)))
        listed = sorted(differing[: settings.REPLAY_ACCOUNTS_LISTED_MAX])
        accounts = Account.objects.filter(public_id__in={account for account, _currency in listed})
        names = {account.public_id: account_ref(account) for account in accounts}
        return {
            "events": self.sales,
            "changed": self.changed,
            "accounts": [
                {
                    "account": names.get(account),
                    "currency": currency,
                    "before": self.before[account, currency],
                    "after": self.after[account, currency],
                    "difference": self.by((account, currency)),
                }
                for account, currency in listed
            ],
            "accounts_left_out": len(differing) - len(listed),
        }

    def written(self) -> dict[str, Any]:
        """As a checkpoint keeps it."""
        keys = {*self.before, *self.after}
        rows = [[*key, self.before[key], self.after[key]] for key in keys]
        return {"events": self.sales, "changed": self.changed, "accounts": rows}

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> "_Difference":
        rows = written["accounts"]
        before = Counter({(account, currency): minor for account, currency, minor, _after in rows})
        after = Counter({(account, currency): minor for account, currency, _before, minor in rows})
        return cls(written["events"], written["changed"], before, after)


@runs_job(PREVIEW)
def preview(job: Job) -> Iterator[Step]:
    """Walk over the sales in ranges of event ids, one short read each, and compare."""
    arguments, checkpoint = job.arguments, job.checkpoint
    plan = Plan.objects.get(public_id=arguments["plan"])
    tried = compile_plan(plan)
    paid = EventRecord.objects.filter(
        type="order.paid", occurred_at__gte=arguments["since"], occurred_at__lt=arguments["until"]
    )
    if checkpoint is None or checkpoint["document"] != plan.document:
        ends = paid.aggregate(first=Min("id"), last=Max("id"))
        first, last = ends["first"] or 0, ends["last"] or -1
        checkpoint = {"document": plan.document, "first": first, "next": first, "last": last, "found": None}
    first, last = checkpoint["first"], checkpoint["last"]
    total = max(last - first + 1, 1)
    found = _Difference.read(checkpoint["found"]) if checkpoint["found"] else _Difference()
    for begin in range(checkpoint["next"], last + 1, settings.REPLAY_EVENTS_AT_ONCE):
        end = min(begin + settings.REPLAY_EVENTS_AT_ONCE - 1, last)
        events = list(paid.filter(id__gte=begin, id__lte=end).order_by("id"))
        _compare([sale_of(event) for event in events], tried, found)
        kept = checkpoint | {"next": end + 1, "found": found.written()}
        yield Step(done=end - first + 1, total=total, checkpoint=kept)
    yield Step(done=total, total=total, result=found.result())


def _compare(sales: list[PaidSale], tried: CompiledPlan, found: _Difference) -> None:
    before: dict[str, Counter[Key]] = {sale.order: Counter() for sale in sales}
    after: dict[str, Counter[Key]] = {sale.order: Counter() for sale in sales}
    got = Allocation.objects.filter(order__in=before, account__isnull=False)
    sums = got.values_list("order", "account__public_id", "line__currency").annotate(minor=Sum("original_minor"))
    for order, account, currency, minor in sums:
        before[order][account, currency] += minor
    for shared in share_sales(sales, plan_at=lambda _moment: tried):
        for part in shared.out.parts:
            if part.account is not None:
                after[shared.sale.order][part.account.public_id, shared.sale.currency] += part.minor
    for sale in sales:
        found.add(before[sale.order], after[sale.order])
