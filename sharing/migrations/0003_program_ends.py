"""A program ends with all its versions; and of programs and shares nothing but their ends is ever written later."""

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("sharing", "0002_scans")]

    operations = [
        migrations.AddField(
            model_name="shareprogram",
            name="ended_at",
            field=models.DateTimeField(
                help_text="When the seller ended the program, with all its versions.", null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="shareprogram",
            constraint=models.CheckConstraint(
                name="share_program_ends_with_its_versions",
                condition=Q(ended_at=None) | Q(until_at__isnull=False, ended_at__gte=F("until_at")),
            ),
        ),
        migrations.RunSQL(
            """
            CREATE TRIGGER sharing_program_never_deleted BEFORE DELETE ON sharing_shareprogram
                FOR EACH ROW EXECUTE FUNCTION core_refuse_change();
            CREATE TRIGGER sharing_program_never_emptied BEFORE TRUNCATE ON sharing_shareprogram
                FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
            CREATE TRIGGER sharing_program_only_ends BEFORE UPDATE ON sharing_shareprogram
                FOR EACH ROW WHEN (
                    (NEW.public_id, NEW.item_id, NEW.version, NEW.rate_bps, NEW.amount_minor, NEW.currency,
                     NEW.window_days, NEW.model, NEW.lock_days, NEW.budget_minor, NEW.hosts, NEW.made_by_id,
                     NEW.login_account_id, NEW.from_at)
                    IS DISTINCT FROM
                    (OLD.public_id, OLD.item_id, OLD.version, OLD.rate_bps, OLD.amount_minor, OLD.currency,
                     OLD.window_days, OLD.model, OLD.lock_days, OLD.budget_minor, OLD.hosts, OLD.made_by_id,
                     OLD.login_account_id, OLD.from_at)
                    OR (OLD.until_at IS NOT NULL AND NEW.until_at IS DISTINCT FROM OLD.until_at)
                    OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at)
                ) EXECUTE FUNCTION core_refuse_change();
            CREATE TRIGGER sharing_share_never_deleted BEFORE DELETE ON sharing_share
                FOR EACH ROW EXECUTE FUNCTION core_refuse_change();
            CREATE TRIGGER sharing_share_never_emptied BEFORE TRUNCATE ON sharing_share
                FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
            CREATE TRIGGER sharing_share_only_revoked BEFORE UPDATE ON sharing_share
                FOR EACH ROW WHEN (
                    (NEW.public_id, NEW.program_id, NEW.item_id, NEW.sharer_id, NEW.activity_url, NEW.store_id,
                     NEW.login_account_id, NEW.made_at)
                    IS DISTINCT FROM
                    (OLD.public_id, OLD.program_id, OLD.item_id, OLD.sharer_id, OLD.activity_url, OLD.store_id,
                     OLD.login_account_id, OLD.made_at)
                    OR (OLD.revoked_at IS NOT NULL
                        AND (NEW.revoked_at, NEW.revoked_by_id) IS DISTINCT FROM (OLD.revoked_at, OLD.revoked_by_id))
                ) EXECUTE FUNCTION core_refuse_change();
            """,
            """
            DROP TRIGGER sharing_program_never_deleted ON sharing_shareprogram;
            DROP TRIGGER sharing_program_never_emptied ON sharing_shareprogram;
            DROP TRIGGER sharing_program_only_ends ON sharing_shareprogram;
            DROP TRIGGER sharing_share_never_deleted ON sharing_share;
            DROP TRIGGER sharing_share_never_emptied ON sharing_share;
            DROP TRIGGER sharing_share_only_revoked ON sharing_share;
            """,
        ),
    ]
