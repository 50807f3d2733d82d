"""A seller's stores in the browser: on a map of our own, with or without scripts, and by typing."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Store
from catalog.services import open_store
from core import clock
from distribution.services.placing import StoreNews, follow_stores
from tests.distribution.areas import SQUARES, load
from tests.portal.conftest import hidden_fields, main_of, send, text_of

Customer = Callable[[Account], Client]

NEW = "/sell/stores/new"
CORNER = {"name": "Corner", "address": "1 High Street", "latitude": "0.25", "longitude": "0.5", "area_code": ""}


@pytest.fixture
def areas(db: None, tmp_path: Any) -> None:
    load(tmp_path, shapes=SQUARES)


def place(store: Store) -> None:
    follow_stores(news=[StoreNews(store.public_id, "store.opened", clock.now())])


def frame_of(page: Any) -> list[float]:
    found = re.search(r'name="frame" value="([^"]+)"', page.content.decode())
    assert found, main_of(page)
    return [float(part) for part in found[1].split(",")]


def field(page: Any, name: str) -> str:
    found = re.search(rf'name="{name}"(?: value="([^"]*)")?', main_of(page))
    assert found, name
    return found[1] or ""


class TestOpeningAStore:
    """/sell/stores/new"""

    def test_by_typing_is_done_once_however_often_it_is_pressed(self, seller: Account, customer: Customer) -> None:
        client = customer(seller)
        page = client.get(NEW)
        assert "We have no borders of areas to draw." in text_of(page)
        form = {**dict(hidden_fields(page)), **CORNER}

        there = {client.post(NEW, form)["Location"] for _ in range(2)}

        store = Store.objects.get()
        assert there == {f"/sell/stores/{store.public_id}"}
        assert (store.name, store.latitude, store.longitude, store.seller) == ("Corner", 0.25, 0.5, seller)

    def test_the_map_is_pressed_closer_and_closer_and_nothing_is_saved(
        self, areas: None, seller: Account, customer: Customer
    ) -> None:
        client = customer(seller)
        page = client.get(NEW)
        west, south, east, north = frame_of(page)
        assert west < 0 < 2 < east
        assert (east - west) / (north - south) == pytest.approx(4 / 3, rel=0.01)

        def press(before: Any, longitude: float, latitude: float) -> Any:
            left, bottom, right, top = frame_of(before)
            at = {
                "map.x": (longitude - left) / (right - left) * 320,
                "map.y": (top - latitude) / (top - bottom) * 240,
            }
            return client.post(NEW, {**dict(hidden_fields(before)), "name": "Kept", "address": "", **at})

        closer = press(page, 0.4, 0.2)
        assert float(field(closer, "latitude")) == pytest.approx(0.2, abs=0.001)
        assert float(field(closer, "longitude")) == pytest.approx(0.4, abs=0.001)
        assert field(closer, "name") == "Kept"
        assert "Westford , West , Xland" in text_of(closer)
        assert "The place lies inside the area's border." in text_of(closer)
        closest = press(closer, 0.41, 0.21)
        assert frame_of(closest)[3] - frame_of(closest)[1] < frame_of(closer)[3] - frame_of(closer)[1] < north - south
        wider = client.post(NEW, {**dict(hidden_fields(closest)), "wider": field(closest, "wider")})
        assert frame_of(wider)[3] - frame_of(wider)[1] > frame_of(closest)[3] - frame_of(closest)[1]
        assert not Store.objects.exists()

    @pytest.mark.parametrize(
        ("latitude", "longitude", "code", "said"),
        [
            ("0.75", "0.5", "", "We know no border around this place, only the nearest centre. An operator decides"),
            ("0.5", "0.9999", "", "so close to the border that a metre may decide. An operator decides"),
            ("0.25", "0.5", "21", "The code of the area that you wrote is of another area than the place."),
            ("60", "100", "", "The place lies beside the map of the areas that we know."),
            ("60", "100", "", "We know no area there"),
        ],
    )
    def test_says_plainly_what_an_operator_has_to_decide(
        self, areas: None, seller: Account, customer: Customer, latitude: str, longitude: str, code: str, said: str
    ) -> None:
        typed = {**CORNER, "latitude": latitude, "longitude": longitude, "area_code": code}
        page = send(customer(seller), NEW, **typed, look="on")
        assert said in text_of(page)
        assert not Store.objects.exists()

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"longitude": ""}, "Write both latitude and longitude, or neither."),
            ({"latitude": "91"}, "less than or equal to 90"),
            ({"latitude": "nan"}, "Enter a number."),
            ({"name": ""}, "This field is required."),
        ],
    )
    def test_says_beside_the_field_what_is_wrong(
        self, areas: None, seller: Account, customer: Customer, wrong: dict[str, str], said: str
    ) -> None:
        answer = send(customer(seller), NEW, **{**CORNER, "key": "k", **wrong})
        assert answer.status_code == 422
        assert said in text_of(answer)

    @pytest.mark.parametrize(
        "nonsense",
        [
            {"map.x": "x", "map.y": "1e999", "frame": "a,b"},
            {"map.x": "5", "map.y": "nan", "frame": "1,1,0,0"},
            {"map.x": "5", "map.y": "5", "frame": "nan,nan,nan,nan"},
            {"wider": "-1e9,0,1e9,1"},
            {"look": "on", "latitude": "x", "longitude": "inf"},
        ],
    )
    def test_bears_every_nonsense(
        self, areas: None, seller: Account, customer: Customer, nonsense: dict[str, str]
    ) -> None:
        assert send(customer(seller), NEW, **{**CORNER, **nonsense}).status_code == 200


class TestOwnStores:
    """/sell/stores"""

    def test_are_listed_with_where_they_stand_in_few_statements(
        self, areas: None, seller: Account, customer: Customer, statements: Any
    ) -> None:
        client, seen = customer(seller), []
        for latitude in (0.25, 0.75):
            place(open_store(name="S", latitude=latitude, longitude=0.5, actor=Actor.own(seller), now=clock.now()))
            with statements() as counted:
                page = client.get("/sell/stores")
            seen.append(len(counted))
        assert seen[0] == seen[1] <= 9, str(counted)
        said = text_of(page)
        assert "Settled Westford , West , Xland" in said
        assert "An operator decides Westbury , West , Xland" in said

    def test_are_moved_and_closed_after_a_question(
        self, areas: None, seller: Account, customer: Customer, new_account: Any
    ) -> None:
        store = open_store(name="Corner", actor=Actor.own(seller), now=clock.now())
        path, client, other = f"/sell/stores/{store.public_id}", customer(seller), customer(new_account(side="seller"))
        assert [other.get(path).status_code, other.get(f"{path}/close").status_code] == [404, 404]

        assert send(client, path, **CORNER)["Location"] == path
        store.refresh_from_db()
        assert store.latitude == 0.25

        assert "It is closed for good" in text_of(client.get(f"{path}/close"))
        send(client, f"{path}/close")
        store.refresh_from_db()
        assert store.closed_at is not None
        assert client.get(f"{path}/close")["Location"] == "/sell/stores"
        assert "This store is closed for good." in text_of(client.get(path))


class TestTheMap:
    """/sell/stores/map.svg"""

    def test_draws_borders_names_and_places_and_nothing_from_elsewhere(
        self, areas: None, seller: Account, customer: Customer
    ) -> None:
        client = customer(seller)
        found = re.search(r'src="(/sell/stores/map\.svg[^"]+)"', client.get(NEW).content.decode())
        assert found
        drawn = client.get(found[1].replace("&amp;", "&") + "&place=0.25,0.5&place=x,y&place=80,0")
        svg = drawn.content.decode()
        assert drawn["Content-Type"].startswith("image/svg+xml")
        assert svg.count("<path") == 3
        assert {"Westford", "Eastleigh"} <= set(re.findall(r"<text [^>]*>([^<]+)", svg))
        assert svg.count("<circle") == 1
        assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]
        assert client.get("/sell/stores/map.svg?frame=x").status_code == 404
        assert "frame=" in unquote(found[1])
