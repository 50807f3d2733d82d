"""A second factor: a time-based one-time password (RFC 6238), and recovery codes for a lost phone."""

from django.db import models

from accounts.models.account import Account


class SecondFactor(models.Model):
    """One account's authenticator; in force once it has been confirmed with a first code."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="second_factor")
    secret = models.CharField(max_length=300, help_text="Encrypted (core.secrecy).")
    created_at = models.DateTimeField(help_text="Machine time, as is everything about second factors.")
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0, help_text="The time step of the last code: none is taken twice.")

    def __str__(self) -> str:
        return f"of {self.account_id}"


class RecoveryCode(models.Model):
    """Takes the place of one code of the authenticator, once."""

    factor = models.ForeignKey(SecondFactor, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64, help_text="HMAC of the code.")
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["factor", "digest"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"of {self.factor_id}"
