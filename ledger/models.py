"""
The book. Rows are booked by `ledger.posting` only, from events through rules.

Journals, transfers, movements and batches are written once (triggers) and carry no foreign-key
constraints: those cost two thirds of the booking speed, and deadlocks. `verify_books` checks the references.
"""

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.ids import encode_key

CODE_LENGTH_MAX = 80
LEG_BITS = 8  # A transfer's id is its journal's id and its leg in one number.
LEGS_MAX = 2**LEG_BITS

# Whoever locks several accounts does so in this order. Those that payments wait for come last: a batch that waits for
# another one's lock holds none of them meanwhile.
LOCK_ORDER = ("must_cover", "id")

# SQL: the transfers of journal `j`. The limit can never be reached: it tells the planner, which takes a range of
# ids for a good part of the table and would read all of that, how few there are.
TRANSFERS_OF_JOURNAL = """
JOIN LATERAL (SELECT * FROM ledger_transfer WHERE id >= j.event_id << 8 AND id < (j.event_id + 1) << 8 LIMIT 256)
"""

# Longer than an event may lie ahead of the clock (EVENT_FUTURE_TOLERANCE): else one of those would make
# everything after it late. Booked rows keep what it was when they were booked.
LATE_AFTER = timedelta(minutes=10)


class LedgerAccount(models.Model):
    """One purpose of one owner in one currency, for example `wallet:acc_01J…`. Balance: credits less debits."""

    code = models.CharField(max_length=CODE_LENGTH_MAX)
    currency = models.CharField(max_length=3, help_text="ISO 4217 code.")
    debits_minor = models.BigIntegerField(db_default=0, help_text="All debits ever booked; only grows.")
    credits_minor = models.BigIntegerField(db_default=0, help_text="All credits ever booked; only grows.")
    held_minor = models.BigIntegerField(db_default=0, help_text="Reserved by holds that are not yet booked.")
    must_cover = models.BooleanField(db_default=False, help_text="Never below its holds: wallets.")
    must_owe = models.BooleanField(db_default=False, help_text="Never repaid beyond what is owed: debts.")
    effective_latest = models.DateTimeField(null=True, help_text="Latest `effective_at` ever booked; only grows.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code", "currency"], name="ledger_account_once"),
            models.CheckConstraint(
                name="ledger_account_counts_up",
                condition=Q(debits_minor__gte=0) & Q(credits_minor__gte=0) & Q(held_minor__gte=0),
            ),
            models.CheckConstraint(
                name="ledger_account_covers_holds",
                condition=Q(must_cover=False) | Q(credits_minor__gte=F("debits_minor") + F("held_minor")),
            ),
            models.CheckConstraint(
                name="ledger_account_owes",
                condition=Q(must_owe=False) | Q(debits_minor__gte=F("credits_minor")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.currency}"

    @property
    def balance_minor(self) -> int:
        return self.credits_minor - self.debits_minor

    @property
    def available_minor(self) -> int:
        return self.balance_minor - self.held_minor


class Hold(models.Model):
    """
    Money of one ledger account that is promised and not yet booked.

    A hold without `expires_at` is named by an event on its way to billing; booking that event
    releases the whole hold and deletes this row. One with `expires_at` belongs to a waiting business row.
    """

    account = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="holds")
    amount_minor = models.BigIntegerField()
    key = models.CharField(max_length=160, help_text="The event's key, or the public id of the waiting business row.")
    expires_at = models.DateTimeField(null=True, help_text="By the house's clock; null once an event names it.")
    placed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "account"], name="hold_once"),
            models.CheckConstraint(name="hold_positive", condition=Q(amount_minor__gt=0)),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="hold_by_expiry", condition=Q(expires_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} for {self.key}"


class Batch(models.Model):
    """Journals booked together: one net change per account."""

    id = models.BigIntegerField(primary_key=True, help_text="From a sequence, before the rows are copied.")
    trigger = models.CharField(max_length=10, help_text="What cut it: period, accounts, transfers or manual.")
    events_count = models.IntegerField()
    transfers_count = models.IntegerField()
    accounts_count = models.IntegerField()
    opened_at = models.DateTimeField(help_text="When its oldest event was recorded.")
    booked_at = models.DateTimeField(help_text="Clock time after the account locks.")

    class Meta:
        verbose_name_plural = "batches"
        indexes = [models.Index(fields=["booked_at", "id"], name="batch_by_booking")]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return encode_key("bat", self.id)


class Journal(models.Model):
    """All transfers of one event; its key is the event's. Pins the rule that decided and the batch."""

    event_id = models.BigIntegerField(primary_key=True)
    batch_id = models.BigIntegerField()
    rule_set_id = models.BigIntegerField(help_text="The version of the rule set that was in force.")
    rule = models.CharField(max_length=80, help_text="The rule's name within its event type.")
    reverses_id = models.BigIntegerField(null=True, help_text="The journal that this one takes back.")
    effective_at = models.DateTimeField(help_text="When it happened.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reverses_id"], name="journal_reversed_once", condition=Q(reverses_id__isnull=False)
            )
        ]
        indexes = [models.Index(fields=["batch_id"], name="journal_by_batch")]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return encode_key("jrn", self.event_id)


class Transfer(models.Model):
    """A positive amount from a debit account to a credit account: an unbalanced book cannot be written."""

    id = models.BigIntegerField(primary_key=True, help_text="The journal's id times 256, plus the leg.")
    batch_id = models.BigIntegerField()
    debit_id = models.BigIntegerField()
    credit_id = models.BigIntegerField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = [
            models.CheckConstraint(name="transfer_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(name="transfer_between_two", condition=~Q(debit_id=F("credit_id"))),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return encode_key("trf", self.id)

    @property
    def journal_id(self) -> int:
        return self.id >> LEG_BITS


class Movement(models.Model):
    """
    What one batch did to one account, with the account's totals after it.

    Ids are taken under the account's lock, so per account they are the booking order.
    """

    account_id = models.BigIntegerField()
    batch_id = models.BigIntegerField()
    debits_minor = models.BigIntegerField(help_text="This batch's debits.")
    credits_minor = models.BigIntegerField(help_text="This batch's credits.")
    debits_after_minor = models.BigIntegerField()
    credits_after_minor = models.BigIntegerField()
    effective_min = models.DateTimeField(help_text="Earliest `effective_at` among its journals on this account.")
    effective_max = models.DateTimeField(help_text="Latest one: a look back as of later than this takes it whole.")
    effective_latest_after = models.DateTimeField(help_text="The account's latest one after it; only grows.")
    late = models.BooleanField(help_text="Some of it is effective long before what is booked by then (`LATE_AFTER`).")
    booked_at = models.DateTimeField(help_text="The batch's.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch_id", "account_id"], name="movement_once")]
        indexes = [
            models.Index(fields=["account_id", "booked_at", "id"], name="movement_by_account"),
            models.Index(fields=["account_id", "booked_at"], name="movement_late", condition=Q(late=True)),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} in {encode_key('bat', self.batch_id)}"


class MovementLegs(models.Model):
    """
    The way from a movement to its transfers: which of a batch's transfers touch one account, oldest id first.

    Nothing in it is new, and `verify_books` makes it again from the transfers; it is what two indexes on them were,
    at a third of the work (docs/decisions/0099).
    """

    pk = models.CompositePrimaryKey("batch_id", "account_id")
    batch_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    transfer_ids = ArrayField(models.BigIntegerField())

    def __str__(self) -> str:
        return f"{len(self.transfer_ids)} of {self.account_id} in {encode_key('bat', self.batch_id)}"


class Seal(models.Model):
    """
    One link of a chain of hashes over all batches, in the order in which they were booked (docs/seals.md).

    Written once, by `ledger.seals`, when nothing can be booked before its batch any more.
    """

    number = models.BigIntegerField(primary_key=True, help_text="1, 2, 3 … without a gap.")
    batch_id = models.BigIntegerField(unique=True)
    booked_at = models.DateTimeField(help_text="The batch's.")
    digest = models.BinaryField(help_text="SHA-256 over the seal before, this row, and every row of the batch.")
    rows = models.BinaryField(help_text="Four bytes of each sealed row's hash, to find the one that was changed.")
    format = models.SmallIntegerField(help_text="Which columns were sealed, and how.")
    sealed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["booked_at"], name="seal_by_booking")]

    def __str__(self) -> str:
        return f"{self.number} {self.hash}"

    @property
    def hash(self) -> str:
        return bytes(self.digest).hex()


class PurposeDay(models.Model):
    """What accounts of one purpose turned over on one day of the world (UTC); a roll-up, made by `ledger.rollups`."""

    day = models.DateField(help_text="Of `effective_at`, in UTC.")
    purpose = models.CharField(max_length=CODE_LENGTH_MAX, help_text="The first word of the accounts' codes.")
    currency = models.CharField(max_length=3)
    debits_minor = models.BigIntegerField()
    credits_minor = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "purpose", "currency"], name="purpose_day_once")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.currency} on {self.day}"


class RollupMark(models.Model):
    """The last batch that a roll-up has added; its lock is the right to add the next."""

    name = models.CharField(max_length=40, primary_key=True)
    booked_at = models.DateTimeField(null=True, help_text="The batch's; null before the first.")
    batch_id = models.BigIntegerField(db_default=0, default=0)
    as_of = models.DateTimeField(null=True, help_text="All that was booked until then is in it.")

    def __str__(self) -> str:
        return f"{self.name} up to {self.as_of}"
