"""Items: offered and changed by their sellers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.actor import Actor
from accounts.behaviours import record_behaviour
from catalog.errors import StoreClosed, StoreUnknown
from catalog.events import ItemPublished
from catalog.models import Item, Store
from core.errors import FieldError, NotFound
from core.money import Money
from events.services import emit


@transaction.atomic
def offer_item(
    *,
    title: str,
    price: Money,
    kind: str,
    description: str = "",
    category: str = "",
    store: str | None = None,
    stock: int | None = None,
    status: str = Item.Status.ON_SALE,
    actor: Actor,
    now: datetime,
) -> Item:
    """
    Offer an item of the acting seller, on sale at once unless `status` says otherwise.

    `store`: public id of one of the seller's open stores. `stock`: units there are; None is unlimited.

    :raises StoreUnknown: the seller has no such store.
    :raises StoreClosed: the store is closed.
    """
    item = Item(
        title=title,
        description=description,
        category=category,
        price_minor=price.minor,
        currency=price.currency,
        kind=kind,
        store=_open_store(store, actor),
        stock=stock,
        status=status,
        seller=actor.acting,
        created_by=actor.login,
        created_at=now,
        updated_at=now,
    )
    is_published = _publish(item, now)
    item.save(force_insert=True)
    if is_published:
        _say_published(item, actor, now)
    return item


@transaction.atomic
def change_item(*, item: str, changes: Mapping[str, Any], actor: Actor, now: datetime) -> Item:
    """
    Change some fields of an item of the acting seller. Orders placed keep their title and price.

    `changes`: new values by name, as `offer_item` takes them. A new `stock` replaces what was left.

    :raises NotFound: the seller has no such item.
    :raises StoreUnknown: the seller has no such store.
    :raises StoreClosed: the store is closed.
    """
    locked = Item.objects.select_for_update(no_key=True, of=("self",)).select_related("seller")
    changed = locked.filter(public_id=item, seller=actor.acting).first()
    if changed is None:
        raise NotFound
    values = dict(changes)
    if "price" in values:
        price = values.pop("price")
        values |= {"price_minor": price.minor, "currency": price.currency}
    if "store" in values:
        values["store"] = _open_store(values["store"], actor)
    for name, value in values.items():
        setattr(changed, name, value)
    is_published = _publish(changed, now)
    changed.updated_at = now
    changed.save(update_fields=[*values, "published_at", "updated_at"])
    if is_published:
        _say_published(changed, actor, now)
    return changed


def _open_store(public_id: str | None, actor: Actor) -> Store | None:
    if public_id is None:
        return None
    store = Store.objects.filter(public_id=public_id, seller=actor.acting).first()
    if store is None:
        raise StoreUnknown(errors=[FieldError("store", StoreUnknown.code, StoreUnknown.message)])
    if store.closed_at is not None:
        raise StoreClosed
    return store


def _publish(item: Item, now: datetime) -> bool:
    """Mark an item that is on sale for the first time; return whether it is that."""
    is_first = item.status == Item.Status.ON_SALE and item.published_at is None
    if is_first:
        item.published_at = now
    return is_first


def _say_published(item: Item, actor: Actor, now: datetime) -> None:
    record_behaviour("item.published", by=actor, object_id=item.public_id, now=now)
    event = ItemPublished(
        item=item.public_id,
        seller=actor.owner_id,
        login_account=actor.login.public_id,
        session=actor.session_id,
    )
    emit(event, occurred_at=now)
