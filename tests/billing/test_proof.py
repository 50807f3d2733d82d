"""
The proof holds: what passes the check never fails on a valid event, and a planted fault never passes.

`make test` has a fixed budget and fixed seeds; `make bench` sets PROOF_EXAMPLES for a long run.
"""

import os
from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actor import Actor
from accounts.models import Account
from billing import booking
from billing.check import check_document
from billing.checks import check_no_event_lost
from billing.errors import SameAccount
from billing.event_types import TypeSpec
from billing.models import EventType
from billing.rules import CompiledRuleSet, Rule, TransferRule, compile_rules, fill
from billing.services.rule_sets import activate_rule_set, draft_rule_set
from core import clock
from core.money import AMOUNT_MINOR_MAX
from events.models import Delivery
from events.services import Fact, record_facts
from ledger.models import CODE_LENGTH_MAX, Journal
from tests.billing.rule_worlds import FAULTS, TYPE, World, near_sound_worlds, payloads, planted, worlds
from tests.billing.test_api import SHIPPED
from tests.conftest import make_account
from tests.money_facts import book, limits

EXAMPLES = int(os.environ.get("PROOF_EXAMPLES", "40"))
LONG = "PROOF_EXAMPLES" in os.environ
BOOKED_EXAMPLES, FAULT_EXAMPLES = EXAMPLES // 5, EXAMPLES // 6
EVENTS_PER_WORLD = 6

drawn = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=not LONG, database=None, suppress_health_check=list(HealthCheck)
)
REASONS = {"insufficient_cover", "same_account"}  # What may set a valid event of a covered type aside.


def compiled(world: World) -> CompiledRuleSet:
    wholes = {amount.name: amount.part_of for amount in world.spec.amounts}
    rules_by_type = compile_rules(world.document, part_of=lambda _type, amount: wholes.get(amount))
    return CompiledRuleSet(1, limits(), rules_by_type)


def takes_of(whole: str, transfers: tuple[TransferRule, ...], minors: list[int]) -> int:
    return sum(
        minor
        for transfer, minor in zip(transfers, minors, strict=True)
        if whole in (transfer.amount.amount, transfer.part_of)
    )


def ensure_exact(rule: Rule, spec: TypeSpec, payload: dict[str, Any]) -> None:
    minors = rule.amounts.minors(payload)
    assert all(0 <= minor <= AMOUNT_MINOR_MAX for minor in minors)
    for whole in spec.wholes():
        assert takes_of(whole, rule.transfers, minors) == payload[f"{whole}_minor"]


def ensure_booked(rule: Rule, payload: dict[str, Any]) -> None:
    """It is booked, or a transfer's two sides are really one account."""
    codes = [(fill(transfer.debit, payload), fill(transfer.credit, payload)) for transfer in rule.transfers]
    assert all(len(code) <= CODE_LENGTH_MAX for pair in codes for code in pair)
    try:
        booked = rule.book(payload)
    except SameAccount:
        assert any(debit == credit for debit, credit in codes)
        return
    assert all(minor > 0 and debit != credit for debit, credit, minor in booked)


class TestWhatPasses:
    def test_never_fails_on_a_valid_event(self) -> None:
        tried: Counter[str] = Counter()

        @drawn
        @given(world=near_sound_worlds(), data=st.data())
        def holds(world: World, data: st.DataObject) -> None:
            if check_document(world.document, world.types):
                tried["rule sets refused"] += 1
                return
            rules = compiled(world)
            tried["rule sets"] += 1
            for _ in range(EVENTS_PER_WORLD):
                payload = data.draw(payloads(world.spec))
                rule = rules.rule_for(TYPE, payload)
                matching = [len(other.match) for other in rules.rules_by_type[TYPE] if other.matches(payload)]
                assert len(rule.match) == max(matching)
                assert matching.count(len(rule.match)) == 1, "Two rules could book it."
                ensure_exact(rule, world.spec, payload)
                ensure_booked(rule, payload)
                tried["events"] += 1

        holds()

        print(dict(tried))
        assert tried["rule sets"] >= EXAMPLES // 3, "A property of nothing would hold as well."

    @pytest.mark.django_db
    def test_is_booked_and_set_aside_for_nothing_but_cover_and_one_account(self) -> None:
        """The whole road: declared, drafted, activated, sent, booked in one batch."""
        tried: Counter[str] = Counter()
        author, second = make_account(operator=True), make_account(operator=True)

        @settings(drawn, max_examples=BOOKED_EXAMPLES)
        @given(world=worlds(), data=st.data())
        def holds(world: World, data: st.DataObject) -> None:
            with transaction.atomic():
                moment = put_in_force(world, author, second)
                facts = [data.draw(payloads(world.spec)) for _ in range(EVENTS_PER_WORLD)]
                record_facts(
                    [Fact(TYPE, f"thing:{n}", f"thing:{n}", fact, moment) for n, fact in enumerate(facts)],
                    also_heard_by=[booking.BILLING],
                )
                book()
                parked = Counter(Delivery.objects.filter(consumer=booking.BILLING).values_list("error_code", flat=True))
                assert set(parked) <= REASONS
                assert Journal.objects.count() + sum(parked.values()) == EVENTS_PER_WORLD
                assert not list(check_no_event_lost())
                tried.update(parked)
                tried["booked"] += Journal.objects.count()
                transaction.set_rollback(True)

        holds()

        print(dict(tried))
        assert tried["booked"] > BOOKED_EXAMPLES


class TestAPlantedFault:
    @pytest.mark.parametrize("code", FAULTS)
    def test_never_passes(self, code: str) -> None:
        tried: Counter[str] = Counter()

        @settings(drawn, max_examples=FAULT_EXAMPLES)
        @given(planted(code))
        def is_found(world: World) -> None:
            assert code in world.codes()
            tried[code] += 1

        is_found()

        print(dict(tried))
        assert tried[code] >= FAULT_EXAMPLES // 2


def put_in_force(world: World, author: Account, second: Account) -> datetime:
    """Declare the world's type and activate its rules beside the shipped ones; return since when they hold."""
    EventType.objects.create(
        type=TYPE,
        parties=[{"name": p.name, "is": "ledger" if p.is_ledger else "account"} for p in world.spec.parties],
        amounts=[{"name": a.name, "part_of": a.part_of} for a in world.spec.amounts],
        parameters=list(world.spec.parameters),
        external=world.spec.external,
    )
    document = {"name": "drawn", "types": SHIPPED["types"] | world.document["types"]}
    version = draft_rule_set(document=document, actor=Actor.own(author))
    active = activate_rule_set(rule_set_id=version.pk, effective_from=None, actor=Actor.own(second), now=clock.now())
    assert active.effective_from is not None
    return active.effective_from
