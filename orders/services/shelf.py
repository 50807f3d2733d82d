"""Goods of an order that will not be handed over go back on the shelf."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from django.db.models import F

from catalog.services import lock_stock, put_back_stock
from orders.models import OrderLine


def lock_shelf(*, orders: Collection[str]) -> None:
    """Lock the items that orders (public ids) took from stock; to be called before locking the orders."""
    taken = OrderLine.objects.filter(order__public_id__in=orders, stock_taken__gt=F("restocked"))
    lock_stock(items=set(taken.values_list("item_id", flat=True)))


def put_back(*, orders: Collection[int]) -> None:
    """Put back what locked orders (keys) took from stock and refunds have not put back yet."""
    lines = OrderLine.objects.filter(order_id__in=orders, stock_taken__gt=F("restocked"))
    units = _units_by_item(list(lines))
    if units:
        lines.update(restocked=F("stock_taken"))
        put_back_stock(units_by_item=units)


def _units_by_item(lines: Sequence[OrderLine]) -> dict[int, int]:
    units: dict[int, int] = defaultdict(int)
    for line in lines:
        assert line.item_id is not None
        units[line.item_id] += line.stock_taken - line.restocked
    return units
