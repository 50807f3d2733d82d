import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# A wish may be decided or withdrawn, once; what was asked for, and how it ended, stays as it was.
KEEP_DECIDED = """
CREATE FUNCTION wallets_keep_decision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ended CONSTANT jsonb := jsonb_build_object(
        'decided_by_id', NEW.decided_by_id, 'decided_at', NEW.decided_at,
        'withdrawn_by_id', NEW.withdrawn_by_id, 'withdrawn_at', NEW.withdrawn_at);
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.decided_at IS NULL AND OLD.withdrawn_at IS NULL
       AND to_jsonb(NEW) = to_jsonb(OLD) || ended THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of a decision refused: it is kept as it was', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER wallets_providerdecision_kept BEFORE UPDATE OR DELETE ON wallets_providerdecision
    FOR EACH ROW EXECUTE FUNCTION wallets_keep_decision();
CREATE TRIGGER wallets_providerdecision_never_emptied BEFORE TRUNCATE ON wallets_providerdecision
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
"""
NOT_KEPT = """
DROP TRIGGER wallets_providerdecision_kept ON wallets_providerdecision;
DROP TRIGGER wallets_providerdecision_never_emptied ON wallets_providerdecision;
DROP FUNCTION wallets_keep_decision();
"""


def person(*, null: bool = False) -> models.ForeignKey:
    return models.ForeignKey(
        db_index=False,
        null=null,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )


class Migration(migrations.Migration):
    """What operators decide about payments whose provider never said how they ended."""

    dependencies = [
        ("wallets", "0005_earning_kinds"),
        ("core", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ProviderDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(max_length=40)),
                (
                    "reference",
                    models.CharField(help_text="Our public id of the top-up, withdrawal or charge.", max_length=32),
                ),
                (
                    "what",
                    models.CharField(
                        choices=[("given_up", "Given Up"), ("succeeded", "Succeeded"), ("failed", "Failed")],
                        max_length=9,
                    ),
                ),
                (
                    "provider_reference",
                    models.CharField(
                        blank=True, help_text="The provider's own name for it, as its people say.", max_length=120
                    ),
                ),
                ("reason", models.CharField(help_text="Who said so, and how it is known.", max_length=500)),
                ("requested_by", person()),
                ("requested_login", person()),
                ("requested_at", models.DateTimeField(help_text="By the house's clock, as are the others.")),
                ("decided_by", person(null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("withdrawn_by", person(null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["reference", "id"], name="provider_decision_by_payment")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("decided_at", None), ("withdrawn_at", None)),
                        fields=("reference",),
                        name="provider_decision_one_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at", None),
                                ("decided_by", None),
                                ("withdrawn_at", None),
                                ("withdrawn_by", None),
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("withdrawn_at", None),
                                ("withdrawn_by", None),
                            ),
                            models.Q(
                                ("decided_at", None),
                                ("decided_by", None),
                                ("withdrawn_at__isnull", False),
                                ("withdrawn_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="provider_decision_states",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="providerattempt",
            index=models.Index(condition=models.Q(("answer", "")), fields=["-id"], name="provider_attempt_unanswered"),
        ),
        migrations.RunSQL(KEEP_DECIDED, NOT_KEPT),
    ]
