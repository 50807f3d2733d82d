"""What the catalogue looks like from outside."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rest_framework import serializers

from accounts.references import AccountRefDocument, account_ref
from catalog.models import FeeSchedule, Item, Store
from catalog.placement import Placement, placements_of


class MoneyDocument(serializers.Serializer):
    amount = serializers.IntegerField(help_text="Minor units.")
    currency = serializers.CharField()


class StorePlacementDocument(serializers.Serializer):
    area = serializers.CharField()
    evidence = serializers.CharField()
    rule_number = serializers.CharField()
    status = serializers.ChoiceField(["settled", "waiting"], help_text="While it waits, an operator has to decide.")


class StoreDocument(serializers.Serializer):
    id = serializers.CharField()
    seller = AccountRefDocument()
    name = serializers.CharField()
    latitude = serializers.FloatField(allow_null=True)
    longitude = serializers.FloatField(allow_null=True)
    area_code = serializers.CharField(allow_blank=True, help_text="As the seller declares it.")
    address = serializers.CharField(allow_blank=True)
    trusted_providers = serializers.ListField(child=serializers.CharField())
    placement = StorePlacementDocument(allow_null=True)
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)


class ItemDocument(serializers.Serializer):
    id = serializers.CharField()
    seller = AccountRefDocument()
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    price = MoneyDocument()
    kind = serializers.ChoiceField(Item.Kind.values)
    category = serializers.CharField(allow_blank=True)
    store = serializers.CharField(allow_null=True)
    stock = serializers.IntegerField(allow_null=True, help_text="Units left; null is unlimited.")
    status = serializers.ChoiceField(Item.Status.values)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    published_at = serializers.DateTimeField(allow_null=True, help_text="When it was first on sale.")


class FeeMatchDocument(serializers.Serializer):
    seller = serializers.CharField(required=False)
    category = serializers.CharField(required=False)
    channel = serializers.CharField(required=False)


class FeeRuleDocument(serializers.Serializer):
    match = FeeMatchDocument()
    rate_bps = serializers.IntegerField()
    fixed = MoneyDocument(required=False)


class FeeScheduleDocument(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    status = serializers.ChoiceField(["draft", "active", "retired"])
    effective_from = serializers.DateTimeField(allow_null=True, help_text="Null on the shipped version: since ever.")
    created_by = AccountRefDocument(allow_null=True)
    activated_by = AccountRefDocument(allow_null=True)
    activated_at = serializers.DateTimeField(allow_null=True)
    rules = FeeRuleDocument(many=True)


def store_document(store: Store) -> dict[str, Any]:
    return next(present_stores([store]))


def present_stores(stores: Sequence[Store]) -> Iterator[dict[str, Any]]:
    placements = placements_of([store.public_id for store in stores])
    for store in stores:
        yield _store(store, placements.get(store.public_id))


def _store(store: Store, placement: Placement | None) -> dict[str, Any]:
    return {
        "id": store.public_id,
        "seller": account_ref(store.seller),
        "name": store.name,
        "latitude": store.latitude,
        "longitude": store.longitude,
        "area_code": store.area_code,
        "address": store.address,
        "trusted_providers": store.trusted_providers,
        "placement": placement,
        "opened_at": store.opened_at,
        "closed_at": store.closed_at,
    }


def item_document(item: Item) -> dict[str, Any]:
    return {
        "id": item.public_id,
        "seller": account_ref(item.seller),
        "title": item.title,
        "description": item.description,
        "price": {"amount": item.price_minor, "currency": item.currency},
        "kind": item.kind,
        "category": item.category,
        "store": item.store.public_id if item.store else None,
        "stock": item.stock,
        "status": item.status,
        "created_at": item.created_at,
        "updated_at": item.updated_at,
        "published_at": item.published_at,
    }


def present_items(items: Sequence[Item]) -> Iterator[dict[str, Any]]:
    return map(item_document, items)


def fee_schedule_document(schedule: FeeSchedule, superseded: set[int]) -> dict[str, Any]:
    return {
        "id": schedule.public_id,
        "name": schedule.name,
        "version": schedule.version,
        "status": "retired" if schedule.id in superseded else schedule.status,
        "effective_from": schedule.effective_from,
        "created_by": account_ref(schedule.created_by),
        "activated_by": account_ref(schedule.activated_by),
        "activated_at": schedule.activated_at,
        "rules": schedule.rules,
    }


def written_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a rule of a checked body as it is kept and shown."""
    fixed = rule.get("fixed")
    written: dict[str, Any] = {"match": dict(rule.get("match", {})), "rate_bps": rule["rate_bps"]}
    return written | ({"fixed": {"amount": fixed.minor, "currency": fixed.currency}} if fixed else {})
