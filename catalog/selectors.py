"""What other rooms and the API read of the catalogue."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import F, Q, QuerySet

from accounts.models import Account
from accounts.references import NAMED_BY
from catalog.fees import FeeTable, compile_fees
from catalog.models import FeeSchedule, Item, ItemPicture, Store
from core.errors import NotFound
from core.prepared import Columns, Prepared

Row = TypeVar("Row")

SORTS = {"newest": ("-id",), "price": ("price_minor", "id"), "-price": ("-price_minor", "-id")}
SHOWN_TO_ALL = (Item.Status.ON_SALE, Item.Status.PAUSED)

_SOLD_BY = (
    "id",
    "public_id",
    "seller",
    "store",
    "title",
    "category",
    "kind",
    "price_minor",
    "currency",
    "stock",
    "status",
)

_ITEM = Columns(Item, "i", *_SOLD_BY)
_SELLER = Columns(Account, "a", *NAMED_BY)
_ITEMS_BY_ID = Prepared(
    "items_by_id",
    f"""
    SELECT {_ITEM}, {_SELLER} FROM catalog_item i JOIN accounts_account a ON a.id = i.seller_id
    WHERE i.public_id = ANY(%(public_ids)s::text[])
    """,  # noqa: S608 - names of columns
)
_IN_FORCE = """
SELECT public_id FROM catalog_feeschedule
WHERE status = 'active' AND (effective_from IS NULL OR effective_from <= %(at)s)
ORDER BY effective_from DESC NULLS LAST LIMIT 1
"""
_FEES_IN_FORCE = Prepared("fees_in_force", _IN_FORCE)
_ITEMS_AND_FEES = Prepared(
    "items_and_fees",
    f"""
    SELECT ({_IN_FORCE}), {_ITEM}, {_SELLER}
    FROM catalog_item i JOIN accounts_account a ON a.id = i.seller_id
    WHERE i.public_id = ANY(%(public_ids)s::text[])
    """,  # noqa: S608 - names of columns
)

_compiled: dict[str, FeeTable] = {}  # Active versions never change (trigger): none of them goes stale.


def stores_of(seller: str | None, *, visible_to: Account | None) -> QuerySet[Store]:
    """Return open stores, of one seller (public id) or of all; the seller also sees its closed ones."""
    stores = Store.objects.select_related("seller")
    if seller is not None:
        stores = stores.filter(seller_id=_key_of(seller))
    if visible_to is not None and seller == visible_to.public_id:
        return stores
    return stores.filter(closed_at=None)


def get_store(public_id: str) -> Store:
    """
    Return a store, also a closed one.

    :raises NotFound: there is none of this id.
    """
    return _found(Store.objects.select_related("seller").filter(public_id=public_id).first())


def stores_by_id(public_ids: Iterable[str]) -> dict[str, Store]:
    """Return the stores of these public ids, closed ones as well, by public id."""
    return {store.public_id: store for store in Store.objects.filter(public_id__in=set(public_ids))}


def get_own_store(public_id: str, *, seller: Account) -> Store:
    """
    Return a store of this seller.

    :raises NotFound: the seller has none of this id.
    """
    return _found(Store.objects.filter(public_id=public_id, seller=seller).first())


def sellers_of(public_id: str) -> set[int]:
    """Return the key of the seller of an item or a store, by its public id; none where there is neither."""
    kind: type[Item] | type[Store] = Store if public_id.startswith("sto_") else Item
    return set(kind.objects.filter(public_id=public_id).values_list("seller", flat=True))


def items_for(seller: str | None, *, visible_to: Account | None) -> QuerySet[Item]:
    """Return items on sale, of one seller (public id) or of all; the seller sees all its own."""
    items = Item.objects.select_related("seller", "store")
    if seller is not None:
        items = items.filter(seller_id=_key_of(seller))
    if visible_to is not None and seller == visible_to.public_id:
        return items
    return items.filter(status=Item.Status.ON_SALE)


def get_item(public_id: str, *, visible_to: Account | None) -> Item:
    """
    Return an item. Drafts and removed items are there for their seller and operators only.

    :raises NotFound: there is none of this id that the account may see.
    """
    item = Item.objects.select_related("seller", "store").filter(public_id=public_id).first()
    return _found(item if item is not None and is_shown_to(item, visible_to) else None)


def is_shown_to(item: Item, account: Account | None) -> bool:
    """Whether an account, or somebody who is logged in as none, may see an item."""
    if item.status in SHOWN_TO_ALL:
        return True
    return account is not None and (account.is_staff or item.seller_id == account.pk)


def other_items(item: Item) -> list[Item]:
    """Return a few things that the seller of an item has on sale beside it, the newest first; in one statement."""
    others = Item.objects.filter(seller=item.seller_id, seller__is_active=True, status=Item.Status.ON_SALE)
    return list(others.exclude(pk=item.pk).defer("description").order_by("-id")[: settings.OTHER_ITEMS_SHOWN])


def get_own_item(public_id: str, *, seller: Account) -> Item:
    """
    Return an item of this seller, whatever its status.

    :raises NotFound: the seller has none of this id.
    """
    return _found(Item.objects.filter(public_id=public_id, seller=seller).first())


def items_sold_at(store: Store) -> QuerySet[Item]:
    """Return what an own store sells: what its seller has on sale and what is no other store's."""
    sold = Item.objects.filter(Q(store=None) | Q(store=store), seller=store.seller_id, status=Item.Status.ON_SALE)
    return sold.defer("description", "words")


def pictures_of(item: Item) -> list[ItemPicture]:
    """Return the pictures of an item in their order; no statement where it has none."""
    return list(item.pictures.order_by("place")) if item.cover else []


def items_by_id(public_ids: Iterable[str]) -> dict[str, Item]:
    """Return the items of these public ids, whatever their status, with their sellers, by public id."""
    items = (_item_of(iter(row)) for row in _ITEMS_BY_ID.rows(public_ids=list(set(public_ids))))
    return {item.public_id: item for item in items}


def items_and_fees(public_ids: Iterable[str], at: datetime) -> tuple[dict[str, Item], FeeTable]:
    """Return items as `items_by_id` does, and what their sales at a moment are charged by, in one statement."""
    items, version = {}, None
    for row in _ITEMS_AND_FEES.rows(public_ids=list(set(public_ids)), at=at):
        values = iter(row)
        version = next(values)
        item = _item_of(values)
        items[item.public_id] = item
    return items, _fee_table(version) if version is not None else fee_table_in_force(at)


def _item_of(values: Iterator[Any]) -> Item:
    item = _ITEM.take(values)
    item.seller = _SELLER.take(values)
    return item


def fee_table_in_force(at: datetime) -> FeeTable:
    """Return what sales at a moment are charged by: one cheap statement, and one more per version and process."""
    ((public_id,),) = _FEES_IN_FORCE.rows(at=at)
    return _fee_table(public_id)


def _fee_table(public_id: str) -> FeeTable:
    if public_id not in _compiled:
        schedule = FeeSchedule.objects.get(public_id=public_id)
        _compiled[public_id] = compile_fees(public_id, schedule.rules)
    return _compiled[public_id]


def fee_schedule_in_force(at: datetime) -> FeeSchedule:
    """Return the version that sales at a moment are charged by, for operators."""
    return _in_force(at)[0]


def _in_force(at: datetime) -> QuerySet[FeeSchedule]:
    """The versions that have come into force by a moment, the one that charges first."""
    begun = FeeSchedule.objects.filter(Q(effective_from=None) | Q(effective_from__lte=at), status="active")
    return begun.order_by(F("effective_from").desc(nulls_last=True))


def fee_schedules() -> QuerySet[FeeSchedule]:
    """Return all versions, for operators."""
    return FeeSchedule.objects.select_related("created_by", "activated_by")


def get_fee_schedule(public_id: str) -> FeeSchedule:
    """
    Return one version, for operators.

    :raises NotFound: there is none of this id.
    """
    return _found(fee_schedules().filter(public_id=public_id).first())


def superseded_fee_schedules(at: datetime) -> set[int]:
    """Return the keys of active versions that a later one has replaced by a moment."""
    return set(_in_force(at).values_list("id", flat=True)[1:])


def _key_of(seller: str) -> int | None:
    """Looked up first: only for a key does PostgreSQL know how many rows to expect, and which index is best."""
    return Account.objects.filter(public_id=seller).values_list("id", flat=True).first()


def _found(row: Row | None) -> Row:
    if row is None:
        raise NotFound
    return row
