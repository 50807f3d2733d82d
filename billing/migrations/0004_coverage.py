from django.db import migrations, models


class Migration(migrations.Migration):
    """What the coverage report reads instead of all events."""

    dependencies = [("billing", "0003_corrections")]

    operations = [
        migrations.CreateModel(
            name="SeenConfiguration",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("type", models.CharField(max_length=80)),
                ("digest", models.CharField(help_text="MD5 of the parameters: they are too long for an index.", max_length=32)),
                ("parameters", models.JSONField(help_text="All of the event's; which of them rules tell apart, the rules say.")),
                ("count", models.BigIntegerField()),
                ("oldest", models.DateTimeField(help_text="The earliest `occurred_at`.")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("type", "digest"), name="seen_configuration_once")],
            },
        ),
        migrations.CreateModel(
            name="CoverageMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("booked_at", models.DateTimeField(help_text="The batch's; null before the first.", null=True)),
                ("batch_id", models.BigIntegerField(db_default=0)),
            ],
        ),
        migrations.RunSQL("INSERT INTO billing_coveragemark (booked_at) VALUES (NULL)", migrations.RunSQL.noop),
    ]
