"""What a look back at a balance needs to find its place: how far each account's times had come."""

from django.db import migrations, models

# Movements are written once; only the owner of the table can do this, and only here.
FILL = """
ALTER TABLE ledger_movement DISABLE TRIGGER USER;
UPDATE ledger_movement m SET effective_latest_after = walked.latest,
       late = walked.latest - m.effective_min > interval '10 minutes'
FROM (SELECT id, max(effective_max) OVER (PARTITION BY account_id ORDER BY booked_at, id) AS latest
      FROM ledger_movement) walked
WHERE walked.id = m.id;
ALTER TABLE ledger_movement ENABLE TRIGGER USER;
UPDATE ledger_ledgeraccount a SET effective_latest = latest.at
FROM (SELECT account_id, max(effective_max) AS at FROM ledger_movement GROUP BY account_id) latest
WHERE latest.account_id = a.id;
"""

# The account's latest effective time only grows from movement to movement, so the last movement that
# knew nothing later than a moment is found by halving the time between the first and the last one.
# Ends at a second's breadth; the rest is walked.
MOVEMENT_BEFORE = """
CREATE FUNCTION ledger_movement_before(account bigint, moment timestamptz, known timestamptz)
RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    low timestamptz; high timestamptz; middle timestamptz; latest timestamptz; found bigint;
BEGIN
    SELECT id, booked_at, effective_latest_after INTO found, high, latest FROM ledger_movement
    WHERE account_id = account AND booked_at <= known ORDER BY booked_at DESC, id DESC LIMIT 1;
    IF found IS NULL OR latest <= moment THEN
        RETURN found;
    END IF;
    SELECT booked_at INTO low FROM ledger_movement
    WHERE account_id = account ORDER BY booked_at, id LIMIT 1;
    WHILE high - low > interval '1 second' LOOP
        middle := low + (high - low) / 2;
        SELECT effective_latest_after INTO latest FROM ledger_movement
        WHERE account_id = account AND booked_at <= middle ORDER BY booked_at DESC, id DESC LIMIT 1;
        IF latest <= moment THEN
            low := middle;
        ELSE
            high := middle;
        END IF;
    END LOOP;
    SELECT id INTO found FROM ledger_movement
    WHERE account_id = account AND booked_at <= high AND effective_latest_after <= moment
      AND booked_at >= (SELECT booked_at FROM ledger_movement WHERE account_id = account AND booked_at <= low
                        ORDER BY booked_at DESC LIMIT 1)
    ORDER BY booked_at DESC, id DESC LIMIT 1;
    RETURN found;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        migrations.AddField(
            "ledgeraccount",
            "effective_latest",
            models.DateTimeField(null=True, help_text="Latest `effective_at` ever booked; only grows."),
        ),
        migrations.AddField("movement", "effective_latest_after", models.DateTimeField(null=True)),
        migrations.AddField("movement", "late", models.BooleanField(null=True)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField(
            "movement",
            "effective_latest_after",
            models.DateTimeField(help_text="The account's latest one after it; only grows."),
        ),
        migrations.AlterField(
            "movement",
            "late",
            models.BooleanField(help_text="Some of it is effective long before what is booked by then (`LATE_AFTER`)."),
        ),
        migrations.AddIndex(
            "movement",
            models.Index(fields=["account_id", "booked_at"], name="movement_late", condition=models.Q(late=True)),
        ),
        migrations.RunSQL(MOVEMENT_BEFORE, "DROP FUNCTION ledger_movement_before(bigint, timestamptz, timestamptz)"),
    ]
