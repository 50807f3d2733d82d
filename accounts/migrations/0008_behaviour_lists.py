from django.db import migrations

# A list's page is one look-up whatever it is filtered by: each filter that may leave little has an index of its
# own, in the list's order, and `since` and the cursor are bounds of the same range. Who asks for own acts among
# millions that came through links, or the other way round, must not read those.
LISTS = {
    "behaviour_newest": ("", ""),
    "behaviour_newest_of_kind": ("kind, ", ""),
    "behaviour_own": ("", "WHERE link_id IS NULL"),
    "behaviour_own_of_kind": ("kind, ", "WHERE link_id IS NULL"),
    "behaviour_linked": ("", "WHERE link_id IS NOT NULL"),
    "behaviour_linked_of_kind": ("kind, ", "WHERE link_id IS NOT NULL"),
}


def make(name, kind, condition):
    return migrations.RunSQL(
        f"CREATE INDEX {name} ON accounts_behaviour (account_id, {kind}occurred_at DESC, id DESC) {condition}",
        f"DROP INDEX {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_operators")]

    operations = [
        *[make(name, kind, condition) for name, (kind, condition) in LISTS.items()],
        migrations.RunSQL(
            "DROP INDEX behaviour_by_kind",
            "CREATE INDEX behaviour_by_kind ON accounts_behaviour (account_id, kind, id DESC)",
        ),
    ]
