"""Stock cannot be oversold, whoever takes it at the same moment."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from catalog.errors import OutOfStock
from catalog.models import Item
from catalog.services import put_back_stock, take_stock
from tests.shop import offer


def left(item: Item) -> int | None:
    return Item.objects.get(id=item.id).stock


class TestTakingStock:
    def test_all_or_nothing(self, new_item):
        many, few = new_item(stock=10), new_item(stock=1)

        with pytest.raises(OutOfStock) as refused, transaction.atomic():
            take_stock(units_by_item={many.id: 3, few.id: 2})

        assert refused.value.extra["items"] == [few.public_id]
        assert (left(many), left(few)) == (10, 1)

    def test_the_last_unit_can_be_taken(self, new_item):
        item = new_item(stock=2)

        take_stock(units_by_item={item.id: 2})

        assert left(item) == 0

    def test_of_unlimited_items_there_is_always_more(self, item):
        take_stock(units_by_item={item.id: 1_000_000})
        put_back_stock(units_by_item={item.id: 5})

        assert left(item) is None

    def test_the_database_itself_refuses_to_go_below_zero(self, new_item):
        item = new_item(stock=1)

        with pytest.raises(IntegrityError, match="item_not_oversold"), transaction.atomic():
            Item.objects.filter(id=item.id).update(stock=-1)


class TestTheLastUnit:
    def test_is_taken_once(self, committed_db, seller, race):
        item = offer(seller, stock=1)

        outcomes = race(*[lambda: take_stock(units_by_item={item.id: 1})] * 4)

        assert [type(outcome) for outcome in outcomes if outcome] == [OutOfStock] * 3
        assert left(item) == 0

    def test_looking_first_and_taking_then_would_sell_it_twice(self, committed_db, seller, race):
        """The control: the same race with a look before the leap, and without the CHECK."""
        item = offer(seller, stock=1)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE catalog_item DROP CONSTRAINT item_not_oversold")
        looked = threading.Barrier(2)

        def take() -> str:
            if Item.objects.get(id=item.id).stock < 1:
                return "out of stock"
            looked.wait(timeout=30)
            with connection.cursor() as cursor:
                cursor.execute("UPDATE catalog_item SET stock = stock - 1 WHERE id = %s", [item.id])
            return "taken"

        assert race(take, take) == ["taken", "taken"]
        assert left(item) == -1

    def test_two_baskets_in_opposite_order_do_not_lock_each_other_up(self, committed_db, seller, race):
        one, other = offer(seller, stock=1000), offer(seller, stock=1000)

        def take(*items: Item) -> None:
            for _ in range(50):
                take_stock(units_by_item={item.id: 1 for item in items})

        assert race(lambda: take(one, other), lambda: take(other, one)) == [None, None]
        assert (left(one), left(other)) == (900, 900)
