"""Commission plans: which part of the platform's fee goes to whom."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.ids import PublicIdField

PLAN_NAME_LENGTH_MAX = 80


class Plan(models.Model):
    """
    One version of the plan. Immutable once active (trigger); a sale keeps the version it was shared by.

    The version in force at a moment is the activated one with the latest `effective_from` not after it.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        RETIRED = "retired"

    public_id = PublicIdField("pln")
    name = models.CharField(max_length=PLAN_NAME_LENGTH_MAX)
    version = models.PositiveIntegerField(unique=True)
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.DRAFT)
    document = models.JSONField(help_text="docs/plans.md describes the document.")
    effective_from = models.DateTimeField(null=True, help_text="Null on a shipped first version: since ever.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    activated_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    activated_at = models.DateTimeField(null=True, help_text="By the house's clock.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["effective_from"],
                name="plan_one_at_a_time",
                condition=~Q(status="draft"),
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(F("effective_from").desc(nulls_last=True), name="plan_in_force", condition=~Q(status="draft"))
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"
