"""
A house that is at work gets rules for share charges, as the next version, from now on.

Only what the version in force does not know is added; what operators have decided stays as it is.
"""

from importlib import import_module

from django.db import migrations

add_rules_for_new_types = import_module("billing.migrations.0006_rules_for_commissions").add_rules_for_new_types


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_rules_for_commissions")]

    operations = [migrations.RunPython(add_rules_for_new_types, migrations.RunPython.noop)]
