"""Operators' pages of plans, of what sales gave to whom, and of what is kept for nobody yet."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from accounts.actor import Actor
from accounts.models import Account
from core import clock
from core.jobs import run_next_job
from core.models import Job
from distribution.admin.allocations import EscrowFilter
from distribution.models import AllocatedLine, Allocation, Plan
from distribution.plan_words import EXAMPLE_FEE_MINOR, PLATFORM_OF_POOL, shares_of
from distribution.services import draft_plan, settle_escrow
from tests.conftest import Statements, make_account
from tests.distribution.money import CITY, DOCUMENT, place_store, plan, seat, world
from tests.distribution.people import areas
from tests.distribution.test_allocating import refund, sell
from tests.money_facts import book

PLANS, PARTS = "/admin/distribution/plan/", "/admin/distribution/allocation/"


@pytest.fixture
def desk(browser: Callable[[Account], Client], operator: Account) -> Client:
    return browser(operator)


@pytest.fixture
def draft(operator: Account) -> Plan:
    """Of the operator at the desk; gives more cashback than the plan in force."""
    areas("YY")
    plan()
    return draft_plan(document=DOCUMENT | {"cashback": {"bps": 1500}}, actor=Actor.own(operator))


def text(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return answer.content.decode().replace("\N{NO-BREAK SPACE}", " ")


def listed(desk: Client, **query: str) -> list[Allocation]:
    answer = desk.get(PARTS, query)
    text(answer)
    return list(answer.context["cl"].result_list)


def without_the_sidebar(seen: Statements) -> int:
    """Its badges count what waits, on every page."""
    return sum("COUNT(*)" not in query["sql"] for query in seen.captured_queries)


class TestAPlanInWords:
    """Who has how much of 100.00 of fee, to the cent."""

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"pool": {"of": "fee", "bps": 3333}},
            {"agents": [{"level": 1, "bps": 500}, {"level": 3, "bps": 3000}], "differential": True},
            {"cashback": {"bps": 9000}},
            {"agents": [{"level": 3, "bps": 1}, {"level": 2, "bps": 5}], "differential": True},
        ],
    )
    def test_sums_to_the_fee_sound_or_not(self, changes: dict[str, Any]) -> None:
        shares = shares_of(DOCUMENT | changes)
        assert sum(row.minor for row in shares.rows) == EXAMPLE_FEE_MINOR

    def test_says_a_differential_levels_own_part(self) -> None:
        rates = [{"level": 1, "bps": 3000}, {"level": 3, "bps": 1000}]
        by_who = shares_of(DOCUMENT | {"agents": rates, "differential": True}).by_who
        assert (by_who["Agent of level 3"], by_who["Agent of level 1"]) == (500, 1000)

    def test_is_what_a_sale_of_that_fee_gives(self, db: None) -> None:
        plan()
        sell(world(), price=200_000)  # A fee of 5 %: 100.00.
        parts = {(row.role, row.level): row.original_minor for row in Allocation.objects.all()}
        by_who = shares_of(DOCUMENT).by_who
        assert by_who["Agent of level 3"] == parts["agent", 3]
        assert by_who["Who brought the buyer, level 2"] == parts["referrer", 2]
        assert by_who["The buyer (cashback)"] == parts["cashback", None]
        assert by_who[PLATFORM_OF_POOL] == AllocatedLine.objects.get().platform_minor


class TestPlanPages:
    """A plan is written, checked, compared, put in force and tried without a developer."""

    def test_a_check_shows_each_problem_with_its_line_and_keeps_nothing(self, desk: Client, draft: Plan) -> None:
        faulty = DOCUMENT | {"cashback": {"bps": 9000}, "agents": [{"level": 7, "bps": 1}]}
        page = text(desk.post(f"{PLANS}write/", {"text": json.dumps(faulty), "check": ""}))
        assert "over_allocated" in page
        assert "unknown_tier" in page
        assert "No tree of areas has a level 7." in page
        assert 'data-line="3"' in page  # {, "name", "agents": …
        for nothing in ('{"name": 5', '{"name": "x"}', "[]", '"</textarea><script>alert(1)</script>'):
            answer = text(desk.post(f"{PLANS}write/", {"text": nothing, "keep": ""}))
            assert "This is no plan yet" in answer
            assert "<script>alert" not in answer
        assert Plan.objects.count() == 2

    def test_a_file_is_kept_as_the_next_version(self, desk: Client, draft: Plan, operator: Account) -> None:
        assert "&quot;bps&quot;: 1500" in text(desk.get(f"{PLANS}write/?from={draft.pk}"))
        file = SimpleUploadedFile("plan.json", json.dumps(DOCUMENT).encode())
        page = text(desk.post(f"{PLANS}write/", {"file": file, "keep": ""}, follow=True))
        kept = Plan.objects.get(version=3)
        assert (kept.status, kept.created_by, kept.document) == ("draft", operator, DOCUMENT)
        assert "Kept as standard v3, a draft. It is sound." in page
        assert "Agent of level 3" in page
        assert "the part of an area without an agent stays with the platform" in page

    def test_a_second_person_puts_it_in_force_and_sees_what_is_given_away(
        self, desk: Client, browser: Callable[[Account], Client], draft: Plan
    ) -> None:
        path = f"{PLANS}{draft.pk}/activate/"
        assert "You wrote this version" in text(desk.get(path))
        assert "Another operator than the one who made it must do that." in text(desk.post(path, {}))
        second = browser(make_account(operator=True))
        page = text(second.get(path))
        assert '<span class="house-figure">50.00</span> at most; now 47.50' in page
        assert "15 % of the pool" in page
        draft.refresh_from_db()
        assert draft.status == "draft"
        assert "standard v2 is in force from" in text(second.post(path, {}, follow=True))
        draft.refresh_from_db()
        assert draft.status == "active"
        assert "It was put in force before." in text(second.get(path))

    def test_the_newest_is_compared_with_the_one_in_force(self, desk: Client, draft: Plan) -> None:
        page = text(desk.get(f"{PLANS}compare/"))
        assert "- 10 % of the pool" in page
        assert "+ 15 % of the pool" in page
        assert "+2.50" in page
        for asked in ("99", "x", "9" * 40):
            assert desk.get(f"{PLANS}compare/", {"old": asked}).status_code in (200, 404)

    def test_a_preview_shows_the_difference_per_person(self, desk: Client, draft: Plan) -> None:
        behind = world()
        sell(behind)
        now = clock.now()
        period = {
            "since": f"{now - timedelta(days=1):%Y-%m-%dT%H:%M}",
            "until": f"{now + timedelta(days=1):%Y-%m-%dT%H:%M}",
        }
        desk.post(f"{PLANS}{draft.pk}/preview/", period)
        while run_next_job():
            pass
        page = text(desk.get(f"/admin/core/job/{Job.objects.get().pk}/change/"))
        assert "1 of 1 sales would have been shared out otherwise." in page
        assert f"/admin/accounts/account/{behind.buyer.pk}/change/" in page
        assert "+1.25 GBP" in page

    def test_without_any_plan_the_pages_say_so(self, desk: Client, db: None) -> None:
        assert "There is no plan yet." in text(desk.get(f"{PLANS}compare/"))
        assert "Keep as a draft" in text(desk.get(f"{PLANS}write/"))


class TestAllocationPages:
    """What a sale gave to whom: found quickly, and understood on one page."""

    def test_are_found_by_what_an_operator_knows(self, desk: Client) -> None:
        plan(vacancy="escrow")
        behind = world(agents=(1, 3))
        order = sell(behind)
        sell(behind)
        agent, area = behind.agents[3], behind.areas[CITY]
        line = AllocatedLine.objects.get(order=order.public_id)

        assert {row.order for row in listed(desk, q=order.public_id)} == {order.public_id}
        assert {row.account for row in listed(desk, q=agent.public_id)} == {agent}
        assert {row.area for row in listed(desk, q=area.public_code)} == {area}
        assert {row.line_id for row in listed(desk, q=line.public_line)} == {line.pk}
        assert {row.role for row in listed(desk, role="cashback")} == {"cashback"}
        assert {row.escrow for row in listed(desk, kept="now")} == {"escrow:ZZ:N1"}
        one = Allocation.objects.first()
        assert one is not None
        assert listed(desk, q=one.public_id) == [one]
        for nobody in ("acc_nobody", "XX:1", "lin_", "nonsense"):
            assert listed(desk, q=nobody) == []

    def test_a_line_says_who_got_what_and_who_did_not_and_why(self, desk: Client) -> None:
        version = plan(vacancy="house", caps=[{"role": "cashback", "per": "order", "amount": 100, "currency": "GBP"}])
        behind = world(agents=(1, 3))
        order = sell(behind)
        refund(order, 50_000)
        book()
        row = Allocation.objects.get(role="agent", level=3)
        page = text(desk.get(f"{PARTS}{row.pk}/change/"))

        assert "Agent of ZZ:N11 (level 3): 30 % of the pool of 25.00 GBP" in page
        assert f"/admin/distribution/plan/{version.pk}/change/" in page
        for amount in ("25.00 GBP", "12.50 GBP", "7.50 GBP", "3.75 GBP"):  # The pool and the part, and what is left.
            assert amount in page
        assert "the area had no agent" in page
        assert "more than the plan lets one account have of an order" in page
        assert str(row.rule_number) in page
        assert "/admin/wallets/earning/" in page
        assert f"/admin/orders/order/?q={order.public_id}" in page
        assert f"/admin/events/eventrecord/?q={order.public_id}" in page
        assert row.why in text(desk.get(f"{PARTS}line/{row.line_id}/"))

    def test_nobody_edits_them(self, desk: Client) -> None:
        version = plan()
        sell(world())
        row = Allocation.objects.first()
        assert row is not None
        for path in (f"{PARTS}{row.pk}/", f"{PLANS}{version.pk}/"):
            assert desk.post(f"{path}change/", {"why": "mine", "name": "mine"}).status_code == 403
            assert desk.post(f"{path}delete/", {"post": "yes"}).status_code == 403
        assert desk.get(f"{PARTS}add/").status_code == 403
        assert desk.get(f"{PLANS}add/").status_code == 403

    def test_their_number_costs_no_statements(self, desk: Client, statements: Any) -> None:
        plan(vacancy="escrow")
        behind = world(agents=(1, 3))
        sell(behind)
        seen = []
        key = Allocation.objects.values_list("pk", flat=True)[0]
        for _ in range(2):
            book()
            for path in (PARTS, f"{PARTS}escrow/", f"{PARTS}{key}/change/", PLANS):
                desk.get(path)
                with statements() as asked:
                    text(desk.get(path))
                seen.append(without_the_sidebar(asked))
            for _ in range(2):
                sell(behind)
            place_store(behind.seller, None, clock.now(), waiting=True)
        assert seen[:4] == seen[4:]
        assert max(seen) <= 9, seen

    @pytest.mark.parametrize(
        ("rows", "index"),
        [
            (Allocation.objects.filter(role="agent"), "allocation_by_role"),
            (Allocation.objects.filter(area=5), "allocation_by_area"),
            (Allocation.objects.filter(account=5), "allocation_by_account"),
            (Allocation.objects.filter(EscrowFilter.states["now"][1]), "allocation_escrow_newest"),
            (Allocation.objects.filter(EscrowFilter.states["given"][1]), "allocation_escrow_ended"),
            (Allocation.objects.filter(EscrowFilter.states["given_up"][1]), "allocation_escrow_ended"),
            (Allocation.objects.filter(EscrowFilter.states["now"][1], escrow="escrow:ZZ"), "allocation_escrow_oldest"),
        ],
    )
    def test_each_filter_has_an_index_in_the_lists_order(self, db: None, rows: Any, index: str) -> None:
        """Sorting is made dear: where an index gives the order, nothing is sorted."""
        with connection.cursor() as cursor:
            for way in ("sort", "seqscan", "bitmapscan"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
        steps = rows.order_by("-pk")[:25].explain(costs=False)
        assert "Sort" not in steps, steps
        assert index in steps, steps


class TestEscrowPage:
    """What is kept for whom, since when and until when, with the way to what has to be done."""

    def test_says_for_which_area_and_store_since_when_and_until_when(self, desk: Client) -> None:
        plan(vacancy="escrow")
        behind = world(agents=(1, 3))
        first = sell(behind)
        sell(behind)
        waiting = place_store(behind.seller, None, behind.start, waiting=True)
        sell(behind, store=waiting.public_id)
        book()
        page = text(desk.get(f"{PARTS}escrow/"))

        assert '<p class="house-figure">20.00 GBP</p>' in page  # Twice 3.75 of the vacant area, 12.50 undecided.
        assert "7.50 GBP" in page
        assert f"/admin/distribution/agentseat/areas/{behind.areas['N1'].pk}/" in page
        assert f"/admin/distribution/placement/{waiting.placements.get().pk}/change/" in page
        paid_at = AllocatedLine.objects.get(order=first.public_id).paid_at
        assert f"{paid_at:%Y-%m-%d %H:%M} UTC" in page
        assert f"{paid_at + settings.ESCROW_PERIOD:%Y-%m-%d %H:%M} UTC" in page
        assert len(listed(desk, kept="now", escrow="escrow:ZZ:N1")) == 2

        seat(behind.areas["N1"], clock.now())
        settle_escrow(clock.now())
        book()
        page = text(desk.get(f"{PARTS}escrow/"))
        assert '<p class="house-figure">12.50 GBP</p>' in page
        assert {row.role for row in listed(desk, kept="given")} == {"agent"}
        settle_escrow(clock.now() + settings.ESCROW_PERIOD)
        book()
        assert "Nothing" in text(desk.get(f"{PARTS}escrow/"))
        given_up = listed(desk, kept="given_up")
        assert len(given_up) == 3
        assert "given up" in text(desk.get(f"{PARTS}{given_up[0].pk}/change/"))


class TestWhoMay:
    def test_nobody_else_sees_them(
        self, browser: Callable[[Account], Client], new_account: Any, buyer: Account, draft: Plan
    ) -> None:
        clerk = browser(new_account(operator=True, is_superuser=False))
        pages = [PLANS + page for page in ("write/", "compare/", f"{draft.pk}/activate/", f"{draft.pk}/preview/")]
        for path in (*pages, f"{PARTS}escrow/", f"{PARTS}line/1/"):
            assert clerk.get(path).status_code == 403, path
            assert browser(buyer).get(path).status_code == 302, path
