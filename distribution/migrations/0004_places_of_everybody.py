"""Whoever registered before there was a forest gets the place that its registration would have given it."""

from datetime import timedelta
from typing import Any

from django.db import migrations
from django.db.models import Max

from distribution.rule_numbers import NodeKind, new_rule_number

ACCOUNTS_AT_ONCE = 1_000


def place_everybody(apps: Any, schema_editor: Any) -> None:
    """In ranges of the key; who has a place keeps it. Below who closed is moved up by the timed transition."""
    accounts = apps.get_model("accounts", "Account").objects
    highest = accounts.aggregate(highest=Max("id"))["highest"] or 0
    for first in range(1, highest + 1, ACCOUNTS_AT_ONCE):
        some = accounts.filter(id__range=(first, first + ACCOUNTS_AT_ONCE - 1), referrals=None)
        _place(apps, {f"account.registered:{account.public_id}": account for account in some})


def _place(apps: Any, account_by_key: dict[str, Any]) -> None:
    places = apps.get_model("distribution", "Referral")
    events = {event.key: event for event in _events(apps).filter(key__in=account_by_key)}
    codes = {event.payload.get("referral_code") for event in events.values()} - {None}
    referrers = apps.get_model("accounts", "Account").objects.filter(referral_code__in=codes)
    by_code = {account.referral_code: account for account in referrers}
    places.objects.bulk_create(
        _first_place(places, account, events.get(key), by_code) for key, account in account_by_key.items()
    )


def _events(apps: Any) -> Any:
    return apps.get_model("events", "EventRecord").objects


def _first_place(places: Any, account: Any, event: Any, by_code: dict[str, Any]) -> Any:
    referrer = by_code.get(event.payload.get("referral_code")) if event else None
    from_at = event.occurred_at if event else account.created_at
    closed_at = max(account.closed_at, from_at + timedelta(microseconds=1)) if account.closed_at else None
    return places(
        account=account,
        referrer=referrer,
        via="nobody" if referrer is None else "merchant" if referrer.side == "seller" else "code",
        is_original=referrer is not None,
        rule_number=new_rule_number(NodeKind.REFERRAL, serial=account.pk),
        from_at=from_at,
        until_at=closed_at,
        ending="closed" if closed_at else "",
        leaves_children=closed_at is not None,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("distribution", "0003_money"),
        ("accounts", "0008_behaviour_lists"),
        ("events", "0001_initial"),
    ]

    operations = [migrations.RunPython(place_everybody, migrations.RunPython.noop)]
