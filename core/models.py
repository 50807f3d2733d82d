"""What no business room owns: idempotency records, the clock's offset, counted attempts."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class IdempotencyRecord(models.Model):
    """The first answer to one intended effect, kept in the transaction of that effect."""

    owner = models.CharField(max_length=64, help_text="Public id of the acting account, or of the service key.")
    key = models.CharField(max_length=255, help_text="The client's Idempotency-Key.")
    request_digest = models.CharField(max_length=64, help_text="SHA-256 over method, path and body.")
    status = models.SmallIntegerField(null=True, help_text="HTTP status; empty while a remote call is under way.")
    body = models.TextField(default="", help_text="The answer's body as sent.")
    resource = models.CharField(max_length=32, default="", help_text="Public id of the intent that a repeat resumes.")
    created_at = models.DateTimeField(help_text="Database time.", db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_by_age")]

    def __str__(self) -> str:
        return f"{self.owner} {self.key}"


class ClockOffset(models.Model):
    """How far the house's clock is ahead of the machine's: one row, moved in demo and test mode only."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    offset_seconds = models.BigIntegerField(default=0, help_text="Seconds; only grows.")

    class Meta:
        constraints = [models.CheckConstraint(name="clock_has_one_row", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"+{self.offset_seconds} s"


class AttemptCount(models.Model):
    """How often something limited was tried by one subject in the running window (real time)."""

    scope = models.CharField(max_length=40, help_text="What is limited, for example `login`.")
    subject = models.CharField(max_length=64, help_text="Keyed digest of who tries: no address is kept.")
    counted = models.IntegerField(default=0, help_text="Tries that count against the limit.")
    running = models.IntegerField(default=0, help_text="Tries whose outcome is not known yet.")
    window_ends_at = models.DateTimeField(help_text="Machine time.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "subject"], name="attempts_counted_once")]
        indexes = [models.Index(fields=["window_ends_at"], name="attempts_by_window")]

    def __str__(self) -> str:
        return f"{self.scope}: {self.counted}"
