"""Areas and placements over HTTP."""

from typing import Any

import pytest

from accounts.actor import Actor
from catalog import services as catalog
from core import clock
from distribution.models import Placement
from events.consumers import get_consumer
from events.delivery import deliver_batch
from tests.distribution.areas import COUNTRY, HEADER, SQUARES, load


@pytest.fixture
def country(database, tmp_path) -> None:
    load(tmp_path, shapes=SQUARES)


def open_store(seller: Any, **place: Any) -> str:
    store = catalog.open_store(name="Shop", **place, actor=Actor.own(seller), now=clock.now())
    deliver_batch(get_consumer("placement"))
    return store.public_id


class TestAreas:
    def test_are_found_by_code_with_and_without_scheme(self, country, api):
        westford = {
            "code": "XX:11",
            "name": "Westford",
            "level": 2,
            "level_name": "district",
            "parent": "XX:1",
            "retired_at": None,
        }
        assert api().get("/areas/XX:11").json() == api().get("/areas/11").json() == westford
        assert api().get("/areas/XX").json()["parent"] is None
        assert api().get("/areas/99").json()["code"] == "not_found"

    def test_ambiguous_codes_ask_for_the_scheme(self, country, api, tmp_path):
        load(tmp_path, [("YY", "Yland", "", 0, "", ""), ("1", "North", "YY", 1, "", "")])

        assert api().get("/areas/1").json()["code"] == "area_ambiguous"
        assert api().get("/areas/YY:1").json()["name"] == "North"

    def test_are_listed_from_the_largest_down_and_searched_by_words(self, db, api, tmp_path):
        rows = [*COUNTRY, ("13", "São Martinho d'Oeste", "1", 2, "", ""), ("14", "深圳市南山区", "1", 2, "", "")]
        load(tmp_path, rows)

        def names(**query: Any) -> list[str]:
            return [area["name"] for area in api().get("/areas", query).json()["results"]]

        assert names()[:3] == ["Xland", "West", "East"]
        assert names(search="sao mart") == names(search="São Martinho") == ["São Martinho d'Oeste"]
        assert names(search="南山") == ["深圳市南山区"]
        assert names(search="14") == ["深圳市南山区"]
        assert names(parent="XX:2") == ["Eastleigh"]
        assert names(scheme="YY") == []

    def test_pages_follow_each_other(self, country, api):
        first = api().get("/areas", {"limit": 4}).json()
        rest = api().get("/areas", {"limit": 4, "cursor": first["next"]}).json()

        assert [area["code"] for page in (first, rest) for area in page["results"]] == [
            "XX:XX", "XX:1", "XX:2", "XX:11", "XX:12", "XX:21",
        ]  # fmt: skip

    def test_retired_ones_are_shown_by_their_code_only(self, country, api, tmp_path):
        load(
            tmp_path,
            [*((*row, "") for row in COUNTRY[:-2]), ("3", "New East", "XX", 1, "", "", "2")],
            header=(*HEADER, "replaces"),
        )

        assert api().get("/areas/21").json()["retired_at"] is not None
        assert api().get("/areas/2").json()["code"] == "XX:3"
        assert "Eastleigh" not in str(api().get("/areas").json())


class TestLocating:
    def test_says_area_evidence_and_metres(self, country, api):
        inside = api().get("/areas/locate", {"latitude": 0.4, "longitude": 0.5}).json()
        guess = api().get("/areas/locate", {"latitude": 0.8, "longitude": 0.5}).json()

        assert (inside["code"], inside["evidence"], inside["border_m"]) == (
            "XX:11",
            "polygon",
            pytest.approx(11057.4, rel=1e-3),
        )
        assert (guess["code"], guess["evidence"], guess["border_m"]) == ("XX:12", "centre", None)

    def test_nowhere_is_no_area(self, country, api):
        refused = api().get("/areas/locate", {"latitude": 60, "longitude": 60})

        assert (refused.status_code, refused.json()["code"]) == (404, "nowhere")

    @pytest.mark.parametrize("latitude", ["", "x", "nan", "inf", "91", "1e999"])
    def test_needs_a_place_on_earth(self, db, api, latitude):
        assert api().get("/areas/locate", {"latitude": latitude, "longitude": 0}).status_code == 422
        assert api().get("/areas/locate", {"longitude": 0}).status_code == 422


class TestPlacements:
    def test_a_store_shows_where_it_stands(self, country, api, seller):
        store = open_store(seller, latitude=0.2, longitude=0.5)
        shown = api().get(f"/stores/{store}").json()["placement"]

        assert shown == {
            "area": "XX:11",
            "evidence": "polygon",
            "rule_number": Placement.objects.get().rule_number,
            "status": "settled",
        }

    def test_any_number_of_stores_shows_that_with_one_statement_more(self, country, api, seller, statements):
        caller = api(seller)

        def looked() -> int:
            with statements() as seen:
                assert caller.get("/stores").status_code == 200
            return len(seen)

        open_store(seller, latitude=0.2, longitude=0.5)
        few = looked()
        for _ in range(5):
            open_store(seller, latitude=0.5, longitude=1.5)
        assert looked() == few

    def test_an_operator_decides_what_waits(self, country, api, seller, operator):
        store = open_store(seller, latitude=0.8, longitude=0.5)
        open_store(seller, latitude=0.2, longitude=0.5)
        caller = api(operator)
        (waiting,) = caller.get("/placements", {"status": "waiting"}).json()["results"]
        path = f"/placements/{waiting['id']}"

        assert (waiting["store"], waiting["area"], waiting["doubt"]) == (store, "XX:12", "centre")
        assert api(seller).get("/placements").status_code == 403
        assert api(seller).post(f"{path}/decide", {"area": "11"}).status_code == 403
        assert caller.post("/placements/plc_none/decide", {"area": "11"}).status_code == 404
        assert caller.post(f"{path}/decide", {"area": "99"}).json()["code"] == "area_unknown"
        decided = caller.post(f"{path}/decide", {"area": "11"}).json()
        assert (decided["area"], decided["proposed_area"], decided["status"]) == ("XX:11", "XX:12", "settled")
        assert decided["decided_by"]["id"] == operator.public_id
        assert caller.get(path).json() == decided
        for number in (waiting["rule_number"], decided["rule_number"]):  # Of what was proposed, and of what holds.
            [node] = caller.get("/distribution/nodes", {"prefix": number}).json()["results"]
            assert (node["rule_number"], node["kind"], node["store"]) == (number, "placement", store)
        assert caller.post(f"{path}/decide", {"area": "12"}).json()["code"] == "placement_settled"
        assert caller.get("/placements", {"status": "waiting"}).json()["results"] == []
        assert len(caller.get("/placements", {"status": "settled", "store": store}).json()["results"]) == 1
