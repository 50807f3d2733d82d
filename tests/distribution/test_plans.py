"""Commission plans: what passes the check, who may activate it, and what it would have given."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Account
from core import clock
from core.jobs import run_next_job
from distribution.models import Allocation, Plan
from distribution.plan_check import check_plan
from tests.conftest import Api
from tests.distribution.money import DOCUMENT, World, plan, world
from tests.distribution.people import areas
from tests.distribution.test_allocating import sell

LEVELS = {0, 1, 2, 3}


def codes(document: dict[str, Any], *, hops_max: int = 2) -> list[str]:
    return [problem.code for problem in check_plan(document, levels=LEVELS, hops_max=hops_max)]


class TestTheCheck:
    """What no plan may do has a code and a place."""

    def test_finds_nothing_in_a_sound_plan(self) -> None:
        assert codes(DOCUMENT) == []

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"cashback": {"bps": 1501}}, "over_allocated"),
            ({"agents": [{"level": 3, "bps": 9000}], "differential": True}, "over_allocated"),
            ({"referrers": [{"level": 3, "bps": 1}]}, "too_many_hops"),
            ({"pool": {"of": "entry_fee", "bps": 5000}}, "entry_fee"),
            ({"entry_fee": {"amount": 100}}, "entry_fee"),
            ({"pool": {"of": "recruitment", "bps": 5000}}, "recruitment_pay"),
            ({"recruitment_pay": {"bps": 1}}, "recruitment_pay"),
            ({"agents": [{"level": 7, "bps": 1}]}, "unknown_tier"),
            ({"agents": [{"level": 3, "bps": 1}, {"level": 3, "bps": 2}]}, "ambiguous"),
            ({"agents": [{"level": 3, "bps": 2}, {"level": 2, "bps": 1}], "differential": True}, "falling_rates"),
        ],
    )
    def test_names_what_is_wrong(self, changes: dict[str, Any], code: str) -> None:
        assert codes(DOCUMENT | changes) == [code]

    def test_allows_as_many_hops_as_the_law_of_the_place_does(self) -> None:
        assert codes(DOCUMENT | {"referrers": [{"level": 3, "bps": 1}]}, hops_max=3) == []


class TestOverHTTP:
    """POST /distribution/plans …"""

    @pytest.fixture
    def clerk(self, operator: Account, api: Any) -> Api:
        areas()
        return api(operator)

    def test_a_draft_is_checked_and_activated_by_a_second_person(self, clerk: Api, api: Any, new_account: Any) -> None:
        drafted = clerk.post("/distribution/plans", DOCUMENT).json()
        path = f"/distribution/plans/{drafted['id']}"
        assert (drafted["version"], drafted["status"], drafted["document"]) == (1, "draft", DOCUMENT)
        assert clerk.post(f"{path}/check", {}).json() == {"ok": True, "problems": []}
        assert clerk.post(f"{path}/activate", {}).json()["code"] == "second_person_required"
        second = api(new_account(operator=True))
        assert second.post(f"{path}/activate", {}).json()["status"] == "active"
        assert second.post(f"{path}/activate", {}).json()["code"] == "plan_not_draft"
        assert clerk.get(path).json()["activated_by"] is not None

    def test_an_unsound_plan_is_kept_and_not_activated(self, clerk: Api, api: Any, new_account: Any) -> None:
        drafted = clerk.post("/distribution/plans", DOCUMENT | {"entry_fee": 5}).json()
        answer = api(new_account(operator=True)).post(f"/distribution/plans/{drafted['id']}/activate", {})
        assert (answer.status_code, answer.json()["code"]) == (409, "plan_not_sound")
        assert [problem["code"] for problem in answer.json()["problems"]] == ["entry_fee"]

    @pytest.mark.parametrize(
        "changes", [{"pool": None}, {"agents": [{"level": 3}]}, {"vacancy": "mine"}, {"surprise": 1}, {"hold_days": -1}]
    )
    def test_what_is_no_plan_is_refused_with_the_field(self, clerk: Api, changes: dict[str, Any]) -> None:
        answer = clerk.post("/distribution/plans", DOCUMENT | changes)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"].startswith(next(iter(changes)))

    def test_the_past_is_not_shared_again(self, clerk: Api, api: Any, new_account: Any) -> None:
        drafted = clerk.post("/distribution/plans", DOCUMENT).json()
        answer = api(new_account(operator=True)).post(
            f"/distribution/plans/{drafted['id']}/activate", {"effective_from": "2020-01-01T00:00:00Z"}
        )
        assert answer.json()["code"] == "effective_in_past"

    def test_allocations_are_seen_by_whom_they_are_of_and_by_operators_with_the_chain(
        self, db: None, api: Any, operator: Account
    ) -> None:
        plan()
        behind = world(agents=(1, 3))
        order = sell(behind)
        own = api(behind.agents[3]).get(f"/distribution/allocations?order={order.public_id}").json()["results"]
        assert [(row["role"], row["level"], row["amount"], row["status"], row["area"]) for row in own] == [
            ("agent", 3, 750, "pending", "ZZ:N11")
        ]
        assert (own[0]["chain"], own[0]["not_paid"]) == (None, None)
        whole = api(operator).get(f"/distribution/allocations?order={order.public_id}").json()["results"]
        assert sum(row["amount"] for row in whole) == 2500 - 125 - 375
        assert whole[0]["not_paid"] == [
            {"role": "agent", "level": 2, "amount": 375, "reason": "vacant", "area": "ZZ:N1"}
        ]
        assert [link["area"] for link in whole[0]["chain"]["agents"]] == ["ZZ:N11", "ZZ:N1", "ZZ:N", "ZZ:ZZ"]
        assert api(behind.seller).get("/distribution/allocations").json()["results"] == []


class TestAnActivatedPlan:
    """Says for ever what a sale was shared by."""

    def test_is_never_changed(self, db: None) -> None:
        active = plan()
        with pytest.raises(IntegrityError), transaction.atomic():
            Plan.objects.filter(id=active.pk).update(document={})
        with pytest.raises(IntegrityError), transaction.atomic():
            active.delete()


class TestAPreview:
    """POST /distribution/plans/{id}/replay"""

    def test_tells_each_persons_difference_and_writes_nothing(self, db: None, api: Any, operator: Account) -> None:
        plan()
        behind: World = world()
        sell(behind)
        draft = api(operator).post("/distribution/plans", DOCUMENT | {"cashback": {"bps": 1500}}).json()
        before = list(Allocation.objects.values())
        now = clock.now()
        period = {"since": (now - timedelta(days=1)).isoformat(), "until": (now + timedelta(days=1)).isoformat()}
        job = api(operator).post(f"/distribution/plans/{draft['id']}/replay", period).json()["id"]
        while run_next_job():
            pass
        result = api(operator).get(f"/jobs/{job}").json()["result"]
        assert (result["events"], result["changed"]) == (1, 1)
        assert [
            (row["account"]["id"], row["before"], row["after"], row["difference"]) for row in result["accounts"]
        ] == [(behind.buyer.public_id, 250, 375, 125)]
        assert list(Allocation.objects.values()) == before

    def test_counts_sales_of_a_time_without_a_plan(self, db: None, api: Any, operator: Account) -> None:
        behind = world()
        sell(behind)
        draft = api(operator).post("/distribution/plans", DOCUMENT).json()
        now = clock.now()
        period = {"since": (now - timedelta(days=1)).isoformat(), "until": (now + timedelta(days=1)).isoformat()}
        job = api(operator).post(f"/distribution/plans/{draft['id']}/replay", period).json()["id"]
        while run_next_job():
            pass
        rows = api(operator).get(f"/jobs/{job}").json()["result"]["accounts"]
        assert sum(row["difference"] for row in rows) == 2375
        assert {row["before"] for row in rows} == {0}
