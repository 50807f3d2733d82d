"""Where withdrawals go, encrypted, since only the payout needs it whole."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.ids import PublicIdField


class PayoutTarget(models.Model):
    """One place of one account at one provider. What it says is never changed: another place is another target."""

    public_id = PublicIdField("pyt")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payout_targets", db_index=False
    )
    provider = models.CharField(max_length=40, help_text="Who pays out to it.")
    name = models.CharField(max_length=80, blank=True, help_text="What its owner calls it.")
    destination = models.CharField(
        max_length=400, blank=True, help_text="Encrypted (core.secrecy); empty once it is removed."
    )
    ends_in = models.CharField(max_length=4, blank=True, help_text="Its last characters, for its owner to know it by.")
    added_at = models.DateTimeField(help_text="By the house's clock.")
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="payout_target_forgotten_when_removed",
                condition=Q(removed_at=None) & ~Q(destination="") | Q(removed_at__isnull=False, destination=""),
            )
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="payout_target_by_owner", condition=Q(removed_at=None)),
        ]

    def __str__(self) -> str:
        return self.public_id
