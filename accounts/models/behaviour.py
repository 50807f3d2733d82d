"""What accounts did: kept for the one that acted and, by their links' terms, for linked ones."""

from django.db import models

from accounts.models.account import Account
from core.ids import encode_key


class Behaviour(models.Model):
    """
    One act in one account's storage. The login account says who really did it.

    The table is partitioned by months of `recorded_at` (accounts/migrations), so that what is too old is
    dropped and never deleted row by row; `core.partitions` makes and drops the months.
    """

    id = models.BigIntegerField(primary_key=True)
    recorded_at = models.DateTimeField(help_text="Machine time; chooses the partition.")
    occurred_at = models.DateTimeField(help_text="By the house's clock.")
    kind = models.CharField(max_length=20)
    account = models.ForeignKey(
        Account, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, help_text="Whose storage."
    )
    login_account = models.ForeignKey(Account, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    acting_account = models.ForeignKey(Account, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    session_id = models.CharField(max_length=32, help_text="Public id; empty outside sessions.")
    object_id = models.CharField(max_length=32, help_text="Public id of what it was done to; empty for searches.")
    data = models.JSONField()
    link_id = models.BigIntegerField(null=True, help_text="The link through which it was recorded here; null: own.")

    class Meta:
        managed = False
        db_table = "accounts_behaviour"

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return encode_key("bhv", self.id)
