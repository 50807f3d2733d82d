"""Pay codes, and from which sum on their owner is asked first."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class PayCode(models.Model):
    """One code of one account: pays once, or is refused once, and is dead after that."""

    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pay_codes", db_index=False
    )
    code_digest = models.CharField(max_length=64, unique=True, help_text="Keyed digest; the code itself is not kept.")
    max_minor = models.BigIntegerField(null=True, help_text="The most it pays; null is no limit.")
    max_currency = models.CharField(max_length=3, blank=True)
    made_at = models.DateTimeField(help_text="By the house's clock, as are the others.")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, help_text="When it was tried, or taken back for a newer one.")
    used_for = models.CharField(max_length=32, blank=True, help_text="Public id of the order it was tried for.")
    refusal = models.CharField(max_length=60, blank=True, help_text="With what code the try was refused.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="pay_code_maximum_whole",
                condition=Q(max_minor__isnull=True, max_currency="") | Q(max_minor__gt=0) & ~Q(max_currency=""),
            ),
            models.CheckConstraint(
                name="pay_code_outcome_of_a_try", condition=Q(used_at__isnull=False) | Q(used_for="", refusal="")
            ),
        ]
        indexes = [
            models.Index(fields=["account"], name="pay_code_unused", condition=Q(used_at=None)),
            models.Index(fields=["expires_at"], name="pay_code_by_age"),
        ]

    def __str__(self) -> str:
        return f"Pay code of {self.account_id}"


class ConfirmationLimit(models.Model):
    """Above it, in its currency, an account confirms a payment at a till on its phone before the debit."""

    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="confirmation_limits", db_index=False
    )
    currency = models.CharField(max_length=3, help_text="ISO 4217 code.")
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "currency"], name="confirmation_limit_once"),
            models.CheckConstraint(name="confirmation_limit_not_negative", condition=Q(amount_minor__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.currency} of {self.account_id}"
