from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_coverage"),
        ("events", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="UnpostedEvent",
            fields=[],
            options={
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("events.delivery",),
        ),
    ]
