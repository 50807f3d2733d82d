from django.conf import settings
from django.db import migrations, models


# What is known of trades of before: codes that have paid, and identities that were not the till's own bank.
FILL = """
UPDATE orders_countertrade t SET paid_at_till_by = 'pay_code'
FROM orders_order o JOIN wallets_paycode c ON c.used_for = o.public_id AND c.refusal = ''
WHERE t.order_id = o.id AND o.paid_minor > 0;
UPDATE orders_countertrade t SET paid_at_till_by = 'identity'
FROM orders_order o, orders_terminal till
WHERE t.order_id = o.id AND till.id = t.terminal_id AND t.paid_at_till_by = '' AND o.paid_minor > 0
  AND o.provider = '' AND o.institution <> till.institution;
"""


class Migration(migrations.Migration):
    """What operators look trades up by: how a till had them paid, and states that are rare."""

    dependencies = [
        ("accounts", "0008_behaviour_lists"),
        ("catalog", "0002_shipped_fee_schedule"),
        ("orders", "0007_line_store"),
        ("wallets", "0006_provider_decisions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="countertrade",
            name="paid_at_till_by",
            field=models.CharField(
                blank=True,
                choices=[("pay_code", "Pay Code"), ("identity", "Identity")],
                db_default="",
                default="",
                help_text="How the till had a wallet pay it; blank where a phone or a provider's server did, or nobody yet.",
                max_length=8,
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="countertrade",
            index=models.Index(
                condition=models.Q(("refusal", ""), _negated=True), fields=["-id"], name="counter_trade_refused"
            ),
        ),
        migrations.AddIndex(
            model_name="countertrade",
            index=models.Index(
                condition=models.Q(("paid_at_till_by", "identity")), fields=["-id"], name="counter_trade_by_identity"
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("channel", "store"), ("status__in", ["pending", "cancelled", "closed"])),
                fields=["status", "-id"],
                name="order_at_counter_unpaid",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(
                    ("channel", "store"), ("paid_minor__gt", 0), ("refunded_minor", models.F("paid_minor"))
                ),
                fields=["-id"],
                name="order_at_counter_refunded",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("channel", "store"), models.Q(("provider", ""), _negated=True)),
                fields=["-id"],
                name="order_at_counter_provider",
            ),
        ),
        migrations.AddIndex(
            model_name="tillrequest",
            index=models.Index(
                condition=models.Q(("kind", "cancelled")), fields=["-id"], name="till_request_cancelled"
            ),
        ),
    ]
