import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Who of the operators took a till out of service, and why."""
    dependencies = [
        ("orders", "0008_operators_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="terminal",
            name="revoke_reason",
            field=models.CharField(blank=True, db_default="", default="", max_length=500),
        ),
        migrations.AddField(
            model_name="terminal",
            name="revoked_by",
            field=models.ForeignKey(
                db_index=False,
                help_text="The operator who took it out of service; null where its seller did.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
