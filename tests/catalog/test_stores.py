from typing import Any

import pytest
from django.db import IntegrityError, transaction

from catalog import placement
from catalog.models import Store
from events.models import EventRecord


@pytest.fixture
def store(api, seller) -> dict[str, Any]:
    return api(seller).post("/stores", {"name": "Shop", "latitude": 53.4, "longitude": -2.99}).json()


def said(store: dict[str, Any]) -> list[str]:
    return list(EventRecord.objects.filter(subject=store["id"]).order_by("id").values_list("type", flat=True))


class TestAStore:
    def test_is_opened_by_a_seller_and_shown_to_all(self, api, seller, store):
        assert store["seller"] == {"id": seller.public_id, "name": seller.name}
        assert store["placement"] is None
        assert api().get(f"/stores/{store['id']}").json() == store
        assert api().get("/stores", {"seller": seller.public_id}).json()["results"] == [store]
        assert said(store) == ["store.opened"]
        assert api().get("/stores/sto_none").status_code == 404

    def test_events_hold_public_ids_only(self, store):
        payload = EventRecord.objects.get(subject=store["id"]).payload

        assert set(payload) == {"store", "seller"}

    def test_only_a_new_place_is_a_move(self, api, seller, store):
        changed = api(seller).patch(f"/stores/{store['id']}", {"name": "New", "latitude": 53.4, "longitude": -2.99})
        moved = api(seller).patch(f"/stores/{store['id']}", {"latitude": 51.5, "longitude": 0})
        api(seller).patch(f"/stores/{store['id']}", {"area_code": "GB-LND"})

        assert (changed.json()["name"], moved.json()["latitude"]) == ("New", 51.5)
        assert said(store) == ["store.opened", "store.moved", "store.moved"]

    def test_is_closed_for_good(self, api, seller, store):
        closed = api(seller).post(f"/stores/{store['id']}/close")

        assert closed.json()["closed_at"] is not None
        assert api(seller).post(f"/stores/{store['id']}/close").json()["code"] == "store_closed"
        assert api(seller).patch(f"/stores/{store['id']}", {"name": "x"}).json()["code"] == "store_closed"
        assert api().get("/stores").json()["results"] == []
        assert len(api(seller).get("/stores", {"seller": seller.public_id}).json()["results"]) == 1
        assert api().get(f"/stores/{store['id']}").status_code == 200
        assert said(store) == ["store.opened", "store.closed"]

    def test_belongs_to_its_seller(self, api, new_account, buyer, store):
        stranger = api(new_account(side="seller"))

        assert stranger.patch(f"/stores/{store['id']}", {"name": "x"}).status_code == 404
        assert stranger.post(f"/stores/{store['id']}/close").status_code == 404
        assert api(buyer).post("/stores", {"name": "x"}).status_code == 403

    @pytest.mark.parametrize(
        ("place", "code"),
        [
            ({"latitude": 91, "longitude": 0}, "max_value"),
            ({"latitude": 0, "longitude": -180.1}, "min_value"),
            ({"latitude": "53", "longitude": 0}, "invalid"),
            ({"latitude": True, "longitude": 0}, "invalid"),
            ({"latitude": 1e308, "longitude": 0}, "invalid"),
            ({"latitude": 53.4}, "coordinates_incomplete"),
        ],
    )
    def test_stands_somewhere_on_earth(self, api, seller, place: dict, code: str):
        refused = api(seller).post("/stores", {"name": "x", **place})

        assert (refused.status_code, refused.json()["code"]) == (422, code)

    def test_the_database_itself_refuses_half_a_place(self, api, store):
        with pytest.raises(IntegrityError, match="store_has_both_coordinates"), transaction.atomic():
            Store.objects.filter(public_id=store["id"]).update(latitude=None)


class TestTrustedProviders:
    def test_are_an_operators_decision(self, api, operator, seller, store):
        path = f"/stores/{store['id']}/trusted-providers"

        trusted = api(operator).put(path, {"providers": ["demo-id", "alipay", "demo-id"]})

        assert trusted.json()["trusted_providers"] == ["alipay", "demo-id"]
        assert api(seller).put(path, {"providers": []}).status_code == 403
        assert api(operator).put("/stores/sto_none/trusted-providers", {"providers": []}).status_code == 404
        assert api(operator).put(path, {"providers": "demo-id"}).json()["code"] == "not_a_list"


class TestThePlacementSeam:
    def test_a_higher_room_says_where_stores_are(self, api, store, monkeypatch):
        placed = {"area": "350200", "evidence": "polygon", "rule_number": "R"}
        monkeypatch.setattr(placement, "_find", [lambda stores: dict.fromkeys(stores, placed)])

        assert api().get(f"/stores/{store['id']}").json()["placement"] == placed
