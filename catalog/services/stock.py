"""
Stock, which cannot be oversold: one conditional UPDATE takes it, and a CHECK stands behind it.

Items come first in the house's lock order, always by id, whatever the order of the lines that want them.
"""

from collections.abc import Collection, Mapping

from django.db import connection

from catalog.errors import OutOfStock
from catalog.models import Item

# The inner SELECT locks in the order of ids; the outer UPDATE then looks at the rows as they are.
_TAKE = """
WITH wanted AS (
    SELECT i.id, w.units FROM catalog_item i JOIN unnest(%s::bigint[], %s::bigint[]) AS w(id, units) ON w.id = i.id
    ORDER BY i.id FOR NO KEY UPDATE OF i
)
UPDATE catalog_item i SET stock = i.stock - wanted.units
FROM wanted WHERE i.id = wanted.id AND (i.stock IS NULL OR i.stock >= wanted.units)
RETURNING i.id
"""

_PUT_BACK = """
WITH given AS (
    SELECT i.id, g.units FROM catalog_item i JOIN unnest(%s::bigint[], %s::bigint[]) AS g(id, units) ON g.id = i.id
    ORDER BY i.id FOR NO KEY UPDATE OF i
)
UPDATE catalog_item i SET stock = i.stock + given.units FROM given WHERE i.id = given.id
"""


def take_stock(*, units_by_item: Mapping[int, int]) -> None:
    """
    Take units of items (by key) from stock, all or none; of unlimited items there are always enough.

    :raises OutOfStock: of one of them there are not as many left.
    """
    if not units_by_item:
        return
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [list(units_by_item.keys()), list(units_by_item.values())])
        taken = {item_id for (item_id,) in cursor.fetchall()}
    missing = units_by_item.keys() - taken
    if missing:
        raise OutOfStock(
            items=list(Item.objects.filter(id__in=missing).order_by("id").values_list("public_id", flat=True))
        )


def put_back_stock(*, units_by_item: Mapping[int, int]) -> None:
    """Put units of items (by key) back; where stock has become unlimited it stays so."""
    units = {item_id: units for item_id, units in units_by_item.items() if units}
    if units:
        with connection.cursor() as cursor:
            cursor.execute(_PUT_BACK, [list(units.keys()), list(units.values())])


def lock_stock(*, items: Collection[int]) -> None:
    """Lock items (by key) before an order, for a caller that may put stock back once it has seen the order."""
    if items:
        locked = Item.objects.select_for_update(no_key=True).filter(id__in=items)
        list(locked.order_by("id").values_list("id", flat=True))
