from typing import Any

import pytest

from catalog.models import Item
from orders.models import Checkout, Order
from tests.shop import offer, place


def order_body(*wanted: Any) -> dict[str, Any]:
    pairs = [one if isinstance(one, tuple) else (one, 1) for one in wanted]
    return {"lines": [{"item": getattr(item, "public_id", item), "quantity": quantity} for item, quantity in pairs]}


class TestPlacing:
    def test_makes_one_order_per_seller_in_the_order_of_the_lines(self, api, buyer, seller, other_seller):
        tea, cup = offer(seller, price_minor=300), offer(other_seller, title="Cup", price_minor=700)
        pot = offer(seller, title="Pot", price_minor=1999)

        placed = api(buyer).post("/orders", order_body((tea, 2), cup, pot), key="k")

        assert placed.status_code == 201
        checkout = placed.json()
        assert (checkout["total"], checkout["payable"], checkout["currency"]) == (3299, 3299, "GBP")
        assert [order["seller"]["id"] for order in checkout["orders"]] == [seller.public_id, other_seller.public_id]
        assert [order["total"] for order in checkout["orders"]] == [2599, 700]
        assert [line["amount"] for line in checkout["orders"][0]["lines"]] == [600, 1999]
        assert api(buyer).get(f"/checkouts/{checkout['id']}").json() == checkout

    def test_fixes_title_price_and_fee(self, api, seller, buyer, item):
        order = place(buyer, item).orders[0]
        api(seller).patch(f"/items/{item.public_id}", {"title": "Coffee", "price": {"amount": 1, "currency": "EUR"}})

        shown = api(seller).get(f"/orders/{order.public_id}").json()

        assert (shown["total"], shown["fee"], shown["currency"]) == (1000, 50, "GBP")
        assert (shown["lines"][0]["title"], shown["lines"][0]["fee"]) == ("Tea", 50)

    def test_takes_stock_and_refuses_what_is_not_there(self, api, buyer, seller):
        item = offer(seller, stock=3)

        assert api(buyer).post("/orders", order_body((item, 2)), key="a").status_code == 201
        refused = api(buyer).post("/orders", order_body((item, 1), (item, 1)), key="b")

        assert (refused.status_code, refused.json()["code"]) == (409, "out_of_stock")
        assert refused.json()["items"] == [item.public_id]
        assert Item.objects.get(id=item.id).stock == 1
        assert Order.objects.count() == Checkout.objects.count() == 1

    def test_knows_no_drafts_because_only_their_seller_sees_them(self, api, buyer, seller):
        refused = api(buyer).post("/orders", order_body(offer(seller, status="draft")), key="k")

        assert (refused.status_code, refused.json()["code"]) == (422, "item_unknown")

    @pytest.mark.parametrize("status", ["paused", "removed"])
    def test_refuses_what_is_not_on_sale(self, api, buyer, seller, status: str):
        item = offer(seller, status=status)

        refused = api(buyer).post("/orders", order_body(item), key="k")

        assert (refused.status_code, refused.json()["code"]) == (409, "item_not_on_sale")

    def test_names_the_fields_of_unknown_items(self, api, buyer, item):
        refused = api(buyer).post("/orders", order_body(item, "itm_none", "x"), key="k")

        assert (refused.status_code, refused.json()["code"]) == (422, "item_unknown")
        assert [error["field"] for error in refused.json()["errors"]] == ["lines.1.item", "lines.2.item"]

    def test_refuses_two_currencies(self, api, buyer, seller, item):
        refused = api(buyer).post("/orders", order_body(item, offer(seller, currency="EUR")), key="k")

        assert (refused.status_code, refused.json()["code"]) == (422, "mixed_currencies")

    def test_refuses_a_total_that_no_client_can_read(self, api, buyer, seller):
        dear = offer(seller, price_minor=2**52)

        for body in (order_body((dear, 2)), order_body(dear, dear)):
            refused = api(buyer).post("/orders", body, key="k")
            assert (refused.status_code, refused.json()["code"]) == (422, "amount_too_large")
        assert api(buyer).post("/orders", order_body(dear), key="k").status_code == 201

    def test_is_for_buyers_with_a_key(self, api, buyer, seller, operator, item):
        assert api(buyer).post("/orders", order_body(item)).json()["code"] == "idempotency_key_required"
        for account in (seller, operator):
            assert api(account).post("/orders", order_body(item), key="k").json()["code"] == "forbidden"
        assert api().post("/orders", order_body(item), key="k").status_code == 401

    def test_under_one_key_happens_once(self, api, buyer, item):
        caller = api(buyer)
        first = caller.post("/orders", order_body(item), key="k")
        again = caller.post("/orders", order_body(item), key="k")

        assert again.json() == first.json()
        assert again.headers["Idempotent-Replayed"] == "true"
        assert caller.post("/orders", order_body((item, 2)), key="k").json()["code"] == "idempotency_key_reused"
        assert Order.objects.count() == 1

    @pytest.mark.parametrize(
        "scans", [{"scan": "garbage"}, {"scan": ""}, {"scan": None}, {"scan": "x" * 10_000}, {"scans": ["", "?", None]}]
    )
    def test_a_scan_that_cannot_be_used_never_refuses_an_order(self, api, buyer, item, scans: dict):
        assert api(buyer).post("/orders", order_body(item) | scans, key="k").status_code == 201

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "required"),
            ({"lines": []}, "min_length"),
            ({"lines": [{"item": "itm_x", "quantity": 0}]}, "min_value"),
            ({"lines": [{"item": "itm_x", "quantity": 1.0}]}, "invalid"),
            ({"lines": [{"item": "itm_x", "quantity": 2**31}]}, "max_value"),
            ({"lines": [{"item": "itm_x", "quantity": 1, "price": 1}]}, "unknown_field"),
            ({"lines": ["itm_x"]}, "invalid"),
            ({"lines": {"item": "itm_x"}}, "not_a_list"),
            ({"lines": [{"item": "itm_x", "quantity": 1}] * 2001}, "max_length"),
        ],
    )
    def test_faulty_bodies_are_refused(self, api, buyer, body: dict, code: str):
        refused = api(buyer).post("/orders", body, key="k")

        assert (refused.status_code, refused.json()["code"]) == (422, code)

    @pytest.mark.parametrize(("currency", "minor", "fee"), [("JPY", 1999, 99), ("KWD", 1001, 50), ("GBP", 1, 0)])
    def test_currencies_of_any_number_of_digits(self, buyer, seller, currency: str, minor: int, fee: int):
        order = place(buyer, offer(seller, price_minor=minor, currency=currency)).orders[0]

        assert (order.total_minor, order.fee_minor, order.currency) == (minor, fee, currency)


def test_a_basket_of_a_thousand_lines_is_placed_with_as_many_statements_as_one(buyer, seller, statements):
    items = [offer(seller, title=f"Item {number}") for number in range(20)]
    place(buyer, items[0])

    with statements() as seen:
        placed = place(buyer, *items * 50)

    assert len(seen) <= 9, str(seen)
    assert len(placed.lines[placed.orders[0].id]) == 1000
