"""Who an account is elsewhere, as a provider has signed it."""

from django.db import models
from django.db.models import Q

from accounts.models.account import Account
from core.ids import PublicIdField


class ExternalIdentity(models.Model):
    """One identity at one provider, bound to one account until it is unbound; stores may let it pay."""

    public_id = PublicIdField("idn")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="identities", db_index=False)
    provider = models.CharField(max_length=40)
    external_id = models.CharField(max_length=200, help_text="The provider's name for the person.")
    bound_at = models.DateTimeField(help_text="By the house's clock, as is the end.")
    unbound_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "external identities"
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "external_id"], name="identity_bound_once", condition=Q(unbound_at=None)
            )
        ]
        indexes = [models.Index(fields=["account", "-id"], name="identity_by_account")]

    def __str__(self) -> str:
        return self.public_id
