import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import cycle
from typing import Any

import pytest
from django.db import connection
from django.utils.dateparse import parse_datetime

from accounts.models import Account
from core import clock
from distribution.models import AgentSeat, AllocatedLine, Allocation, Area, Plan, Referral
from distribution.rule_numbers import parse_rule_number
from tests.conftest import Api, Statements, make_account
from tests.distribution.people import areas, came, place_now
from tests.distribution.test_agents import place_store

WHY = {"reason": "They say so."}
ApiOf = Callable[..., Api]


@pytest.fixture
def tree(database: None) -> dict[str, Area]:
    return areas()


@pytest.fixture
def clerk(api: ApiOf, operator: Account) -> Api:
    return api(operator)


def appointed(clerk: Api, area: str = "ZZ:N11", account: Account | None = None) -> dict[str, Any]:
    answer = clerk.post("/agents", {"account": (account or make_account()).public_id, "area": area})
    assert answer.status_code == 201, answer.content
    return answer.json()


def crowd(referrers: Sequence[Account], size: int) -> None:
    """So many accounts below some, in turns."""
    now = clock.now()
    people = Account.objects.bulk_create(
        Account(username=f"crowd-{number}", name=f"Crowd {number}", kind="personal", side="buyer")
        for number in range(1, size + 1)
    )
    Referral.objects.bulk_create(
        Referral(account=one, referrer=above, via=Referral.Via.CODE, rule_number=f"R-{one.pk}", from_at=now)
        for one, above in zip(people, cycle(referrers), strict=False)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE distribution_referral, accounts_account")


class TestAgents:
    """POST, GET and DELETE of agents, as the contract says."""

    def test_an_agent_is_appointed_listed_and_ended(self, tree: dict[str, Area], clerk: Api) -> None:
        account = make_account()
        made = appointed(clerk, "N11", account)

        assert (made["area"], made["tier"], made["account"]["id"]) == ("ZZ:N11", 3, account.public_id)
        assert (made["id"][:4], made["period"]["until"]) == ("agt_", None)
        assert parse_rule_number(made["rule_number"]).code == "N11"
        assert clerk.get("/agents", {"area": "ZZ:N11"}).json()["results"] == [made]
        assert clerk.get("/agents", {"area": "ZZ:N1"}).json()["results"] == []
        assert clerk.get("/agents", {"account": account.public_id}).json()["results"] == [made]

        ended = clerk.delete(f"/agents/{made['id']}")

        assert (ended.status_code, ended.json()["period"]["until"] is None) == (200, False)
        assert clerk.get("/agents").json()["results"] == []
        assert clerk.get(f"/agents/{made['id']}").json() == ended.json()
        assert clerk.delete(f"/agents/{made['id']}").json()["code"] == "seat_ended"

    def test_what_is_refused(self, tree: dict[str, Area], clerk: Api, operator: Account, buyer: Account) -> None:
        appointed(clerk)
        for body, status, code in (
            ({"account": buyer.public_id, "area": "ZZ:N11"}, 409, "seat_taken"),
            ({"account": buyer.public_id, "area": "ZZ:N11", "from": "2030-01-01T00:00:00Z"}, 409, "seat_taken"),
            ({"account": buyer.public_id, "area": "ZZ:nowhere"}, 422, "area_unknown"),
            ({"account": "acc_nobody", "area": "ZZ:N"}, 422, "account_unknown"),
            ({"account": operator.public_id, "area": "ZZ:N"}, 422, "operator_as_agent"),
            ({"account": buyer.public_id, "area": "ZZ:N", "from": "2000-01-01T00:00:00Z"}, 409, "from_too_early"),
            ({"account": buyer.public_id, "area": "ZZ:N", "from": "tomorrow"}, 422, "time_invalid"),
        ):
            answer = clerk.post("/agents", body)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert Api(buyer).post("/agents", {}).status_code == 403

    def test_one_may_begin_where_nothing_was_shared_out_since(self, tree: dict[str, Area], clerk: Api) -> None:
        earlier = clock.now() - timedelta(days=2)
        account = make_account(created_at=earlier)
        for moment, status in ((earlier - timedelta(seconds=1), 409), (earlier, 201)):
            body = {"account": account.public_id, "area": "ZZ:N11", "from": moment.isoformat()}
            answer = clerk.post("/agents", body)
            assert answer.status_code == status
        made = answer.json()
        taken = clerk.post(
            f"/agents/{made['id']}/replace", {"account": account.public_id, "from": "2000-01-01T00:00:00Z"}
        )

        assert parse_datetime(made["period"]["from"]) == earlier
        assert (taken.status_code, taken.json()["code"]) == (409, "from_too_early")

    def test_one_takes_over_from_the_other(self, tree: dict[str, Area], clerk: Api, buyer: Account) -> None:
        first = appointed(clerk)
        answer = clerk.post(f"/agents/{first['id']}/replace", {"account": buyer.public_id})

        assert answer.status_code == 201
        assert answer.json()["period"]["from"] == clerk.get(f"/agents/{first['id']}").json()["period"]["until"]

    def test_agents_see_their_own_seats_and_figures_and_nobody_elses(
        self, tree: dict[str, Area], clerk: Api, buyer: Account
    ) -> None:
        other, own = appointed(clerk, "ZZ:N"), appointed(clerk, "ZZ:N1", buyer)
        place_store(tree["N11"])
        agent = Api(buyer)

        assert agent.get("/agents").json()["results"] == [own]
        assert agent.get(f"/agents/{other['id']}").status_code == 404
        assert agent.get("/agents/mine").json() == {"seats": [own | {"stores": 1}], "earnings": []}

    def test_a_preview_says_where_the_share_would_go(self, tree: dict[str, Area], clerk: Api) -> None:
        seat, up = appointed(clerk, "ZZ:N11"), appointed(clerk, "ZZ:N")
        place_store(tree["N11"])
        self.share_out(AgentSeat.objects.get(public_id=seat["id"]), vacancy="next_up")

        preview = clerk.post(f"/agents/{seat['id']}/preview-end").json()

        assert (preview["stores"], preview["vacancy"], preview["next_up"]) == (1, "next_up", up)
        assert preview["earned"] == [{"amount": 70, "currency": "GBP", "goes_to": "next_up", "account": up["account"]}]
        assert clerk.get(f"/agents/{seat['id']}").json()["period"]["until"] is None
        clerk.delete(f"/agents/{up['id']}")
        assert clerk.post(f"/agents/{seat['id']}/preview-end").json()["earned"][0]["goes_to"] == "house"

    def share_out(self, seat: AgentSeat, *, vacancy: str) -> None:
        document = {
            "name": "standard", "pool": {"of": "fee", "bps": 5000}, "agents": [{"level": 3, "bps": 3000}],
            "differential": False, "referrers": [], "merchant_referrer": {"bps": 0}, "cashback": {"bps": 0},
            "vacancy": vacancy, "hold_days": 7, "caps": [],
        }  # fmt: skip
        plan = Plan.objects.create(
            name="standard", version=900, status="active", document=document, effective_from=clock.now()
        )
        line = AllocatedLine.objects.create(
            line=1, order="ord_1", plan=plan, seller="acc_1", buyer="acc_2", currency="GBP", paid_at=clock.now(),
            fee_minor=200, pool_minor=100, agents_minor=100, referrers_minor=0, merchant_referrer_minor=0,
            cashback_minor=0, platform_minor=0, chain={}, not_paid=[],
        )  # fmt: skip
        Allocation.objects.create(
            line=line, order="ord_1", role="agent", level=3, account=seat.account, area=seat.area, rate_bps=1,
            original_minor=100, reversed_minor=30, why="Agent.",
        )  # fmt: skip


class TestReferrals:
    """Who came through whom: everybody sees those below, operators change places."""

    def test_who_came_through_me(self, db: None) -> None:
        first = came(clock.now())
        second = came(clock.now(), through=first)
        third = came(clock.now(), through=second)
        came(clock.now(), through=third)
        mine = Api(first).get("/referrals").json()["results"]

        assert [(row["account"], row["level"], row["referrals"]) for row in mine] == [
            ({"id": third.public_id, "name": third.name}, 2, None),
            ({"id": second.public_id, "name": second.name}, 1, 1),
        ]
        assert {name for row in mine for name in row} == {"account", "level", "since", "referrals"}
        one = Api(first).get("/referrals", {"limit": 1}).json()
        assert Api(first).get("/referrals", {"limit": 1, "cursor": one["next"]}).json()["results"] == mine[1:]

    def test_a_page_reads_no_more_than_a_page_of_each_branch(
        self, tree: dict[str, Area], statements: Callable[[], Statements]
    ) -> None:
        first = came(clock.now())
        branches = [came(clock.now(), through=first) for _ in range(2)]
        crowd(branches, 4_000)
        with statements() as seen:
            page = Api(first).get("/referrals", {"limit": 2}).json()
        [listed] = [query["sql"] for query in seen.captured_queries if "LATERAL" in query["sql"]]
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF) {listed}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        read = [float(rows) * int(loops) for rows, loops in re.findall(r"actual rows=([\d.]+) loops=(\d+)", plan)]

        assert max(read) <= 2 * (2 + 1), plan
        following = Api(first).get("/referrals", {"limit": 2, "cursor": page["next"]}).json()
        names = [row["account"]["name"] for row in [*page["results"], *following["results"]]]
        assert names == [f"Crowd {number}" for number in (4_000, 3_999, 3_998, 3_997)]

    def test_operators_bind_move_and_end(self, clerk: Api) -> None:
        account, one, other = (came(clock.now()) for _ in range(3))
        body = {"account": account.public_id, "referrer": one.public_id, **WHY}

        bound = clerk.post("/referrals", body)
        assert (bound.status_code, bound.json()["referrer"]["id"]) == (201, one.public_id)
        assert (bound.json()["via"], bound.json()["original"]) == ("operator", True)
        assert clerk.post("/referrals", body).json()["code"] == "already_referred"
        turned = {"account": one.public_id, "referrer": account.public_id, **WHY}
        assert clerk.post("/referrals", turned).json()["code"] == "referral_cycle"
        moved = clerk.post(f"/referrals/{account.public_id}/move", {"referrer": other.public_id, **WHY})
        assert (moved.status_code, moved.json()["original"]) == (200, False)
        ended = clerk.post(f"/referrals/{account.public_id}/end", WHY)
        assert (ended.status_code, ended.json()["period"]["until"] is None) == (200, False)
        assert clerk.post(f"/referrals/{account.public_id}/end", WHY).json()["code"] == "referral_ended"
        assert clerk.post("/referrals/acc_nobody/end", WHY).status_code == 404
        assert Api(one).post("/referrals", body).status_code == 403

    def test_an_account_hands_over_what_it_has(self, tree: dict[str, Area], clerk: Api) -> None:
        referrer = came(clock.now())
        account = came(clock.now(), through=referrer)
        seat = appointed(clerk, "ZZ:N", account)
        exported = Api(account).get("/account/export").getvalue().decode()

        for said in (seat["id"], place_now(account).public_id):
            assert said in exported
        assert referrer.public_id in exported


class TestChains:
    """The chain behind a store and behind an account, to those whom it concerns."""

    def test_agents_of_a_store_and_referrers_of_an_account(self, tree: dict[str, Area], clerk: Api) -> None:
        store, seat = place_store(tree["N11"], at=clock.now()), appointed(clerk, "ZZ:N")
        referrer = came(clock.now())
        account = came(clock.now(), through=referrer)
        both = clerk.get("/distribution/chains", {"store": store.public_id, "account": account.public_id}).json()

        agent = {"tier": 1, "area": "ZZ:N", "account": seat["account"], "rule_number": seat["rule_number"]}
        assert both["agents"] == [agent]
        assert both["vacant"] == [
            {"tier": tier, "area": area} for tier, area in ((3, "ZZ:N11"), (2, "ZZ:N1"), (0, "ZZ:ZZ"))
        ]
        assert [(link["level"], link["account"]["id"]) for link in both["referrers"]] == [(1, referrer.public_id)]
        found = clerk.get("/distribution/nodes", {"prefix": both["referrers"][0]["rule_number"]}).json()["results"]
        assert [node["account"]["id"] for node in found] == [referrer.public_id]
        early = clerk.get("/distribution/chains", {"store": store.public_id, "at": "2020-01-01T00:00:00Z"}).json()
        assert (early["agents"], early["as_of"]) == ([], "2020-01-01T00:00:00Z")

    def test_others_than_those_whom_it_concerns_see_nothing(self, tree: dict[str, Area], buyer: Account) -> None:
        store, account = place_store(tree["N11"]), came(clock.now())
        assert Api(store.seller).get("/distribution/chains", {"store": store.public_id}).status_code == 200
        assert Api(account).get("/distribution/chains", {"account": account.public_id}).status_code == 200
        for query in ({"store": store.public_id}, {"account": account.public_id}):
            assert Api(buyer).get("/distribution/chains", query).status_code == 404
        assert Api(buyer).get("/distribution/chains").json()["referrers"] == []


class TestNodes:
    """Every number that was ever given leads to what it named."""

    def test_by_the_beginning_of_their_numbers_in_order(self, tree: dict[str, Area], clerk: Api) -> None:
        place_store(tree["N11"], number="ZZ-N11-P3")
        first, _state = appointed(clerk, "ZZ:N11"), appointed(clerk, "ZZ:N")
        clerk.post(f"/agents/{first['id']}/replace", {"account": make_account().public_id})
        came(clock.now())

        def found(prefix: str, **more: Any) -> list[tuple[str, str]]:
            answer = clerk.get("/distribution/nodes", {"prefix": prefix, **more}).json()
            return [(node["kind"], node["rule_number"]) for node in answer["results"]]

        inside = found("zz-n11")
        assert [kind for kind, _number in inside] == ["agent", "agent", "placement"]
        assert inside == sorted(inside, key=lambda node: node[1])
        assert ("agent", first["rule_number"]) in inside
        assert {kind for kind, _number in found("R-")} == {"referral"}
        one = clerk.get("/distribution/nodes", {"prefix": "ZZ-", "limit": 1}).json()
        assert found("ZZ-", cursor=one["next"]) == found("ZZ-")[1:]
        assert found("ZZ-%") == []

    def test_it_is_for_operators(self, buyer: Account, db: None) -> None:
        assert Api(buyer).get("/distribution/nodes", {"prefix": "R-"}).status_code == 403
