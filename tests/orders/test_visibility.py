"""Who sees which orders, and what of them."""

from typing import Any

import pytest

from tests.shop import offer, paid_order, place


@pytest.fixture
def sale(buyer, item) -> Any:
    return paid_order(buyer, item)


class TestAnOrder:
    def test_has_the_contracts_fields(self, api, buyer, seller, sale, item):
        shown = api(buyer).get(f"/orders/{sale.public_id}").json()

        line = sale.lines.get()
        assert {name: shown[name] for name in ("id", "trade_no", "checkout", "channel", "status", "currency")} == {
            "id": sale.public_id,
            "trade_no": sale.trade_no,
            "checkout": sale.checkout.public_id,
            "channel": "online",
            "status": "paid",
            "currency": "GBP",
        }
        assert (shown["total"], shown["paid"], shown["refunded"]) == (1000, 1000, 0)
        assert shown["buyer"] == {"id": buyer.public_id, "name": buyer.name}
        assert shown["seller"] == {"id": seller.public_id, "name": seller.name}
        assert shown["lines"] == [
            {
                "id": line.public_id,
                "item": item.public_id,
                "title": "Tea",
                "quantity": 1,
                "unit_amount": 1000,
                "amount": 1000,
                "refunded": 0,
            }
        ]

    def test_shows_its_fee_to_the_seller_and_operators_only(self, api, buyer, seller, operator, sale):
        for account, sees in ((buyer, False), (seller, True), (operator, True)):
            shown = api(account).get(f"/orders/{sale.public_id}").json()
            assert ("fee" in shown) is ("fee" in shown["lines"][0]) is sees

    def test_is_not_there_for_others(self, api, new_account, sale):
        for side in ("buyer", "seller"):
            assert api(new_account(side=side)).get(f"/orders/{sale.public_id}").status_code == 404
        assert api().get(f"/orders/{sale.public_id}").status_code == 401
        assert api(sale.buyer).get("/orders/ord_none").status_code == 404

    def test_has_a_number_nobody_can_guess(self, buyer, item):
        numbers = {place(buyer, item).orders[0].trade_no for _ in range(50)}

        assert len({number[:8] for number in numbers}) == 50
        assert {len(number) for number in numbers} == {26}


class TestOwnOrders:
    @pytest.fixture
    def orders(self, buyer, seller, other_seller, new_account, item) -> dict[str, str]:
        return {
            "mine": paid_order(buyer, item).public_id,
            "pending": place(buyer, offer(other_seller)).orders[0].public_id,
            "anothers": paid_order(new_account(), item).public_id,
        }

    def read(self, api: Any, account: Any, **query: str) -> list[str]:
        listed = api(account).get("/orders", query)
        assert listed.status_code == 200
        return [order["id"] for order in listed.json()["results"]]

    def test_are_those_of_the_own_side(self, api, buyer, seller, operator, orders):
        assert self.read(api, buyer) == [orders["pending"], orders["mine"]]
        assert self.read(api, seller) == [orders["anothers"], orders["mine"]]
        assert self.read(api, operator) == [orders["anothers"], orders["pending"], orders["mine"]]

    def test_are_listed_by_role_and_status(self, api, buyer, seller, orders):
        assert self.read(api, buyer, role="buyer", status="pending") == [orders["pending"]]
        assert self.read(api, buyer, role="seller") == []
        assert self.read(api, seller, role="seller", status="paid") == [orders["anothers"], orders["mine"]]
        assert api(buyer).get("/orders", {"role": "king"}).status_code == 422
        assert api(buyer).get("/orders", {"status": "king"}).status_code == 422

    def test_come_page_by_page(self, api, seller, orders):
        first = api(seller).get("/orders", {"limit": 1}).json()
        second = api(seller).get("/orders", {"limit": 1, "cursor": first["next"]}).json()

        assert [first["results"][0]["id"], second["results"][0]["id"]] == [orders["anothers"], orders["mine"]]
        assert second["next"] is None

    def test_take_as_many_statements_for_many_as_for_one(self, api, seller, orders, statements):
        caller = api(seller)

        with statements() as seen:
            caller.get("/orders")

        assert len(seen) <= 4, str(seen)
