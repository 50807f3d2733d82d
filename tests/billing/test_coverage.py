"""The coverage report: every type and configuration, declared or seen, and what becomes of its events."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from billing import booking
from billing.coverage import Coverage, count_booked, coverage
from billing.models import CoverageMark, EventType, RuleSet, SeenConfiguration
from billing.services.rule_sets import draft_rule_set
from ledger.models import Batch
from tests.billing.test_api import SHIPPED
from tests.money_facts import AT, account_id, book, record, top_up

TOPPED_UP = "wallet.topped_up"


def rows(report: Coverage, type_: str) -> list[tuple[Any, ...]]:
    return [(row.configuration, row.state, row.count, row.rule) for row in report.rows if row.type == type_]


def draft(by: Account, **types: Any) -> RuleSet:
    document = SHIPPED | {"types": SHIPPED["types"] | types}
    return draft_rule_set(document=document, actor=Actor.own(by))


def rule(name: str, **match: str) -> dict[str, Any]:
    return SHIPPED["types"][TOPPED_UP][0] | {"name": name, "match": match}


@pytest.mark.django_db
class TestCoverage:
    def test_shows_every_declared_type_before_anything_was_seen(self) -> None:
        report = coverage()

        assert {row.type for row in report.rows} == set(SHIPPED["types"])
        assert {(row.state, row.count, row.oldest) for row in report.rows} == {("covered", 0, None)}
        assert rows(report, TOPPED_UP) == [
            ({}, "covered", 0, "default"),
            ({"provider": "demo-bank"}, "covered", 0, "demo bank"),
            ({"provider": "local"}, "covered", 0, "cash desk"),
        ]
        assert report.complete

    def test_counts_what_was_booked_by_what_the_rules_tell_apart(self) -> None:
        top_up(account_id(), 1, institution="ICBC", at=AT + timedelta(days=1))
        top_up(account_id(), 1, institution="BOC")
        top_up(account_id(), 1, provider="psp")
        book()

        report = coverage()

        assert rows(report, TOPPED_UP) == [
            ({}, "covered", 0, "default"),
            ({"provider": "demo-bank"}, "covered", 0, "demo bank"),
            ({"provider": "local"}, "covered", 2, "cash desk"),
            ({"provider": "psp"}, "covered", 1, "default"),
        ]
        assert next(row.oldest for row in report.rows if row.type == TOPPED_UP and row.count == 2) == AT

    def test_is_the_same_before_between_and_after_counting(
        self, monkeypatch: pytest.MonkeyPatch, settings: Any
    ) -> None:
        settings.COVERAGE_EVENTS_AT_ONCE = 2
        for number in range(5):
            top_up(account_id(), 1, provider="psp" if number % 2 else "local")
            book()
        before = coverage().rows

        assert count_booked() > 0
        assert coverage().rows == before
        top_up(account_id(), 1)
        book()
        assert ({"provider": "local"}, "covered", 4, "cash desk") in rows(coverage(), TOPPED_UP)
        assert count_booked() == 1
        assert count_booked() == 0
        assert ({"provider": "local"}, "covered", 4, "cash desk") in rows(coverage(), TOPPED_UP)

    def test_shows_what_is_unposted_with_its_reasons_and_age(self) -> None:
        owner = account_id()
        for day in (3, 1, 2):
            record("wallet.withdrawn", owner=owner, amount_minor=5, provider="local", at=AT + timedelta(days=day))
        EventType.objects.create(
            type="parking.paid", parties=[], amounts=[{"name": "gross"}], parameters=["zone"], external=True
        )
        book()

        found = [row for row in coverage().rows if row.state == "unposted"]

        assert [(row.type, row.configuration, row.count, row.reasons) for row in found] == [
            ("parking.paid", {}, 0, {}),
            ("wallet.withdrawn", {"provider": "local"}, 3, {"insufficient_cover": 3}),
        ]
        assert found[1].oldest == AT + timedelta(days=1)

    def test_of_a_draft_says_what_would_become_of_what_was_seen(self, operator: Account) -> None:
        top_up(account_id(), 1, institution="ICBC", channel="store")
        top_up(account_id(), 1, institution="BOC", channel="store")
        book()
        count_booked()
        torn = draft(
            operator,
            **{
                TOPPED_UP: [
                    rule("bank", institution="ICBC"),
                    rule("shop", channel="store"),
                    rule("gold", currency="XAU"),
                ]
            },
        )

        assert rows(coverage(torn), TOPPED_UP) == [
            ({"channel": "store"}, "ambiguous", 0, "shop"),
            ({"channel": "store", "currency": "GBP", "institution": "ICBC"}, "ambiguous", 1, "bank"),
            ({"currency": "XAU"}, "dead", 0, "gold"),
            ({"channel": "store", "currency": "GBP", "institution": "BOC"}, "covered", 1, "shop"),
            ({"institution": "ICBC"}, "covered", 0, "bank"),
        ]

    def test_is_cut_at_a_length_and_says_so(self, settings: Any) -> None:
        settings.COVERAGE_ROWS_MAX = 3
        report = coverage()

        assert (len(report.rows), report.complete) == (3, False)

    def test_over_http(self, api: Callable[..., Any], operator: Account, buyer: Account) -> None:
        top_up(account_id(), 1)
        book()
        report = api(operator).get("/billing/coverage").json()

        version = api(operator).get("/billing/rule-sets").json()["results"][0]["id"]
        assert report["rule_set"] == version
        assert {
            "type": TOPPED_UP,
            "configuration": {"provider": "local"},
            "state": "covered",
            "count": 1,
            "oldest": "2026-05-01T12:00:00Z",
            "rule": "cash desk",
            "reasons": {},
        } in report["types"]
        assert api(operator).get("/billing/coverage", {"rule_set": version}).json() == report
        assert api(operator).get("/billing/coverage", {"rule_set": "rls_nothing"}).status_code == 404
        assert api(buyer).get("/billing/coverage").status_code == 403
        assert api().get("/billing/coverage").status_code == 401


class TestCounting:
    """Every booked event is counted once, whoever counts, and while others book."""

    def total(self) -> int:
        return sum(row.count for row in coverage().rows if row.state == "covered")

    def test_two_at_once_count_once(self, committed_db: Any, race: Callable[..., list[Any]]) -> None:
        for _ in range(6):
            top_up(account_id(), 1)
            book()

        race(count_booked, count_booked, count_booked)
        count_booked()

        assert self.total() == 6
        assert SeenConfiguration.objects.get().count == 6

    def test_stops_before_a_batch_that_is_still_under_way(
        self, committed_db: Any, race: Callable[..., list[Any]]
    ) -> None:
        """What is booked before the mark and seen later would be passed over for ever."""
        booked, counted = threading.Event(), threading.Event()
        marked: list[datetime] = []
        top_up(account_id(), 1)
        book()
        top_up(account_id(), 1)

        def slow_batch() -> None:
            with transaction.atomic():
                booking.book_batch(trigger=booking.MANUAL)
                booked.set()
                counted.wait(10)

        def others() -> None:
            booked.wait(10)
            count_booked()
            marked.append(CoverageMark.objects.get().booked_at)
            counted.set()

        race(slow_batch, others)
        assert marked[0] < Batch.objects.latest("id").booked_at
        count_booked()
        assert self.total() == 2
