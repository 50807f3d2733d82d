"""What no business room owns: idempotency records, the clock's offset, counted attempts, jobs, looks."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.ids import PublicIdField


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


class Job(models.Model):
    """
    Long work that somebody asked for: a worker does it in steps, and another goes on where it died.

    The row is all there is: no broker keeps it, so none can lose it.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    public_id = PublicIdField("job")
    kind = models.CharField(max_length=60, help_text="What is done, for example `billing.replay`.")
    arguments = models.JSONField()
    owner = models.CharField(max_length=32, help_text="Public id of the acting account.")
    login = models.CharField(max_length=32, help_text="Public id of the account that logged in.")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.QUEUED)
    done = models.BigIntegerField(default=0, help_text="How much of `total` is done.")
    total = models.BigIntegerField(default=0)
    checkpoint = models.JSONField(null=True, help_text="From where the work goes on if its worker dies.")
    result = models.JSONField(null=True)
    error_code = models.CharField(max_length=60, default="", blank=True)
    error_detail = models.TextField(default="", blank=True)
    attempt = models.IntegerField(default=0, help_text="Counts who has taken it up; only the last one may write.")
    failures = models.IntegerField(default=0, help_text="How often it broke off since its last step.")
    cancel_wished_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True, help_text="The last step, by the database's clock.")
    not_before = models.DateTimeField(null=True, help_text="Backing off until then, by the database's clock.")
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="job_finished_once",
                condition=Q(status__in=["queued", "running"], finished_at__isnull=True)
                | Q(~Q(status__in=["queued", "running"]), finished_at__isnull=False),
            ),
            models.CheckConstraint(name="job_progress", condition=Q(done__gte=0) & Q(total__gte=F("done"))),
        ]
        indexes = [
            models.Index(fields=["id"], name="job_unfinished", condition=Q(finished_at__isnull=True)),
            models.Index(fields=["finished_at"], name="job_by_age", condition=Q(finished_at__isnull=False)),
            models.Index(fields=["owner", "-id"], name="job_by_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    @property
    def progress(self) -> int:
        """How much is done, in percent."""
        if self.status == self.Status.DONE:
            return 100
        return self.done * 100 // self.total if self.total else 0

    @property
    def is_finished(self) -> bool:
        return self.finished_at is not None


class Heartbeat(models.Model):
    """When a worker last looked for work, so that people see that somebody looks; one row for each process."""

    worker = models.CharField(max_length=120, primary_key=True, help_text="Kind, host and process.")
    kind = models.CharField(max_length=40)
    looked_at = models.DateTimeField(help_text="By the database's clock.")

    def __str__(self) -> str:
        return self.worker


class BookVerdict(models.Model):
    """One look at the books (`manage.py verify_books`): what it looked at, and what it found."""

    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    checks_count = models.IntegerField()
    rows_count = models.BigIntegerField(help_text="How many keys the checks walked.")
    findings_count = models.IntegerField()
    findings = models.JSONField(default=list, help_text="The first of them: {check, subject, detail}.")
    limited_to = models.CharField(max_length=300, blank=True, help_text="Empty where it looked at everything.")

    class Meta:
        verbose_name = "verification of the books"
        verbose_name_plural = "verifications of the books"
        indexes = [models.Index(fields=["-ended_at"], name="book_verdict_newest")]

    def __str__(self) -> str:
        return f"{self.ended_at:%Y-%m-%d %H:%M} UTC"
