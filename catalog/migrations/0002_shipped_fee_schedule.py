"""A fresh house can sell: the shipped fee schedule, in force since ever. Operators replace it with their own."""

from django.db import migrations
from django.utils import timezone

SHIPPED_RULES = [{"match": {}, "rate_bps": 500}]


def ship_fee_schedule(apps, schema_editor):
    """Five per cent of every line; only where there is no fee schedule yet."""
    FeeSchedule = apps.get_model("catalog", "FeeSchedule")
    if not FeeSchedule.objects.exists():
        FeeSchedule.objects.create(
            name="shipped", version=1, status="active", rules=SHIPPED_RULES, activated_at=timezone.now()
        )


class Migration(migrations.Migration):

    dependencies = [("catalog", "0001_initial")]

    operations = [migrations.RunPython(ship_fee_schedule, migrations.RunPython.noop)]
