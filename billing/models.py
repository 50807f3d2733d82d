"""Which event goes to which ledger accounts: declared types and versions of the rule set."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.ids import PublicIdField, encode_key
from events.models import Delivery


class EventType(models.Model):
    """A kind of money fact that an operator declared; the built-in ones are in `event_types.py`."""

    type = models.CharField(max_length=80, unique=True)
    parties = models.JSONField(help_text='[{"name": "payer", "is": "account" | "ledger"}]')
    amounts = models.JSONField(help_text='[{"name": "gross"}, {"name": "fee", "part_of": "gross"}]')
    parameters = models.JSONField(help_text="Names; always with institution, channel and currency.")
    external = models.BooleanField(help_text="May be sent from outside.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.type


class RuleSet(models.Model):
    """One version of the rules. Immutable once active (trigger); the past keeps the version that booked it."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        RETIRED = "retired"

    public_id = PublicIdField("rls")
    name = models.CharField(max_length=80)
    version = models.PositiveIntegerField()
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.DRAFT)
    document = models.JSONField(help_text="docs/api.md describes the document.")
    effective_from = models.DateTimeField(null=True, help_text="Null on an active first version: since ever.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    activated_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    activated_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version"], name="rule_set_version_once")]
        indexes = [
            models.Index(fields=["effective_from"], name="rule_set_in_force", condition=~Q(status="draft")),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class ServiceKey(models.Model):
    """A payment server's credential, bound to the external event types it may send."""

    public_id = PublicIdField("svc")
    name = models.CharField(max_length=120)
    key_digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key; shown once.")
    types = models.JSONField(help_text="Names of external event types.")
    daily_limit_minor = models.BigIntegerField(null=True)
    daily_limit_currency = models.CharField(max_length=3, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class ExternalEvent(models.Model):
    """Who sent an event from outside, and what exactly: a repeat of its key must say the same."""

    event_id = models.BigIntegerField(primary_key=True)
    key = models.CharField(max_length=160, unique=True, help_text="The sender's key.")
    body_digest = models.CharField(max_length=64, help_text="SHA-256 of the canonical body.")
    sent_by = models.CharField(max_length=32, help_text="Public id of the service key or operator.")
    total_minor = models.BigIntegerField(help_text="Sum of its wholes, for daily limits.")
    currency = models.CharField(max_length=3)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["sent_by", "recorded_at"], name="external_event_by_sender")]

    def __str__(self) -> str:
        return self.key


class Rebooking(models.Model):
    """
    Which event a `journal.rebooked` stands for. Written once, with that event.

    Each journal is taken back once (`journal_reversed_once`) and replaced once (here), so that an event has
    at most one journal that is not taken back.
    """

    event_id = models.BigIntegerField(primary_key=True, help_text="The `journal.rebooked`, whose journal it is.")
    stands_for_id = models.BigIntegerField(help_text="The event of the past that is booked again.")
    replaces_id = models.BigIntegerField(unique=True, help_text="The journal that was taken back for it.")

    class Meta:
        indexes = [models.Index(fields=["stands_for_id", "-event_id"], name="rebooking_of_event")]

    def __str__(self) -> str:
        return f"{self.event_id} for {self.stands_for_id}"


class JournalReversal(models.Model):
    """An operator's wish to take a journal back, until a second one approves it or it is withdrawn."""

    journal_id = models.BigIntegerField()
    reason = models.CharField(max_length=500)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_login = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(help_text="By the house's clock.")
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    event_id = models.BigIntegerField(null=True, unique=True, help_text="The `journal.reversed` that did it.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["journal_id"], name="journal_reversal_once", condition=Q(withdrawn_at__isnull=True)
            ),
            models.CheckConstraint(
                name="journal_reversal_states",
                condition=Q(approved_at__isnull=True, approved_by__isnull=True, event_id__isnull=True)
                | Q(
                    approved_at__isnull=False,
                    approved_by__isnull=False,
                    event_id__isnull=False,
                    withdrawn_at__isnull=True,
                ),
            ),
        ]

    class Status(models.TextChoices):
        REQUESTED = "requested"
        REVERSED = "reversed"
        WITHDRAWN = "withdrawn"

    def __str__(self) -> str:
        return f"{encode_key('jrn', self.journal_id)} {self.status}"

    @property
    def status(self) -> str:
        if self.withdrawn_at is not None:
            return self.Status.WITHDRAWN
        return self.Status.REQUESTED if self.approved_at is None else self.Status.REVERSED


class SeenConfiguration(models.Model):
    """
    How often a type's events were booked with exactly these parameters; a roll-up for the coverage report.

    It can be made again from the journals at any time, and knows batches up to `CoverageMark`.
    """

    type = models.CharField(max_length=80)
    digest = models.CharField(max_length=32, help_text="MD5 of the parameters: they are too long for an index.")
    parameters = models.JSONField(help_text="All of the event's; which of them rules tell apart, the rules say.")
    count = models.BigIntegerField()
    oldest = models.DateTimeField(help_text="The earliest `occurred_at`.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["type", "digest"], name="seen_configuration_once")]

    def __str__(self) -> str:
        return f"{self.type} {self.parameters}"


class CoverageMark(models.Model):
    """The last batch that `SeenConfiguration` has counted; one row, whose lock is the right to count."""

    booked_at = models.DateTimeField(null=True, help_text="The batch's; null before the first.")
    batch_id = models.BigIntegerField(db_default=0)

    def __str__(self) -> str:
        return f"counted up to {self.booked_at}"


class UnpostedEvent(Delivery):
    """A delivery that billing set aside: the operators' list of them."""

    class Meta:
        proxy = True

    def __str__(self) -> str:
        return encode_key("evt", self.event_id)
