"""
A house that is at work gets rules for the types that are new, as the next version, from now on.

Only what the version in force does not know is added; what operators have decided stays as it is.
"""

import json
from pathlib import Path

from django.db import migrations
from django.db.models import F, Max, Q
from django.utils import timezone

from core.ids import new_public_id

SHIPPED_RULES = Path(__file__).parent.parent / "shipped_rules.json"


def add_rules_for_new_types(apps, schema_editor):
    """A fresh house has them already."""
    RuleSet = apps.get_model("billing", "RuleSet")
    now = timezone.now()
    begun = RuleSet.objects.filter(Q(effective_from=None) | Q(effective_from__lte=now), status="active")
    in_force = begun.order_by(F("effective_from").desc(nulls_last=True), "-version").first()
    shipped = json.loads(SHIPPED_RULES.read_text())["types"]
    new = (
        {} if in_force is None else {name: shipped[name] for name in shipped if name not in in_force.document["types"]}
    )
    if not new:
        return
    RuleSet.objects.filter(id=in_force.id).update(status="retired")
    RuleSet.objects.create(
        public_id=new_public_id("rls"),
        name=in_force.name,
        version=RuleSet.objects.aggregate(latest=Max("version"))["latest"] + 1,
        status="active",
        document=in_force.document | {"types": in_force.document["types"] | new},
        effective_from=now,
        activated_at=now,
    )


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_unposted_events")]

    operations = [migrations.RunPython(add_rules_for_new_types, migrations.RunPython.noop)]
