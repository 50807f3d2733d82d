"""Room for new versions of an account's row beside the old one: a batch changes thousands, and none of their indexes."""

from django.db import migrations

# Half a page stays free, so that an update stays on its page and leaves the indexes alone ("heap-only").
ROOM = "ALTER TABLE ledger_ledgeraccount SET (fillfactor = 50)"
FULL = "ALTER TABLE ledger_ledgeraccount RESET (fillfactor)"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_seals")]

    operations = [migrations.RunSQL(ROOM, FULL)]
