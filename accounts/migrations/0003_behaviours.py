from django.conf import settings
from django.db import migrations
from django.utils import timezone

from core.partitions import keep_months


def make_months(apps, schema_editor):
    keep_months(
        "accounts_behaviour",
        key="recorded_at",
        now=timezone.now(),
        months_kept=settings.BEHAVIOUR_RETENTION_MONTHS,
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_links")]

    operations = [
        migrations.RunSQL(
            """
            CREATE SEQUENCE accounts_behaviour_ids;
            CREATE TABLE accounts_behaviour (
                id bigint NOT NULL DEFAULT nextval('accounts_behaviour_ids'),
                recorded_at timestamptz NOT NULL DEFAULT statement_timestamp(),
                occurred_at timestamptz NOT NULL,
                kind varchar(20) NOT NULL,
                account_id bigint NOT NULL,
                login_account_id bigint NOT NULL,
                acting_account_id bigint NOT NULL,
                session_id varchar(32) NOT NULL,
                object_id varchar(32) NOT NULL,
                data jsonb NOT NULL,
                link_id bigint,
                PRIMARY KEY (id, recorded_at)
            ) PARTITION BY RANGE (recorded_at);
            CREATE INDEX behaviour_by_account ON accounts_behaviour (account_id, id DESC);
            CREATE INDEX behaviour_by_kind ON accounts_behaviour (account_id, kind, id DESC);
            CREATE TABLE accounts_behaviour_default PARTITION OF accounts_behaviour DEFAULT;
            """,
            "DROP TABLE accounts_behaviour; DROP SEQUENCE accounts_behaviour_ids;",
        ),
        migrations.RunPython(make_months, migrations.RunPython.noop),
    ]
