from django.db import migrations

from core.append_only import append_only

# A version goes from draft to active to retired and never back. Once it is active, everything that says what
# booked an event, since when and who answers for it stays as it was; only `status` moves on.
KEEP_ACTIVATED = """
CREATE OR REPLACE FUNCTION billing_keep_activated() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moved_on CONSTANT jsonb := jsonb_build_object('status', NEW.status);
BEGIN
    IF OLD.status = 'draft' THEN
        IF TG_OP = 'UPDATE' AND NEW.status = 'retired' THEN
            RAISE EXCEPTION 'a draft is not retired' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) = to_jsonb(OLD) || moved_on
       AND (NEW.status = OLD.status OR (OLD.status = 'active' AND NEW.status = 'retired')) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of an activated rule set refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER billing_ruleset_never_emptied BEFORE TRUNCATE ON billing_ruleset
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
"""

AS_BEFORE = """
DROP TRIGGER billing_ruleset_never_emptied ON billing_ruleset;
CREATE OR REPLACE FUNCTION billing_keep_activated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'draft' THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.status <> 'draft'
       AND (NEW.document, NEW.name, NEW.version, NEW.public_id) = (OLD.document, OLD.name, OLD.version, OLD.public_id)
       AND NEW.effective_from IS NOT DISTINCT FROM OLD.effective_from THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of an activated rule set refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
"""


class Migration(migrations.Migration):
    """What decided a booking stays readable: activated versions, declared types, what senders said."""

    dependencies = [("billing", "0001_initial"), ("core", "0001_initial")]

    operations = [
        migrations.RunSQL(KEEP_ACTIVATED, AS_BEFORE),
        append_only("billing_eventtype"),
        append_only("billing_externalevent"),
    ]
