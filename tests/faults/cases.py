"""
One case: a history that waits to be booked, what its book must be in the end, and the worker that books it.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import close_old_connections, transaction
from django.db.models import Exists, Max, OuterRef, Q

from accounts.actor import Actor
from billing import booking
from billing.rules import BatchSettings
from billing.services.rule_sets import activate_rule_set, draft_rule_set
from core import clock
from events.delivery import low_water
from events.models import Delivery, EventRecord
from events.worker import DeliveryLoop
from ledger.models import LedgerAccount
from proofs.verify import run_checks
from tests.conftest import make_account
from tests.faults.dooms import unwatched
from tests.histories import ALWAYS_COVERED, MINOR_MAX, Drawn, World, the_book
from tests.money_facts import limits

SHIPPED = json.loads((Path(settings.BASE_DIR) / "billing" / "shipped_rules.json").read_text())
SETTLED_SECONDS_MAX = 30.0
LOOK_AGAIN_SECONDS = 0.005
ENDOWED_MINOR = 2 * MINOR_MAX
# Facts of which each comes to the same whatever is booked before it: for workers that share the work.
IN_ANY_ORDER = (*ALWAYS_COVERED, "contradict", "overflow")


@dataclass(frozen=True)
class Case:
    """A recorded history that waits to be booked."""

    tag: str
    after: int
    counters_before: dict[tuple[str, str], tuple[int, int]]

    def effects(self) -> dict[str, Any]:
        """
        What booking it has done so far: journals, transfers, counters, holds, and what waits.

        In words that are the same for every tag, so that what one case comes to is expected of all.
        """
        found = the_book(after=self.after)
        found["accounts"] = [self._changed(*account) for account in found["accounts"]]
        return _untagged(found, self.tag)

    def _changed(self, code: str, currency: str, debits: int, credits: int, held: int) -> tuple[Any, ...]:
        debits_before, credits_before = self.counters_before.get((code, currency), (0, 0))
        return code, currency, debits - debits_before, credits - credits_before, held


def prepare(tag: str, history: Sequence[Drawn]) -> Case:
    """Record a history; nobody else may record events until its effects are looked at."""
    world = World(f"{tag}:")
    with transaction.atomic():
        world.endow(ENDOWED_MINOR)
    _book(limits())
    after = EventRecord.objects.aggregate(last=Max("id"))["last"]
    shared = Q(code__startswith="platform:") | Q(code__startswith="clearing:") | Q(code__contains=tag)
    counters = LedgerAccount.objects.filter(shared).values_list("code", "currency", "debits_minor", "credits_minor")
    with transaction.atomic():
        for number, fact in enumerate(history):
            world.record(number, *fact)
    return Case(tag, after, {(code, currency): (debits, credits) for code, currency, debits, credits in counters})


def one_by_one(case: Case) -> dict[str, Any]:
    """What the effects would be if each event were booked alone; nothing of it stays."""
    with transaction.atomic():
        _book(limits(max_accounts=1))
        found = case.effects()
        transaction.set_rollback(True)
    return found


def _untagged(value: Any, tag: str) -> Any:
    if isinstance(value, str):
        return value.replace(tag, "")
    if isinstance(value, dict):
        return {_untagged(key, tag): _untagged(each, tag) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_untagged(each, tag) for each in value]
    return value


def _book(counts: BatchSettings) -> None:
    before = booking._settings_in_force
    booking._settings_in_force = lambda _at_work: counts
    try:
        while booking.book_batch(trigger=booking.MANUAL):
            pass
    finally:
        booking._settings_in_force = before


def work() -> None:
    """What a money worker's loop does for billing, until nothing is left that can be booked."""
    low_water.forget()
    loop, deadline = DeliveryLoop(), time.monotonic() + SETTLED_SECONDS_MAX
    while True:
        loop._deliver(booking.BILLING)
        with unwatched():
            close_old_connections()
            if not is_anything_left():
                return
        assert time.monotonic() < deadline, "It is never booked."
        time.sleep(LOOK_AGAIN_SECONDS)


def is_anything_left() -> bool:
    """Whether something waits that is neither parked nor behind what is."""
    waiting = Delivery.objects.filter(consumer=booking.BILLING)
    parked = waiting.filter(subject=OuterRef("subject"), event_id__lte=OuterRef("event_id"), parked_at__isnull=False)
    return waiting.filter(~Exists(parked)).exists()


def put_in_force(**batch: int) -> None:
    """Activate the shipped rules with other batch settings, as two operators would."""
    author, second = (Actor.own(make_account(operator=True)) for _ in range(2))
    drafted = draft_rule_set(document=SHIPPED | {"batch": batch}, actor=author)
    activate_rule_set(rule_set_id=drafted.pk, effective_from=None, actor=second, now=clock.now())


def findings() -> list[str]:
    """What `verify_books` says about the ledger."""
    return [
        f"{verdict.check.name}: {finding.subject} {finding.detail}"
        for verdict in run_checks(lambda *_: None, only="ledger")
        for finding in verdict.findings
    ]
