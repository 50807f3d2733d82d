"""Pay codes, the secrets that phones make some with, and from which sum on their owner is asked first."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.ids import PublicIdField
from wallets.pay_codes.offline import KEY_NUMBER_DIGITS

NAME_LENGTH_MAX = 80

MAXIMUM_WHOLE = Q(max_minor__isnull=True, max_currency="") | Q(max_minor__gt=0) & ~Q(max_currency="")


class PayCodeSecret(models.Model):
    """
    With what one phone makes codes by itself. It lives as long as the session in which it was enrolled.

    Its codes are in no table until they are tried: then each is a `PayCode`.
    """

    public_id = PublicIdField("pcs")
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pay_code_secrets", db_index=False
    )
    session = models.ForeignKey(
        "accounts.Session", on_delete=models.CASCADE, related_name="+", help_text="The phone's log-in: its end is ours."
    )
    key_number = models.CharField(max_length=KEY_NUMBER_DIGITS, unique=True, help_text="Stands in each of its codes.")
    secret = models.CharField(max_length=300, blank=True, help_text="Encrypted (core.secrecy); blank once revoked.")
    name = models.CharField(max_length=NAME_LENGTH_MAX, blank=True, help_text="What its owner calls the phone.")
    max_minor = models.BigIntegerField(null=True, help_text="The most each of its codes pays; null is no limit.")
    max_currency = models.CharField(max_length=3, blank=True)
    made_at = models.DateTimeField(help_text="By the house's clock, as is the end.")
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="pay_code_secret_maximum_whole", condition=MAXIMUM_WHOLE),
            models.CheckConstraint(
                name="pay_code_secret_gone_once_revoked",
                condition=Q(revoked_at=None) & ~Q(secret="") | Q(revoked_at__isnull=False, secret=""),
            ),
            models.CheckConstraint(
                name="pay_code_secret_key_number_whole",
                condition=Q(key_number__regex=rf"^[0-9]{{{KEY_NUMBER_DIGITS}}}$"),
            ),
        ]
        indexes = [models.Index(fields=["account", "-id"], name="pay_code_secret_by_account")]

    def __str__(self) -> str:
        return self.public_id


class PayCode(models.Model):
    """
    One code of one account: pays once, or is refused once, and is dead after that.

    A code that a phone has made is a row since it was tried, and used from the start.
    """

    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="pay_codes", db_index=False
    )
    secret = models.ForeignKey(
        PayCodeSecret,
        null=True,
        on_delete=models.CASCADE,
        related_name="codes",
        db_index=False,
        help_text="With what a phone has made it; null where we did.",
    )
    step = models.BigIntegerField(null=True, help_text="In which period of 30 s since 1970 a phone has made it.")
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
            models.CheckConstraint(name="pay_code_maximum_whole", condition=MAXIMUM_WHOLE),
            models.CheckConstraint(
                name="pay_code_outcome_of_a_try", condition=Q(used_at__isnull=False) | Q(used_for="", refusal="")
            ),
            models.UniqueConstraint(fields=["secret", "step"], name="pay_code_once_per_period"),
            models.CheckConstraint(
                name="pay_code_of_a_phone_is_used",
                condition=Q(secret=None, step=None)
                | Q(secret__isnull=False, step__isnull=False, used_at__isnull=False) & ~Q(used_for=""),
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
