"""The book check finds whatever does not add up, and says which."""

from typing import Any

import pytest
from django.db import connection

from core.registry import book_checks
from orders import book_check
from orders.book_check import check_orders
from orders.models import Checkout, Order, OrderLine, RefundLine
from tests.shop import offer, paid_order, place
from wallets.models import Earning


@pytest.fixture
def sale(api, buyer, seller) -> Order:
    """Paid 20.00 + 5.00 GBP, 7.00 refunded."""
    order = paid_order(buyer, (offer(seller), 2), offer(seller, price_minor=500))
    body = {"amount": 700, "reason": "x"}
    assert api(seller).post(f"/orders/{order.public_id}/refunds", body, key="r").status_code == 201
    return order


def without_trigger(table: str) -> None:
    """Break into rows that are written once, as no service can; the test is rolled back."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")


def found() -> list[str]:
    return [finding.detail.split(":")[0] for finding in check_orders()]


class TestTheCheck:
    def test_is_registered(self):
        assert "orders" in [check.name for check in book_checks()]

    def test_finds_nothing_where_all_is_right(self, sale, pending):
        assert found() == []

    @pytest.mark.parametrize(
        ("rows", "change", "details"),
        [
            (OrderLine, {"fee_minor": 3}, ["fee is the sum of its lines' fees", "the fee's part of its refunds"]),
            (Order, {"fee_minor": 124}, ["fee is the sum of its lines' fees", "paid is the seller's part and the fee"]),
            (Order, {"refunded_minor": 699}, ["refunded is the sum over its lines"]),
            (Order, {"fee_refunded_minor": 34}, ["fee given back is the sum over its refunds' lines"]),
            (Earning, {"original_minor": 2374}, ["paid is the seller's part and the fee"]),
            (Earning, {"reversed_minor": 1}, ["refunded is what seller and platform gave back"]),
            (RefundLine, {"fee_minor": 1}, ["the fee's part of its refunds"]),
            (
                RefundLine,
                {"amount_minor": 100},
                ["amount is the sum of its lines", "refunded is the sum of its refunds"],
            ),
            (Checkout, {"total_minor": 2501}, ["total is the sum of its orders"]),
        ],
    )
    def test_finds_what_does_not_add_up(self, sale, rows: Any, change: dict, details: list[str]):
        without_trigger(rows._meta.db_table)
        first = rows.objects.order_by("id").first()
        rows.objects.filter(id=first.id).update(**change)

        assert set(details) <= set(found())

    def test_goes_in_chunks(self, buyer, item, sale, monkeypatch):
        monkeypatch.setattr(book_check, "KEYS_AT_ONCE", 2)
        for _ in range(5):
            place(buyer, item)
        Order.objects.filter(status="pending").update(total_minor=999)

        assert found().count("total is the sum of its lines") == 5
