"""What was asked of providers, what they have told us by themselves, and what people decided in their place."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

REFERENCE_LENGTH_MAX = 120


class ProviderAttempt(models.Model):
    """
    One call of a provider. Written before it, and once more when it is answered.

    Without an answer the process died or the connection broke on the way: nobody knows whether the call arrived.
    """

    class What(models.TextChoices):
        CHARGE = "charge"
        PAYOUT = "payout"
        REFUND = "refund"
        QUERY = "query"
        CANCEL = "cancel"

    class Answer(models.TextChoices):
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        IN_PROGRESS = "in_progress"
        NOT_KNOWN = "not_known"

    provider = models.CharField(max_length=40)
    reference = models.CharField(max_length=32, help_text="Our public id of the top-up, withdrawal or charge.")
    what = models.CharField(max_length=7, choices=What.choices)
    answer = models.CharField(max_length=11, choices=Answer.choices, blank=True, help_text="Empty: none came.")
    reason = models.CharField(max_length=60, blank=True, help_text="Why the provider refused.")
    started_at = models.DateTimeField(default=timezone.now, help_text="By the machine's clock.")
    answered_at = models.DateTimeField(null=True, help_text="By the machine's clock.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="provider_attempt_answered_once",
                condition=Q(answer="", answered_at=None) | Q(~Q(answer=""), answered_at__isnull=False),
            )
        ]
        indexes = [
            models.Index(fields=["reference", "id"], name="provider_attempt_by_payment"),
            models.Index(fields=["-id"], name="provider_attempt_unanswered", condition=Q(answer="")),
        ]

    def __str__(self) -> str:
        return f"{self.what} of {self.reference}"


class WebhookNotice(models.Model):
    """Something a provider has told us by itself, kept once by the provider's own id of it; written once (trigger)."""

    class Effect(models.TextChoices):
        FINISHED = "finished"  # It brought the payment's outcome.
        KNOWN = "known"  # The outcome was known, or was not final.
        OTHER = "other"  # Nothing of ours.

    provider = models.CharField(max_length=40)
    event_id = models.CharField(max_length=REFERENCE_LENGTH_MAX, help_text="The provider's own id of it.")
    kind = models.CharField(max_length=80, help_text="What the provider calls it.")
    reference = models.CharField(max_length=32, blank=True, help_text="Our public id that it is about.")
    effect = models.CharField(max_length=8, choices=Effect.choices)
    received_at = models.DateTimeField(default=timezone.now, help_text="By the machine's clock.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="webhook_notice_once")]
        indexes = [models.Index(fields=["reference", "id"], name="webhook_notice_by_payment")]

    def __str__(self) -> str:
        return self.event_id


class ProviderDecision(models.Model):
    """
    What operators decided about a payment whose provider never said how it ended.

    To give up waiting takes one of them; to write an outcome by hand, one who asks and another one who agrees.
    Kept for ever: once decided or withdrawn it never changes (trigger).
    """

    class What(models.TextChoices):
        GIVEN_UP = "given_up"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    provider = models.CharField(max_length=40)
    reference = models.CharField(max_length=32, help_text="Our public id of the top-up, withdrawal or charge.")
    what = models.CharField(max_length=9, choices=What.choices)
    provider_reference = models.CharField(
        max_length=REFERENCE_LENGTH_MAX, blank=True, help_text="The provider's own name for it, as its people say."
    )
    reason = models.CharField(max_length=500, help_text="Who said so, and how it is known.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    requested_login = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    requested_at = models.DateTimeField(help_text="By the house's clock, as are the others.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reference"],
                name="provider_decision_one_open",
                condition=Q(decided_at=None, withdrawn_at=None),
            ),
            models.CheckConstraint(
                name="provider_decision_states",
                condition=Q(decided_at=None, decided_by=None, withdrawn_at=None, withdrawn_by=None)
                | Q(decided_at__isnull=False, decided_by__isnull=False, withdrawn_at=None, withdrawn_by=None)
                | Q(decided_at=None, decided_by=None, withdrawn_at__isnull=False, withdrawn_by__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["reference", "id"], name="provider_decision_by_payment")]

    class Status(models.TextChoices):
        REQUESTED = "requested"
        DECIDED = "decided"
        WITHDRAWN = "withdrawn"

    def __str__(self) -> str:
        return f"{self.reference} {self.what}"

    @property
    def status(self) -> str:
        if self.withdrawn_at is not None:
            return self.Status.WITHDRAWN
        return self.Status.REQUESTED if self.decided_at is None else self.Status.DECIDED
