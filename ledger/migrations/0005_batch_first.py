"""
A batch's transfers side by side in their indexes: what is booked together is written together.

They are looked up by a batch and one of its accounts, so either order of the two serves; with the account first
each transfer would change a page of its own.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_room_to_update")]

    operations = [
        migrations.RemoveIndex(model_name="transfer", name="transfer_by_debit"),
        migrations.RemoveIndex(model_name="transfer", name="transfer_by_credit"),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["batch_id", "debit_id", "id"], name="transfer_by_debit"),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["batch_id", "credit_id", "id"], name="transfer_by_credit"),
        ),
    ]
