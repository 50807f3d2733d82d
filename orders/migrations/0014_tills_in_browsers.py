import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.append_only import append_only


class Migration(migrations.Migration):
    """What is rung up at tills in browsers, and who did what there."""

    dependencies = [
        ("orders", "0013_cart_prices"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CashierAct",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("made", "Made"),
                            ("tried", "tried a code or an identity"),
                            ("cancelled", "Cancelled"),
                            ("refunded", "Refunded"),
                        ],
                        max_length=9,
                    ),
                ),
                ("session", models.CharField(blank=True, help_text="Public id of the session.", max_length=32)),
                ("acted_at", models.DateTimeField(help_text="By the house's clock.")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), help_text="By the database's clock."
                    ),
                ),
                (
                    "login_account",
                    models.ForeignKey(
                        db_index=False,
                        help_text="Who did it: the seller's own log-in, or a linked one that acts for the seller.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "terminal",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="acts",
                        to="orders.terminal",
                    ),
                ),
                (
                    "trade",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="acts", to="orders.countertrade"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TillCart",
            fields=[
                (
                    "terminal",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="cart",
                        serialize=False,
                        to="orders.terminal",
                    ),
                ),
                ("sequence", models.BigIntegerField(help_text="The till's number of this sale, given when it began.")),
                (
                    "last_given",
                    models.BigIntegerField(
                        help_text="The last number that was given in a browser, to a sale or a refund."
                    ),
                ),
                (
                    "currency",
                    models.CharField(blank=True, help_text="ISO 4217 code; blank while it is empty.", max_length=3),
                ),
                (
                    "lines",
                    models.JSONField(
                        default=list, help_text="[{item, quantity} or {description, unit_minor, quantity}]"
                    ),
                ),
                (
                    "trade",
                    models.OneToOneField(
                        help_text="What came of it.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cart",
                        to="orders.countertrade",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("last_given__gte", models.F("sequence")), ("sequence__gt", 0)),
                        name="till_cart_numbers_given",
                    )
                ],
            },
        ),
        append_only("orders_cashieract"),
    ]
