"""Who shares which item, and where the QR code leads."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.ids import PublicIdField
from sharing.models.programs import ShareProgram

ACTIVITY_URL_LENGTH_MAX = 500
REVOKE_REASON_LENGTH_MAX = 300


class Share(models.Model):
    """
    One sharer's code of one item and activity page, under the program's version of when it was made.

    The code is its key and a signature (`sharing.codes`); it is dead once the share is revoked, for scans to come.
    """

    public_id = PublicIdField("shr")
    program = models.ForeignKey(ShareProgram, on_delete=models.PROTECT, related_name="shares", db_index=False)
    item = models.ForeignKey("catalog.Item", on_delete=models.PROTECT, related_name="shares", db_index=False)
    sharer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="shares", db_index=False
    )
    activity_url = models.CharField(
        max_length=ACTIVITY_URL_LENGTH_MAX, blank=True, help_text="Empty: our own page of the item."
    )
    store = models.ForeignKey(
        "catalog.Store", null=True, on_delete=models.PROTECT, related_name="+", help_text="Where its poster hangs."
    )
    login_account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    made_at = models.DateTimeField(help_text="By the house's clock.")
    revoked_at = models.DateTimeField(null=True, help_text="By the house's clock.")
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    revoke_reason = models.CharField(max_length=REVOKE_REASON_LENGTH_MAX, blank=True, help_text="An operator's words.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["sharer", "program", "activity_url", "store"],
                condition=Q(revoked_at=None),
                nulls_distinct=False,
                name="share_once",
            ),
            models.CheckConstraint(
                name="share_revoked_by_somebody",
                condition=Q(revoked_at=None, revoked_by=None) | Q(revoked_at__isnull=False, revoked_by__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["sharer", "-id"], name="share_by_sharer"),
            models.Index(fields=["item", "-id"], name="share_by_item"),
        ]

    def __str__(self) -> str:
        return self.public_id
