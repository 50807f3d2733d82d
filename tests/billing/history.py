"""A small history for replays, repairs and reversals: real accounts, events of a type of one's own, two versions."""

from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.actor import Actor
from accounts.models import Account
from billing.models import EventType, RuleSet
from billing.services.rule_sets import activate_rule_set, draft_rule_set
from billing.services.rule_sets import check_rule_set as problems_of
from core.jobs import run_next_job
from core.models import Job
from events.models import EventRecord
from events.services import Emitted
from ledger.models import Journal
from tests.conftest import make_account
from tests.money_facts import AT, book, record

SINCE, UNTIL = AT - timedelta(days=30), AT + timedelta(days=30)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def parking(cut_bps: int) -> list[dict[str, Any]]:
    """Rules of `parking.paid`: a cut for the platform, the rest for the operator of the car park."""
    return [
        {
            "name": "default",
            "match": {},
            "transfers": [
                {"debit": "cash:city", "credit": "wallet:{operator}", "amount": {"rest_of": "gross"}},
                {"debit": "cash:city", "credit": "platform:fees", "amount": {"of": "gross", "bps": cut_bps}},
            ],
        }
    ]


def declare_parking() -> None:
    EventType.objects.create(
        type="parking.paid",
        parties=[{"name": "operator", "is": "account"}],
        amounts=[{"name": "gross"}],
        parameters=["institution", "channel", "currency"],
        external=True,
    )


def document(**types: list[dict[str, Any]]) -> dict[str, Any]:
    """The shipped rules, with these types' rules in the place of theirs; `order_paid` names `order.paid`."""
    shipped = RuleSet.objects.get(version=1).document
    changed = {name.replace("_", ".", 1): rules for name, rules in types.items()}
    return shipped | {"types": shipped["types"] | changed}


def draft(**types: list[dict[str, Any]]) -> RuleSet:
    return draft_rule_set(document=document(**types), actor=Actor.own(make_account(operator=True)))


def activated(now: datetime = NOW, **types: list[dict[str, Any]]) -> RuleSet:
    """A version in force from `now` on, which is after what the tests' history is made of."""
    made = draft(**types)
    assert not problems_of(rule_set=made)
    actor = Actor.own(make_account(operator=True))
    return activate_rule_set(rule_set_id=made.pk, effective_from=None, actor=actor, now=now)


def since_ever(**types: list[dict[str, Any]]) -> RuleSet:
    """The version that books the tests' history: in force from long before it."""
    return activated(now=AT - timedelta(days=100), **types)


def park(operator: Account, gross: int, *, at: datetime = AT, currency: str = "GBP") -> Emitted:
    """Somebody parked: recorded as an event from outside, and booked."""
    paid = record("parking.paid", operator=operator.public_id, gross_minor=gross, at=at, currency=currency)
    deliver_to_billing(paid)
    book()
    return paid


def deliver_to_billing(emitted: Emitted) -> None:
    """Declared types have no consumer of their own: whoever sends them names billing."""
    from billing.booking import BILLING
    from events.models import Delivery

    subject = EventRecord.objects.values_list("subject", flat=True).get(pk=emitted.id)
    Delivery.objects.create(consumer=BILLING, event_id=emitted.id, subject=subject)


def done(job: Job) -> Any:
    """Do a job, and return its result."""
    run_next_job()
    job = Job.objects.get(pk=job.pk)
    assert job.status == "done", (job.status, job.error_code, job.error_detail)
    return job.result


def journal_count() -> int:
    return Journal.objects.count()
