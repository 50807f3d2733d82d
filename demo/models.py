"""The demo bank's own book: the tables of a third party, which nobody of the house reads or writes."""

from django.db import models
from django.db.models import Q


class BankAccount(models.Model):
    """What one customer of the bank has in one currency; opened when somebody is charged for the first time."""

    identity = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    balance_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["identity", "currency"], name="bank_account_once"),
            models.CheckConstraint(name="bank_account_never_overdrawn", condition=Q(balance_minor__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.identity} {self.currency}"


class BankEntry(models.Model):
    """One thing that the bank was asked for, under the house's reference, once; what is final stays so."""

    class Kind(models.TextChoices):
        CHARGE = "charge"
        REFUND = "refund"

    class State(models.TextChoices):
        WAITING = "waiting"
        MADE = "made"
        REFUSED = "refused"

    reference = models.CharField(max_length=32, unique=True, help_text="The house's public id of it.")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    state = models.CharField(max_length=7, choices=State.choices)
    reason = models.CharField(max_length=60, blank=True, help_text="Why it is refused.")
    identity = models.CharField(max_length=200, blank=True, help_text="Empty: cancelled before anything came.")
    trade_no = models.CharField(max_length=32, blank=True)
    charge = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="refunds")
    amount_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="bank_entry_refund_of_charge",
                condition=Q(kind="charge", charge=None) | Q(kind="refund", charge__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"
