from datetime import timedelta
from typing import Any

import pytest

from catalog.models import Item
from core import clock
from events.models import EventRecord
from tests.shop import offer

TEA = {"title": "Tea", "price": {"amount": 1000, "currency": "GBP"}, "kind": "goods"}


class TestOfferingAnItem:
    def test_it_is_on_sale_at_once_and_without_limit(self, api, seller):
        created = api(seller).post("/items", TEA)

        assert created.status_code == 201
        document = created.json()
        assert document["status"] == "on_sale"
        assert document["stock"] is None
        assert document["seller"] == {"id": seller.public_id, "name": seller.name}
        assert api().get(f"/items/{document['id']}").json() == document

    def test_its_first_sale_day_is_an_event_that_says_who_really_did_it(self, api, seller):
        item = api(seller).post("/items", TEA | {"status": "draft"}).json()
        assert not EventRecord.objects.filter(type="item.published").exists()

        api(seller).patch(f"/items/{item['id']}", {"status": "on_sale"})
        api(seller).patch(f"/items/{item['id']}", {"status": "paused"})
        api(seller).patch(f"/items/{item['id']}", {"status": "on_sale"})

        published = EventRecord.objects.get(type="item.published")
        assert published.subject == item["id"]
        assert published.payload["seller"] == published.payload["login_account"] == seller.public_id

    def test_only_sellers_offer(self, api, buyer, operator):
        for account in (buyer, operator):
            assert api(account).post("/items", TEA).json()["code"] == "forbidden"
        assert api().post("/items", TEA).status_code == 401

    @pytest.mark.parametrize(
        ("change", "code", "field"),
        [
            ({"price": {"amount": 0, "currency": "GBP"}}, "amount_invalid", "price.amount"),
            ({"price": {"amount": 1.5, "currency": "GBP"}}, "amount_invalid", "price.amount"),
            ({"price": {"amount": 2**53, "currency": "GBP"}}, "amount_invalid", "price.amount"),
            ({"price": {"amount": 5, "currency": "gbp"}}, "currency_invalid", "price.currency"),
            ({"price": {"amount": 5, "currency": "GBP", "tax": 1}}, "unknown_field", "price.tax"),
            ({"title": "x" * 1_000_000}, "max_length", "title"),
            ({"title": ""}, "blank", "title"),
            ({"title": 5}, "invalid", "title"),
            ({"stock": -1}, "min_value", "stock"),
            ({"stock": True}, "invalid", "stock"),
            ({"stock": "3"}, "invalid", "stock"),
            ({"kind": "animal"}, "invalid_choice", "kind"),
            ({"status": ["draft"]}, "invalid_choice", "status"),
            ({"store": "sto_none"}, "store_unknown", "store"),
            ({"colour": "red"}, "unknown_field", "colour"),
        ],
    )
    def test_a_faulty_field_is_named(self, api, seller, change: dict[str, Any], code: str, field: str):
        refused = api(seller).post("/items", TEA | change)

        assert refused.status_code == 422
        assert refused.json()["code"] == code
        assert [error["field"] for error in refused.json()["errors"]] == [field]

    @pytest.mark.parametrize("title", ["a\0b", "\ud800"])
    def test_text_that_nobody_can_store_is_refused(self, api, seller, title: str):
        refused = api(seller).post("/items", TEA | {"title": title})

        assert refused.status_code in (400, 422)

    def test_a_store_must_be_the_sellers_own_and_open(self, api, seller, new_account):
        own = api(seller).post("/stores", {"name": "Shop"}).json()["id"]
        other = api(new_account(side="seller")).post("/stores", {"name": "Other"}).json()["id"]

        assert api(seller).post("/items", TEA | {"store": own}).json()["store"] == own
        assert api(seller).post("/items", TEA | {"store": other}).json()["code"] == "store_unknown"
        api(seller).post(f"/stores/{own}/close")
        assert api(seller).post("/items", TEA | {"store": own}).json()["code"] == "store_closed"


class TestChangingAnItem:
    def test_only_what_is_named_changes(self, api, seller, item):
        changed = api(seller).patch(f"/items/{item.public_id}", {"price": {"amount": 5, "currency": "JPY"}, "stock": 7})

        assert changed.status_code == 200
        assert changed.json()["price"] == {"amount": 5, "currency": "JPY"}
        assert (changed.json()["stock"], changed.json()["title"]) == (7, "Tea")
        assert api(seller).patch(f"/items/{item.public_id}", {"stock": None}).json()["stock"] is None

    def test_somebody_elses_item_is_not_there(self, api, new_account, item):
        stranger = api(new_account(side="seller"))

        assert stranger.patch(f"/items/{item.public_id}", {"title": "Mine"}).status_code == 404
        assert stranger.patch(f"/items/{item.public_id}", {"title": ""}).status_code == 404
        assert stranger.patch("/items/itm_none", {"title": "Mine"}).status_code == 404

    def test_it_is_found_by_its_new_title(self, api, seller, item):
        api(seller).patch(f"/items/{item.public_id}", {"title": "Coffee"})

        assert [found["id"] for found in api().get("/items", {"search": "coffee"}).json()["results"]] == [
            item.public_id
        ]
        assert api().get("/items", {"search": "tea"}).json()["results"] == []


class TestWhoSeesAnItem:
    @pytest.mark.parametrize(
        ("status", "is_listed", "is_shown"),
        [("on_sale", True, True), ("paused", False, True), ("draft", False, False), ("removed", False, False)],
    )
    def test_others_see_what_is_or_was_on_sale(
        self, api, buyer, new_item, status: str, is_listed: bool, is_shown: bool
    ):
        item = new_item(status=status)

        for caller in (api(), api(buyer)):
            assert (caller.get(f"/items/{item.public_id}").status_code == 200) is is_shown
            assert bool(caller.get("/items").json()["results"]) is is_listed

    def test_the_seller_sees_all_its_own(self, api, seller, new_item):
        items = {new_item(status=status).public_id for status in Item.Status.values}

        found = api(seller).get("/items", {"seller": seller.public_id}).json()["results"]

        assert {item["id"] for item in found} == items
        assert all(api(seller).get(f"/items/{item}").status_code == 200 for item in items)

    def test_an_operator_sees_any_item(self, api, operator, new_item):
        assert api(operator).get(f"/items/{new_item(status='draft').public_id}").status_code == 200


class TestListingItems:
    @pytest.fixture
    def prices(self, seller) -> list[int]:
        """Two at the same price, so that a cursor has to tell them apart."""
        prices = [300, 100, 200, 200, 500]
        for minor in prices:
            offer(seller, price_minor=minor)
        return prices

    def read(self, api: Any, **query: Any) -> list[int]:
        """All pages, two items each."""
        cursor, found = None, []
        while True:
            page = api().get("/items", {"limit": 2, **query, **({"cursor": cursor} if cursor else {})})
            assert page.status_code == 200, page.content
            found += [(item["price"]["amount"], item["id"]) for item in page.json()["results"]]
            cursor = page.json()["next"]
            if cursor is None:
                assert len({id_ for _price, id_ in found}) == len(found)
                return [price for price, _id in found]

    def test_newest_first_unless_said(self, api, prices):
        assert self.read(api) == prices[::-1]

    def test_by_price_both_ways_page_by_page(self, api, prices):
        assert self.read(api, sort="price") == sorted(prices)
        assert self.read(api, sort="-price") == sorted(prices, reverse=True)

    def test_by_seller(self, api, prices, seller, new_account):
        offer(new_account(side="seller"), price_minor=999)

        assert self.read(api, seller=seller.public_id, sort="price") == sorted(prices)
        assert self.read(api, seller="acc_none") == []

    @pytest.mark.parametrize(
        "query", [{"sort": "name"}, {"limit": "0"}, {"limit": "x"}, {"cursor": "absurd"}, {"search": "x" * 201}]
    )
    def test_absurd_questions_are_refused(self, api, prices, query):
        assert api().get("/items", query).status_code == 422

    def test_a_cursor_of_another_order_is_refused(self, api, prices):
        cursor = api().get("/items", {"limit": 1, "sort": "price"}).json()["next"]

        assert api().get("/items", {"cursor": cursor}).json()["code"] == "cursor_invalid"

    def test_one_statement_reads_a_page(self, api, prices, statements):
        with statements() as seen:
            api().get("/items", {"search": "tea"})

        assert len(seen) == 1, str(seen)


def test_an_items_times_are_the_houses(seller):
    item = offer(seller)

    assert abs(item.created_at - clock.now()) < timedelta(minutes=1)
    assert item.published_at == item.created_at
