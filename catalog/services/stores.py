"""Stores: opened, changed, closed by their sellers; trusted by operators."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.actor import Actor
from catalog import events
from catalog.errors import CoordinatesIncomplete, StoreClosed
from catalog.models import Store
from core.errors import NotFound
from events.services import emit

PLACE_FIELDS = ("latitude", "longitude", "area_code")


@transaction.atomic
def open_store(
    *,
    name: str,
    latitude: float | None = None,
    longitude: float | None = None,
    area_code: str = "",
    address: str = "",
    actor: Actor,
    now: datetime,
) -> Store:
    """
    Open a store of the acting seller. Whoever places stores in areas hears `store.opened`.

    :raises CoordinatesIncomplete: one coordinate without the other.
    """
    store = Store(
        name=name,
        latitude=latitude,
        longitude=longitude,
        area_code=area_code,
        address=address,
        seller=actor.acting,
        opened_by=actor.login,
        opened_at=now,
    )
    _refuse_half_a_place(store)
    store.save(force_insert=True)
    emit(events.StoreOpened(store=store.public_id, seller=actor.owner_id), occurred_at=now)
    return store


@transaction.atomic
def change_store(*, store: str, changes: Mapping[str, Any], actor: Actor, now: datetime) -> Store:
    """
    Change some fields of a store of the acting seller; a new place is also an event, `store.moved`.

    `changes`: new values by name, of `name latitude longitude area_code address`.

    :raises NotFound: the seller has no such store.
    :raises StoreClosed: it is closed.
    :raises CoordinatesIncomplete: one coordinate without the other.
    """
    changed = _lock_open_store(store, actor)
    changed_names = [name for name, value in changes.items() if getattr(changed, name) != value]
    for name in changed_names:
        setattr(changed, name, changes[name])
    _refuse_half_a_place(changed)
    has_moved = any(name in PLACE_FIELDS for name in changed_names)
    changed.moves_count += has_moved
    changed.save(update_fields=[*changed_names, "moves_count"])
    if has_moved:
        moved = events.StoreMoved(store=changed.public_id, seller=actor.owner_id, move=changed.moves_count)
        emit(moved, occurred_at=now)
    return changed


@transaction.atomic
def close_store(*, store: str, actor: Actor, now: datetime) -> Store:
    """
    Close a store of the acting seller for good. Its items and past sales stay as they are.

    :raises NotFound: the seller has no such store.
    :raises StoreClosed: it is closed.
    """
    closing = _lock_open_store(store, actor)
    closing.closed_at = now
    closing.save(update_fields=["closed_at"])
    emit(events.StoreClosed(store=closing.public_id, seller=actor.owner_id), occurred_at=now)
    return closing


@transaction.atomic
def trust_providers(*, store: str, providers: Sequence[str]) -> Store:
    """
    Say which identity providers a store is trusted for: all those named, no others.

    :raises NotFound: there is no such store.
    """
    trusted = Store.objects.select_for_update(no_key=True, of=("self",)).select_related("seller")
    found = trusted.filter(public_id=store).first()
    if found is None:
        raise NotFound
    found.trusted_providers = sorted(set(providers))
    found.save(update_fields=["trusted_providers"])
    return found


def _lock_open_store(public_id: str, actor: Actor) -> Store:
    stores = Store.objects.select_for_update(no_key=True, of=("self",)).select_related("seller")
    store = stores.filter(public_id=public_id, seller=actor.acting).first()
    if store is None:
        raise NotFound
    if store.closed_at is not None:
        raise StoreClosed
    return store


def _refuse_half_a_place(store: Store) -> None:
    if (store.latitude is None) != (store.longitude is None):
        raise CoordinatesIncomplete
