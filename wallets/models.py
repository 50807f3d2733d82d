"""People's money between the ledger and the world: top-ups, withdrawals, earnings, debts."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.ids import PublicIdField


class TopUp(models.Model):
    """Money on its way in through a provider: intent, call, outcome. Booked once it has succeeded."""

    class Status(models.TextChoices):
        IN_PROGRESS = "in_progress"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    public_id = PublicIdField("top")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="top_ups")
    login_account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    provider = models.CharField(max_length=40)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=11, choices=Status.choices, default=Status.IN_PROGRESS)
    provider_reference = models.CharField(max_length=120, blank=True)
    failure = models.CharField(max_length=60, blank=True, help_text="Why the provider refused.")
    requested_at = models.DateTimeField(help_text="By the house's clock.")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(name="top_up_positive", condition=Q(amount_minor__gt=0))]
        indexes = [
            models.Index(fields=["owner", "-id"], name="top_up_by_owner"),
            models.Index(fields=["id"], name="top_up_unfinished", condition=Q(status="in_progress")),
        ]

    def __str__(self) -> str:
        return self.public_id


class Withdrawal(models.Model):
    """Money on its way out: held and booked out at the request; given back if the provider fails."""

    class Status(models.TextChoices):
        IN_PROGRESS = "in_progress"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    public_id = PublicIdField("wdr")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="withdrawals")
    login_account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    provider = models.CharField(max_length=40)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=11, choices=Status.choices, default=Status.IN_PROGRESS)
    provider_reference = models.CharField(max_length=120, blank=True)
    failure = models.CharField(max_length=60, blank=True)
    requested_at = models.DateTimeField(help_text="By the house's clock.")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(name="withdrawal_positive", condition=Q(amount_minor__gt=0))]
        indexes = [
            models.Index(fields=["owner", "-id"], name="withdrawal_by_owner"),
            models.Index(fields=["id"], name="withdrawal_unfinished", condition=Q(status="in_progress")),
        ]

    def __str__(self) -> str:
        return self.public_id


class Earning(models.Model):
    """
    One party's part of one order's money: pending until the hold period is over, then in the wallet.

    `original_minor` is the part at payment; `reversed_minor` what refunds took back, and of that
    `clawed_back_minor` was taken after the release (from the wallet, or as debt).
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        RELEASED = "released"
        REVERSED = "reversed"

    order = models.CharField(max_length=32, help_text="Public id of the order, the subject of all its money.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="earnings")
    role = models.CharField(max_length=20, help_text="For example `seller`.")
    currency = models.CharField(max_length=3)
    original_minor = models.BigIntegerField()
    reversed_minor = models.BigIntegerField(default=0)
    clawed_back_minor = models.BigIntegerField(default=0)
    released_minor = models.BigIntegerField(default=0, help_text="What went to the wallet or repaid a debt.")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    earned_at = models.DateTimeField(help_text="When the order was paid.")
    releases_at = models.DateTimeField(null=True, help_text="Null until the order is completed.")
    released_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=200, help_text="For people, in one sentence.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "owner", "role"], name="earning_once"),
            models.CheckConstraint(
                name="earning_never_below_zero",
                condition=Q(original_minor__gte=F("reversed_minor"))
                & Q(reversed_minor__gte=F("clawed_back_minor"))
                & Q(clawed_back_minor__gte=0)
                & Q(released_minor__gte=F("clawed_back_minor")),
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="earning_by_owner"),
            models.Index(fields=["releases_at", "id"], name="earning_due", condition=Q(status="pending")),
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.order}"

    @property
    def amount_minor(self) -> int:
        return self.original_minor - self.reversed_minor


class Debt(models.Model):
    """What an account owes the platform; later earnings repay it first, and it blocks withdrawals."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="debts")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    repaid_minor = models.BigIntegerField(default=0, help_text="Repaid or written off; only grows.")
    subject = models.CharField(max_length=64, help_text="The order or top-up that it came from.")
    key = models.CharField(max_length=160, unique=True, help_text="The event that opened it.")
    opened_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="debt_never_overpaid",
                condition=Q(amount_minor__gt=0) & Q(repaid_minor__gte=0) & Q(amount_minor__gte=F("repaid_minor")),
            )
        ]
        indexes = [
            models.Index(
                fields=["owner", "currency", "id"],
                name="debt_open",
                condition=Q(amount_minor__gt=F("repaid_minor")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor - self.repaid_minor} {self.currency}"

    @property
    def owed_minor(self) -> int:
        return self.amount_minor - self.repaid_minor


class UnbookedChange(models.Model):
    """A change of a wallet that is decided and not yet booked; gone once billing has booked its event."""

    event_id = models.BigIntegerField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField(help_text="Signed.")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event_id", "owner"], name="unbooked_change_once")]
        indexes = [models.Index(fields=["owner"], name="unbooked_change_by_owner")]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.currency}"
