"""Who looked at which share, what that is worth, and who has claimed it."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from core.ids import encode_key
from sharing.models.shares import Share

AGENT_LENGTH_MAX = 300
SIGNAL_LENGTH_MAX = 20


class ScanClass(models.TextChoices):
    """What a scan was. Only `human` earns, and only that of somebody else than the sharer."""

    HUMAN = "human"
    BOT = "bot"
    PREVIEW = "preview"
    SELF = "self"


class Signal(models.TextChoices):
    """What a scan's request said beside its agent, or how else it came about."""

    HEAD = "head"
    PREFETCH = "prefetch"
    NAMED = "named"  # Somebody named the sharer's code, at a till or in an order: nobody was redirected.


class Scan(models.Model):
    """
    One look at a share, whoever it was by.

    The table is partitioned by months of `recorded_at` (sharing/migrations), so that what is too old is dropped and
    never deleted row by row; `core.partitions` makes and drops the months. A row changes only where its class does:
    when a newer classifier is replayed, or when the sharer turns out to have looked itself.
    """

    id = models.BigIntegerField(primary_key=True)
    recorded_at = models.DateTimeField(help_text="Machine time; chooses the partition.")
    scanned_at = models.DateTimeField(help_text="By the house's clock.")
    share = models.ForeignKey(Share, on_delete=models.DO_NOTHING, related_name="scans", db_constraint=False)
    scan_class = models.CharField(max_length=7, choices=ScanClass.choices)
    classifier = models.PositiveSmallIntegerField(help_text="The version that classified it.")
    visitor = models.BigIntegerField(
        null=True, help_text="Keyed digest of address and agent, of no use after its day; null where there was none."
    )
    is_repeat = models.BooleanField(help_text="The same visitor's, share's and class's within the hour.")
    agent = models.CharField(max_length=AGENT_LENGTH_MAX, help_text="As the client called itself; cut.")
    signals = ArrayField(models.CharField(max_length=SIGNAL_LENGTH_MAX, choices=Signal.choices))

    class Meta:
        managed = False
        db_table = "sharing_scan"

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return encode_key("scn", self.id)


class ScanClaim(models.Model):
    """
    Whose scan it was: the account that first used its token, for good.

    From here on nothing depends on what the customer's browser remembers. Orders look here, never into the log.
    """

    scan_id = models.BigIntegerField(primary_key=True)
    share = models.ForeignKey(Share, on_delete=models.PROTECT, related_name="claims", db_index=False)
    item = models.ForeignKey("catalog.Item", on_delete=models.PROTECT, related_name="+", db_index=False)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="scan_claims", db_index=False
    )
    login_account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    scan_class = models.CharField(max_length=7, choices=ScanClass.choices)
    scanned_at = models.DateTimeField(help_text="By the house's clock.")
    claimed_at = models.DateTimeField(help_text="By the house's clock.")

    class Meta:
        indexes = [models.Index(fields=["account", "item", "scanned_at"], name="scan_claim_by_account")]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """The scan's."""
        return encode_key("scn", self.scan_id)


class ScanDay(models.Model):
    """
    How a share was looked at on one day of the house's clock, as far as `ScanMark` says.

    What the reports read instead of the log; made from it, and kept when its months are dropped.
    """

    pk = models.CompositePrimaryKey("share_id", "day")
    share = models.ForeignKey(
        Share, on_delete=models.DO_NOTHING, related_name="scan_days", db_constraint=False, db_index=False
    )
    day = models.DateField(help_text="UTC.")
    human = models.BigIntegerField()
    bot = models.BigIntegerField()
    preview = models.BigIntegerField()
    by_sharer = models.BigIntegerField(help_text="Class `self`.")
    visitors = models.BigIntegerField(help_text="Human scans that are no repeats.")

    def __str__(self) -> str:
        return f"{self.share_id} on {self.day}"


class ScanMark(models.Model):
    """The `recorded_at` up to which `ScanDay` has counted; one row, whose lock is the right to count."""

    counted_to = models.DateTimeField(help_text="Machine time; 1970 before the first.")

    def __str__(self) -> str:
        return f"counted up to {self.counted_to}"
