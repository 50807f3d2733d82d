"""Operators' pages: nothing of money is written there, and no page asks the database once per row."""

from typing import Any

import pytest
from django.test import Client

from catalog.models import FeeSchedule
from core.admin import shown_money
from tests.shop import offer, paid_order, place

PAGES = [
    "catalog/store",
    "catalog/item",
    "catalog/feeschedule",
    "orders/checkout",
    "orders/order",
    "orders/refund",
    "orders/refundrequest",
    "orders/providerpayment",
]


@pytest.fixture
def client_of(operator, browser) -> Client:
    return browser(operator)


@pytest.fixture
def world(api, buyer, seller) -> Any:
    api(seller).post("/stores", {"name": "Shop"})
    for number in range(3):
        order = paid_order(buyer, offer(seller))
        api(seller).post(f"/orders/{order.public_id}/refunds", {"amount": 5, "reason": "x"}, key=str(number))
        api(buyer).post(f"/orders/{order.public_id}/refund-requests", {"reason": "x"})
    return order


class TestTheOperatorsPages:
    @pytest.mark.parametrize("page", PAGES)
    def test_list_without_a_statement_per_row(self, client_of, world, buyer, seller, statements, page: str):
        client_of.get(f"/admin/{page}/")
        with statements() as few:
            assert client_of.get(f"/admin/{page}/").status_code == 200
        for _ in range(5):
            place(buyer, offer(seller))

        with statements() as many:
            client_of.get(f"/admin/{page}/")

        assert len(many) == len(few), str(many)

    @pytest.mark.parametrize("page", PAGES)
    def test_add_nothing(self, client_of, world, page: str):
        assert client_of.get(f"/admin/{page}/add/").status_code == 403

    def test_find_an_order_by_its_id_its_beginning_and_its_trade_number(self, client_of, world):
        for term in (world.public_id, world.public_id[:12], world.trade_no):
            assert world.public_id in client_of.get("/admin/orders/order/", {"q": term}).content.decode()
        assert world.public_id not in client_of.get("/admin/orders/order/", {"q": "ord_none"}).content.decode()

    def test_find_an_item_as_buyers_do(self, client_of, seller):
        item = offer(seller, title="蓝牙无线耳机")

        for term in ("耳机", item.public_id[:14]):
            assert item.public_id in client_of.get("/admin/catalog/item/", {"q": term}).content.decode()

    def test_show_an_order_with_its_lines_and_no_way_to_change_them(self, client_of, world):
        page = client_of.get(f"/admin/orders/order/{world.id}/change/")

        assert page.status_code == 200
        assert "Tea" in page.content.decode()
        assert 'name="_save"' not in page.content.decode()
        assert client_of.post(f"/admin/orders/order/{world.id}/change/", {"paid_minor": 1}).status_code == 403
        assert client_of.post(f"/admin/orders/order/{world.id}/delete/", {"post": "yes"}).status_code == 403

    def test_show_the_rules_of_a_fee_schedule(self, client_of, db):
        schedule = FeeSchedule.objects.get()

        page = client_of.get(f"/admin/catalog/feeschedule/{schedule.id}/change/").content.decode()

        assert "every sale" in page
        assert "5 %" in page

    def test_write_amounts_as_money_and_ids_as_they_are(self, client_of, world):
        page = client_of.get(f"/admin/orders/order/{world.id}/change/").content.decode()

        assert shown_money(world.total_minor, world.currency) in page
        assert world.public_id in page
        assert world.public_id.capitalize() not in page
