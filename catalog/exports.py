"""What the catalogue hands out when a seller asks for its data."""

from collections.abc import Iterator
from typing import Any

from accounts.models import Account
from catalog.models import Item, Store
from core.api.lists import every_page

NEWEST_FIRST = ("-id",)


def stores(account: Account) -> Iterator[dict[str, Any]]:
    for page in every_page(Store.objects.filter(seller=account), NEWEST_FIRST):
        for store in page:
            yield {
                "id": store.public_id,
                "name": store.name,
                "latitude": store.latitude,
                "longitude": store.longitude,
                "area_code": store.area_code,
                "address": store.address,
                "opened_at": store.opened_at,
                "closed_at": store.closed_at,
            }


def items(account: Account) -> Iterator[dict[str, Any]]:
    for page in every_page(Item.objects.filter(seller=account), NEWEST_FIRST):
        for item in page:
            yield {
                "id": item.public_id,
                "title": item.title,
                "description": item.description,
                "category": item.category,
                "kind": item.kind,
                "price": {"amount": item.price_minor, "currency": item.currency},
                "stock": item.stock,
                "status": item.status,
                "created_at": item.created_at,
                "updated_at": item.updated_at,
            }
