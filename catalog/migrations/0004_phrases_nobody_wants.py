"""A search that ended inside a phrase with a minus before it was no query at all: the function is made anew."""

from django.db import migrations

from catalog import search


class Migration(migrations.Migration):

    dependencies = [("catalog", "0003_item_pictures")]

    operations = [migrations.RunSQL(search.CREATE_QUERY, migrations.RunSQL.noop)]
