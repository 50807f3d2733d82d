"""What a seller gives to those who bring customers to an item."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.ids import PublicIdField
from core.money import Money


class ShareProgram(models.Model):
    """
    One version of an item's program; only its ends are ever written into it (trigger).

    A share keeps the version it was made under: what a seller changes concerns shares made from then on. Where the
    seller ends the program, all its versions have `ended_at`, and no share of any of them leads anywhere any more. The
    budget is the item's, whatever the version (`ShareBudget`).
    """

    class Model(models.TextChoices):
        LAST_TOUCH = "last_touch"
        FIRST_TOUCH = "first_touch"

    public_id = PublicIdField("spr")
    item = models.ForeignKey("catalog.Item", on_delete=models.PROTECT, related_name="share_programs", db_index=False)
    version = models.PositiveIntegerField(help_text="Counts the item's versions from 1.")
    rate_bps = models.PositiveIntegerField(null=True, help_text="Of the line's amount; or `amount_minor`.")
    amount_minor = models.BigIntegerField(null=True, help_text="For each unit sold; or `rate_bps`.")
    currency = models.CharField(max_length=3, help_text="ISO 4217 code: the item's when the version was made.")
    window_days = models.PositiveIntegerField(help_text="An order finds scans that are at most this old.")
    model = models.CharField(max_length=11, choices=Model.choices)
    lock_days = models.PositiveIntegerField(
        null=True, help_text="So long after an order the same sharer has the buyer's further ones; null never."
    )
    budget_minor = models.BigIntegerField(null=True, help_text="What the item's shares may cost in all; null any sum.")
    hosts = models.JSONField(default=list, help_text="Hosts beside our own that activity pages may be on.")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False, help_text="Acting."
    )
    login_account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    from_at = models.DateTimeField(help_text="By the house's clock.")
    until_at = models.DateTimeField(null=True, help_text="When the next version or nothing followed.")
    ended_at = models.DateTimeField(null=True, help_text="When the seller ended the program, with all its versions.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "version"], name="share_program_version_once"),
            models.UniqueConstraint(fields=["item"], condition=Q(until_at=None), name="share_program_one_in_force"),
            models.CheckConstraint(
                name="share_program_rate_or_amount",
                condition=Q(rate_bps__range=(1, 10_000), amount_minor=None) | Q(rate_bps=None, amount_minor__gt=0),
            ),
            models.CheckConstraint(
                name="share_program_limits_positive",
                condition=Q(window_days__gt=0)
                & (Q(lock_days=None) | Q(lock_days__gt=0))
                & (Q(budget_minor=None) | Q(budget_minor__gt=0)),
            ),
            models.CheckConstraint(
                name="share_program_ends_after_it_began", condition=Q(until_at=None) | Q(until_at__gte=F("from_at"))
            ),
            models.CheckConstraint(
                name="share_program_ends_with_its_versions",
                condition=Q(ended_at=None) | Q(until_at__isnull=False, ended_at__gte=F("until_at")),
            ),
        ]
        indexes = [models.Index(fields=["-id"], name="share_program_ended", condition=Q(ended_at__isnull=False))]

    def __str__(self) -> str:
        return self.public_id

    @property
    def window(self) -> timedelta:
        return timedelta(days=self.window_days)

    @property
    def amount(self) -> Money | None:
        """What one unit sold gives, where that is fixed."""
        return None if self.amount_minor is None else Money(self.amount_minor, self.currency)


class ShareBudget(models.Model):
    """
    What an item's shares have cost since its program first had a budget, less what refunds gave back.

    The row that charges of one item lock one after the other, so that they never come to more than the budget.
    """

    item = models.OneToOneField("catalog.Item", primary_key=True, on_delete=models.PROTECT, related_name="share_budget")
    currency = models.CharField(max_length=3)
    limit_minor = models.BigIntegerField(null=True, help_text="The program's budget; null once it has none any more.")
    spent_minor = models.BigIntegerField(default=0)
    began_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.CheckConstraint(name="share_budget_not_negative", condition=Q(spent_minor__gte=0))]

    def __str__(self) -> str:
        return str(Money(self.spent_minor, self.currency))
