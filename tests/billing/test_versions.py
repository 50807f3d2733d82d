"""Versions of the rules: drafted, activated by a second person, never changed afterwards."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from accounts.actor import Actor
from accounts.models import Account
from billing import booking
from billing.errors import EffectiveInPast, RuleSetNotDraft, SecondPersonRequired
from billing.models import EventType, ExternalEvent, RuleSet
from billing.services.external_events import retry_event
from billing.services.rule_sets import activate_rule_set, draft_rule_set, retire_superseded
from billing.versions import timeline
from core import clock
from tests.billing.test_api import SHIPPED
from tests.conftest import make_account
from tests.money_facts import account_id, book, record, top_up

OTHER_CLEARING = {
    "name": "default",
    "match": {},
    "transfers": [{"debit": "clearing:new", "credit": "wallet:{owner}", "amount": "amount"}],
}


def draft(by: Account, name: str = "marketplace", **types: Any) -> RuleSet:
    document = SHIPPED | {"name": name, "types": SHIPPED["types"] | types}
    return draft_rule_set(document=document, actor=Actor.own(by))


def activate(version: RuleSet, by: Account, effective_from: datetime | None = None) -> RuleSet:
    return activate_rule_set(
        rule_set_id=version.pk, effective_from=effective_from, actor=Actor.own(by), now=clock.now()
    )


@pytest.fixture
def author(new_account: Callable[..., Account]) -> Account:
    return new_account(operator=True)


@pytest.mark.django_db
class TestActivation:
    def test_is_by_a_second_person_once_and_never_for_the_past(self, author: Account, operator: Account) -> None:
        version = draft(author)

        with pytest.raises(SecondPersonRequired):
            activate(version, author)
        with pytest.raises(EffectiveInPast):
            activate(version, operator, clock.now() - timedelta(seconds=1))
        assert activate(version, operator).status == "active"
        with pytest.raises(RuleSetNotDraft):
            activate(version, operator)

    def test_a_session_that_acts_for_somebody_else_is_still_the_same_person(
        self, author: Account, operator: Account
    ) -> None:
        version = draft(author)

        with pytest.raises(SecondPersonRequired):
            activate_rule_set(
                rule_set_id=version.pk,
                effective_from=None,
                actor=Actor(login=author, acting=operator),
                now=clock.now(),
            )

    def test_one_person_is_enough_where_the_setting_says_so(self, author: Account, settings: Any) -> None:
        settings.RULE_SET_SECOND_PERSON = False

        assert activate(draft(author), author).activated_by == author

    def test_takes_effect_at_its_moment_and_retires_the_one_before_only_then(
        self, author: Account, operator: Account
    ) -> None:
        shipped, moment = RuleSet.objects.get(), clock.now() + timedelta(days=1)
        later = activate(draft(author), operator, moment)

        at_work = timeline()
        assert at_work.at(moment - timedelta(microseconds=1)).id == shipped.pk
        assert at_work.at(moment).id == later.pk
        assert RuleSet.objects.get(pk=shipped.pk).status == "active"
        assert retire_superseded(moment) == 1
        assert RuleSet.objects.get(pk=shipped.pk).status == "retired"
        assert timeline().at(moment - timedelta(microseconds=1)).id == shipped.pk


@pytest.mark.django_db
class TestAnEvent:
    """It is booked by the version in force when it happened, or by the one at its retry."""

    def accounts_debited(self) -> set[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT a.code FROM ledger_transfer t JOIN ledger_ledgeraccount a ON a.id = t.debit_id")
            return {code for (code,) in cursor.fetchall()}

    def test_is_booked_by_the_version_of_its_moment(self, author: Account, operator: Account) -> None:
        moment = activate(draft(author, **{"wallet.topped_up": [OTHER_CLEARING]}), operator).effective_from
        assert moment is not None

        top_up(account_id(), 1, at=moment - timedelta(microseconds=1))
        book()
        assert self.accounts_debited() == {"clearing:local"}
        top_up(account_id(), 1, at=moment)
        book()
        assert self.accounts_debited() == {"clearing:local", "clearing:new"}

    def test_that_was_parked_is_booked_by_the_version_at_its_retry(self, author: Account, operator: Account) -> None:
        owner = account_id()
        parked = record("wallet.withdrawn", owner=owner, amount_minor=5, provider="local")
        book()
        withdrawn = {
            **OTHER_CLEARING,
            "transfers": [{"debit": "wallet:{owner}", "credit": "clearing:new", "amount": "amount"}],
        }
        activate(draft(author, **{"wallet.withdrawn": [withdrawn]}), operator)
        top_up(owner, 5)
        book()

        retry_event(event_id=parked.id)
        book()

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT a.code FROM ledger_transfer t JOIN ledger_ledgeraccount a ON a.id = t.credit_id"
                " WHERE t.id >> 8 = %s",
                [parked.id],
            )
            assert cursor.fetchall() == [("clearing:new",)]


@pytest.mark.django_db
class TestTheDatabase:
    """It keeps an activated version as it was, whoever asks."""

    CHANGES = [
        ("document", {"types": {}}),
        ("name", "other"),
        ("version", 99),
        ("public_id", "rls_other"),
        ("effective_from", datetime(2030, 1, 1, tzinfo=UTC)),
        ("activated_at", datetime(2030, 1, 1, tzinfo=UTC)),
        ("created_at", datetime(2030, 1, 1, tzinfo=UTC)),
        ("status", "draft"),
    ]

    @pytest.mark.parametrize(("field", "value"), CHANGES, ids=[field for field, _value in CHANGES])
    @pytest.mark.parametrize("status", ["active", "retired"])
    def test_refuses_every_other_change(
        self, author: Account, operator: Account, status: str, field: str, value: Any
    ) -> None:
        version = activate(draft(author), operator)
        if status == "retired":
            RuleSet.objects.filter(pk=version.pk).update(status="retired")

        with pytest.raises(IntegrityError, match="activated"), transaction.atomic():
            RuleSet.objects.filter(pk=version.pk).update(**{field: value})

    @pytest.mark.parametrize("field", ["activated_by", "created_by"])
    def test_keeps_who_answers_for_it(self, author: Account, operator: Account, field: str) -> None:
        version = activate(draft(author), operator)

        with pytest.raises(IntegrityError, match="activated"), transaction.atomic():
            RuleSet.objects.filter(pk=version.pk).update(**{field: make_account(operator=True)})

    def test_lets_a_retired_one_never_come_back(self, author: Account, operator: Account) -> None:
        activate(draft(author), operator)

        with pytest.raises(IntegrityError, match="activated"), transaction.atomic():
            RuleSet.objects.filter(version=1).update(status="active")
        with pytest.raises(IntegrityError, match="activated"), transaction.atomic():
            RuleSet.objects.filter(version=1).delete()

    def test_lets_drafts_be_changed_and_thrown_away_but_not_retired(self, author: Account) -> None:
        version = draft(author)
        RuleSet.objects.filter(pk=version.pk).update(name="better")

        with pytest.raises(IntegrityError, match="not retired"), transaction.atomic():
            RuleSet.objects.filter(pk=version.pk).update(status="retired")
        assert RuleSet.objects.filter(pk=version.pk).delete()[0] == 1

    @pytest.mark.parametrize("model", [RuleSet, EventType, ExternalEvent])
    def test_is_not_emptied(self, model: Any) -> None:
        with pytest.raises(IntegrityError, match="refused"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {model._meta.db_table} CASCADE")

    def test_keeps_declared_types(self) -> None:
        declared = EventType.objects.create(type="a.b", parties=[], amounts=[], parameters=[], external=True)

        with pytest.raises(IntegrityError, match="refused"), transaction.atomic():
            EventType.objects.filter(pk=declared.pk).update(external=False)


class TestTheLocks:
    """Batches share the engine, an activation has it alone, and a draft needs none of it."""

    def test_an_activation_waits_for_the_batch_under_way_and_a_draft_does_not(
        self, committed_db: Any, race: Callable[..., list[Any]]
    ) -> None:
        author, second = make_account(operator=True), make_account(operator=True)
        waiting = draft(author)
        seen: list[str] = []
        ended_at: list[datetime] = []
        began, draft_in_time = threading.Event(), threading.Event()

        def batch() -> None:
            with transaction.atomic():
                booking.share_engine()
                seen.append("batch began")
                began.set()
                draft_in_time.wait(10)
                ended_at.append(clock.now())
                seen.append("batch ended")

        def drafts() -> None:
            began.wait(10)
            draft(author)
            seen.append("drafted")
            draft_in_time.set()

        def activates() -> None:
            began.wait(10)
            activate(waiting, second)
            seen.append("activated")

        race(batch, drafts, activates)

        assert seen == ["batch began", "drafted", "batch ended", "activated"]
        waiting.refresh_from_db()
        assert waiting.effective_from is not None
        assert waiting.effective_from >= ended_at[0], "What the batch booked happened before."

    def test_two_drafts_at_once_are_two_versions(self, committed_db: Any, race: Callable[..., list[Any]]) -> None:
        author = make_account(operator=True)

        drafted = race(*[lambda: draft(author)] * 4)

        assert sorted(version.version for version in drafted) == [2, 3, 4, 5]

    def test_two_activations_at_once_are_one(self, committed_db: Any, race: Callable[..., list[Any]]) -> None:
        author, second, third = (make_account(operator=True) for _ in range(3))
        version = draft(author)

        outcomes = race(lambda: activate(version, second), lambda: activate(version, third))

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["RuleSet", "RuleSetNotDraft"]


class TestAHouseThatIsAtWork:
    """An update brings rules for types that are new, and touches nothing that operators have decided."""

    add_rules = staticmethod(import_module("billing.migrations.0007_rules_for_shares").add_rules_for_new_types)

    def test_gets_rules_for_the_types_that_are_new_as_its_next_version(
        self, author: Account, operator: Account
    ) -> None:
        own = {name: rules for name, rules in SHIPPED["types"].items() if not name.startswith("share.")}
        old = RuleSet.objects.create(
            name="own", version=7, status="active", document=SHIPPED | {"types": own}, effective_from=clock.now()
        )
        self.add_rules(apps, None)
        added = RuleSet.objects.get(version=8)
        assert added.document["types"] == SHIPPED["types"]
        assert (added.status, RuleSet.objects.get(id=old.id).status) == ("active", "retired")

    def test_is_left_alone_where_it_has_them(self, author: Account) -> None:
        self.add_rules(apps, None)
        assert list(RuleSet.objects.values_list("version", flat=True)) == [1]
