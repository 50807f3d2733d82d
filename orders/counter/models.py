"""Tills, and what they asked for: names of other rooms' and of the orders' models stand as texts."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.ids import PublicIdField

INSTITUTION_LENGTH_MAX = 80


class Terminal(models.Model):
    """A till of one store. It may do only what is of that store, with a key that is shown once."""

    public_id = PublicIdField("trm")
    store = models.ForeignKey("catalog.Store", on_delete=models.PROTECT, related_name="terminals", db_index=False)
    name = models.CharField(max_length=80)
    institution = models.CharField(
        max_length=INSTITUTION_LENGTH_MAX,
        blank=True,
        help_text="Whose till it is, a bank's for example; for the rules.",
    )
    key_digest = models.CharField(max_length=64, unique=True, help_text="Keyed digest; the key itself is not kept.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False, help_text="Who logged in."
    )
    created_at = models.DateTimeField(help_text="By the house's clock, as are the others.")
    rotated_at = models.DateTimeField(null=True, help_text="When it last got a new key.")
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="The operator who took it out of service; null where its seller did.",
    )
    revoke_reason = models.CharField(max_length=500, blank=True, db_default="", default="")

    class Meta:
        indexes = [models.Index(fields=["store", "-id"], name="terminal_by_store")]

    def __str__(self) -> str:
        return self.name


class CounterTrade(models.Model):
    """
    What a till adds to its order: where, under which sequence, and what has kept it from being paid.

    Its state is the order's; beside it only stands whether the customer has yet to confirm.
    """

    class TillWay(models.TextChoices):
        PAY_CODE = "pay_code"
        IDENTITY = "identity"

    order = models.OneToOneField("orders.Order", on_delete=models.PROTECT, related_name="counter_trade")
    store = models.ForeignKey("catalog.Store", on_delete=models.PROTECT, related_name="trades", db_index=False)
    terminal = models.ForeignKey(Terminal, on_delete=models.PROTECT, related_name="trades", db_index=False)
    sequence = models.BigIntegerField(help_text="The till's own number of it.")
    closes_at = models.DateTimeField(help_text="When time closes it, unless it is paid; by the house's clock.")
    refusal = models.CharField(max_length=60, blank=True, help_text="With what code the last payment was refused.")
    refusal_detail = models.CharField(max_length=300, blank=True)
    paid_at_till_by = models.CharField(
        max_length=8,
        choices=TillWay.choices,
        blank=True,
        db_default="",
        default="",
        help_text="How the till had a wallet pay it; blank where a phone or a provider's server did, or nobody yet.",
    )
    scan = models.TextField(
        blank=True,
        db_default="",
        default="",
        help_text="The scan token or the sharer's code that came with it, until it is paid.",
    )
    confirming_since = models.DateTimeField(null=True, help_text="Since when it waits for the customer's word.")
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.ForeignKey(
        Terminal, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, help_text="The till."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(name="counter_trade_sequence_positive", condition=Q(sequence__gt=0)),
            models.CheckConstraint(
                name="counter_trade_cancelled_by_a_till",
                condition=Q(cancelled_at=None, cancelled_by=None)
                | Q(cancelled_at__isnull=False, cancelled_by__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["store", "-id"], name="counter_trade_by_store"),
            models.Index(fields=["terminal", "-id"], name="counter_trade_by_terminal"),
            models.Index(fields=["-id"], name="counter_trade_refused", condition=~Q(refusal="")),
            models.Index(fields=["-id"], name="counter_trade_by_identity", condition=Q(paid_at_till_by="identity")),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} of till {self.terminal_id}"


class TillRequest(models.Model):
    """
    What one till asked for under one of its sequences, and the first answer, repeated for ever. Written once (trigger).

    Trades and refunds share the series. A sequence that was cancelled before anything came of it is a row
    without a trade: the late create finds it.
    """

    class Kind(models.TextChoices):
        TRADE = "trade"
        REFUND = "refund"
        CANCELLED = "cancelled"

    terminal = models.ForeignKey(Terminal, on_delete=models.PROTECT, related_name="requests", db_index=False)
    sequence = models.BigIntegerField()
    kind = models.CharField(max_length=9, choices=Kind.choices)
    request_digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 over what was asked for.")
    answer = models.TextField(help_text="The body of the first answer, as sent.")
    trade = models.ForeignKey(
        CounterTrade, null=True, on_delete=models.PROTECT, related_name="requests", help_text="Null where cancelled."
    )
    refund = models.OneToOneField("orders.Refund", null=True, on_delete=models.PROTECT, related_name="till_request")
    recorded_at = models.DateTimeField(db_default=Now(), help_text="By the database's clock.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["terminal", "sequence"], name="till_request_once"),
            models.CheckConstraint(name="till_request_sequence_positive", condition=Q(sequence__gt=0)),
            models.CheckConstraint(
                name="till_request_as_its_kind",
                condition=Q(kind="trade", trade__isnull=False, refund=None)
                | Q(kind="refund", trade__isnull=False, refund__isnull=False)
                | Q(kind="cancelled", trade=None, refund=None),
            ),
        ]
        indexes = [models.Index(fields=["-id"], name="till_request_cancelled", condition=Q(kind="cancelled"))]

    def __str__(self) -> str:
        return f"{self.kind} {self.sequence} of till {self.terminal_id}"


class TillCart(models.Model):
    """
    What is being rung up at a till in a browser: one cart per till, whoever opens it and on whatever device.

    So it survives a reload, a session that ran out and a tablet that fell. The trade that came of it is written
    here in its own transaction: whoever asks for it again, after whatever answer was lost, is shown that trade.
    """

    terminal = models.OneToOneField(Terminal, on_delete=models.PROTECT, related_name="cart", primary_key=True)
    sequence = models.BigIntegerField(help_text="The till's number of this sale, given when it began.")
    last_given = models.BigIntegerField(help_text="The last number that was given in a browser, to a sale or a refund.")
    currency = models.CharField(max_length=3, blank=True, help_text="ISO 4217 code; blank while it is empty.")
    lines = models.JSONField(default=list, help_text="[{item, quantity} or {description, unit_minor, quantity}]")
    trade = models.OneToOneField(
        CounterTrade, null=True, on_delete=models.PROTECT, related_name="cart", help_text="What came of it."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="till_cart_numbers_given", condition=Q(sequence__gt=0, last_given__gte=F("sequence"))
            )
        ]

    def __str__(self) -> str:
        return f"{self.sequence} of till {self.terminal_id}"


class CashierAct(models.Model):
    """
    What somebody did at a till in a browser, and who had logged in. Written once (trigger), with what it did.

    A till that comes with its key leaves none: nobody has logged in there.
    """

    class Kind(models.TextChoices):
        MADE = "made"
        TRIED = "tried", "tried a code or an identity"
        CANCELLED = "cancelled"
        REFUNDED = "refunded"

    terminal = models.ForeignKey(Terminal, on_delete=models.PROTECT, related_name="acts", db_index=False)
    trade = models.ForeignKey(CounterTrade, on_delete=models.PROTECT, related_name="acts")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    login_account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="Who did it: the seller's own log-in, or a linked one that acts for the seller.",
    )
    session = models.CharField(max_length=32, blank=True, help_text="Public id of the session.")
    acted_at = models.DateTimeField(help_text="By the house's clock.")
    recorded_at = models.DateTimeField(db_default=Now(), help_text="By the database's clock.")

    def __str__(self) -> str:
        return f"{self.kind} at till {self.terminal_id}"
