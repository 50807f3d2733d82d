"""Tills, and what they asked for: names of other rooms' and of the orders' models stand as texts."""

from django.conf import settings
from django.db import models

from core.ids import PublicIdField

INSTITUTION_LENGTH_MAX = 80


class Terminal(models.Model):
    """A till of one store. It may do only what is of that store, with a key that is shown once."""

    public_id = PublicIdField("trm")
    store = models.ForeignKey("catalog.Store", on_delete=models.PROTECT, related_name="terminals", db_index=False)
    name = models.CharField(max_length=80)
    institution = models.CharField(
        max_length=INSTITUTION_LENGTH_MAX,
        blank=True,
        help_text="Whose till it is, a bank's for example; for the rules.",
    )
    key_digest = models.CharField(max_length=64, unique=True, help_text="Keyed digest; the key itself is not kept.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False, help_text="Who logged in."
    )
    created_at = models.DateTimeField(help_text="By the house's clock, as are the others.")
    rotated_at = models.DateTimeField(null=True, help_text="When it last got a new key.")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["store", "-id"], name="terminal_by_store")]

    def __str__(self) -> str:
        return self.name
