"""
From a movement to its transfers by a row that lists them, instead of by two indexes on the transfers.

Every transfer was inserted into both, at a place of its own: three quarters of what it cost to write it.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

from core.append_only import append_only

# Whoever books waits meanwhile: a batch between the two would be in neither.
FILL = """
LOCK TABLE ledger_transfer IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO ledger_movementlegs (batch_id, account_id, transfer_ids)
SELECT batch_id, account_id, array_agg(id ORDER BY id)
FROM (SELECT batch_id, debit_id AS account_id, id FROM ledger_transfer
      UNION ALL SELECT batch_id, credit_id, id FROM ledger_transfer) leg
GROUP BY batch_id, account_id
"""

# A list is read in part; ids next to each other do not compress to anything worth the time.
STORAGE = "ALTER TABLE ledger_movementlegs ALTER COLUMN transfer_ids SET STORAGE EXTERNAL"

# A worker of the release before would book a batch that no statement shows. It puts its events back instead (that
# code is a transient error), until it is restarted.
MUST_LIST = """
CREATE FUNCTION ledger_batch_must_list_legs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.transfers_count > 0 AND NOT EXISTS (SELECT 1 FROM ledger_movementlegs WHERE batch_id = NEW.id) THEN
        RAISE EXCEPTION 'batch % does not list the legs of its movements: its worker must be restarted', NEW.id
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ledger_batch_lists_legs BEFORE INSERT ON ledger_batch
    FOR EACH ROW EXECUTE FUNCTION ledger_batch_must_list_legs();
"""
NEED_NOT_LIST = "DROP TRIGGER ledger_batch_lists_legs ON ledger_batch; DROP FUNCTION ledger_batch_must_list_legs()"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_rollups")]

    operations = [
        migrations.CreateModel(
            name="MovementLegs",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "batch_id", "account_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("batch_id", models.BigIntegerField()),
                ("account_id", models.BigIntegerField()),
                ("transfer_ids", django.contrib.postgres.fields.ArrayField(models.BigIntegerField(), size=None)),
            ],
        ),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        append_only("ledger_movementlegs"),
        migrations.RunSQL(MUST_LIST, NEED_NOT_LIST),
        migrations.RemoveIndex(model_name="transfer", name="transfer_by_debit"),
        migrations.RemoveIndex(model_name="transfer", name="transfer_by_credit"),
    ]
