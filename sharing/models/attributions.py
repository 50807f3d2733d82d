"""Who brought the customer of a sale, decided once when it was placed, and what that has come to since."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.ids import encode_key
from core.money import Money
from sharing.models.shares import Share
from wallets.models import Earning

SCAN_CLASS_LENGTH_MAX = 7


class Touch(models.Model):
    """
    One scan that might have brought one line of an order, and why it did or did not. Written once (trigger).

    What concerns no line (a forged token, a scan of something that was not bought) has none.
    """

    class Reason(models.TextChoices):
        LAST_TOUCH = "last_touch", "won: the last touch"
        FIRST_TOUCH = "first_touch", "won: the first touch"
        LOCKED = "locked", "won: the buyer was locked to it"
        LATER_TOUCH_WON = "later_touch_won", "a later touch won"
        EARLIER_TOUCH_WON = "earlier_touch_won", "an earlier touch won"
        LOCKED_TO_ANOTHER = "locked_to_another", "the buyer was locked to another sharer"
        OUTSIDE_WINDOW = "outside_window", "older than the program's window"
        SELF = "self", "the sharer bought it"
        LINKED = "linked", "the sharer was linked with the buyer"
        SHARER_IS_SELLER = "sharer_is_seller", "the sharer sells it"
        SHARER_CLOSED = "sharer_closed", "the sharer's account was closed"
        SHARE_ENDED = "share_ended", "the share was in use no more"
        BOT = "bot", "a bot's scan"
        PREVIEW = "preview", "a preview's scan"
        OTHER_CURRENCY = "other_currency", "the program is in another currency"
        OTHER_ITEM = "other_item", "something else was bought"
        TOKEN_FORGED = "token_forged", "the token was not ours"
        TOKEN_EXPIRED = "token_expired", "the token had expired"
        TOKEN_OF_ANOTHER_ACCOUNT = "token_of_another_account", "the token was another account's"

    order = models.CharField(max_length=32, help_text="Public id of the order.")
    line = models.BigIntegerField(null=True, help_text="Key of the order's line.")
    scan = models.BigIntegerField(null=True, help_text="Key of the scan; the log is in partitions.")
    share = models.ForeignKey(Share, null=True, on_delete=models.PROTECT, related_name="touches", db_index=False)
    scan_class = models.CharField(max_length=SCAN_CLASS_LENGTH_MAX, blank=True)
    scanned_at = models.DateTimeField(null=True, help_text="By the house's clock.")
    won = models.BooleanField(default=False)
    reason = models.CharField(max_length=24, choices=Reason.choices)

    class Meta:
        verbose_name_plural = "touches"
        constraints = [
            models.UniqueConstraint(fields=["line"], condition=Q(won=True), name="touch_one_winner"),
            models.CheckConstraint(
                name="touch_won_by_somebody",
                condition=Q(won=False)
                | Q(line__isnull=False, scan__isnull=False, share__isnull=False, scanned_at__isnull=False),
            ),
            models.CheckConstraint(
                name="touch_won_for_a_reason",
                condition=Q(won=True, reason__in=["last_touch", "first_touch", "locked"])
                | (Q(won=False) & ~Q(reason__in=["last_touch", "first_touch", "locked"])),
            ),
        ]
        indexes = [models.Index(fields=["order", "id"], name="touch_by_order")]

    def __str__(self) -> str:
        return f"{self.order} {self.reason}"

    @property
    def scan_public_id(self) -> str | None:
        return None if self.scan is None else encode_key("scn", self.scan)


class WonLine(models.Model):
    """
    A line of an order that somebody brought, and the sharer's part of it.

    `promised` by the terms when it was placed; `charged` when it was paid, as far as the budget went; of that
    refunds take `reversed`, cut against all that the seller has of the line. What is held waits for an operator
    or its time, and changes nobody's right to it. The money itself is an earning of the sharer (`wallets.Earning`).
    """

    class State(models.TextChoices):
        PROMISED = "promised"
        CHARGED = "charged"
        REJECTED = "rejected"

    class Decision(models.TextChoices):
        RELEASED = "released"
        REJECTED = "rejected"
        EXPIRED = "expired"

    line = models.BigIntegerField(primary_key=True, help_text="Key of the order's line.")
    order = models.CharField(max_length=32, help_text="Public id of the order, the subject of all its money.")
    item = models.ForeignKey("catalog.Item", on_delete=models.PROTECT, related_name="+", db_index=False)
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    seller = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    share = models.ForeignKey(Share, on_delete=models.PROTECT, related_name="won_lines", db_index=False)
    sharer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    scan = models.BigIntegerField(help_text="Key of the scan that brought it.")
    scan_class = models.CharField(max_length=SCAN_CLASS_LENGTH_MAX)
    scanned_at = models.DateTimeField(help_text="By the house's clock, as are the others.")
    is_named = models.BooleanField(default=False, help_text="A till named the sharer: nobody has scanned by hand.")
    placed_at = models.DateTimeField()
    currency = models.CharField(max_length=3, help_text="ISO 4217 code.")
    net_minor = models.BigIntegerField(help_text="The line less the platform's fee: what the seller has of it.")
    promised_minor = models.BigIntegerField(help_text="By the share's terms, never more than that.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.PROMISED)
    paid_at = models.DateTimeField(null=True)
    locked_until = models.DateTimeField(null=True, help_text="Until then the buyer's further orders are the sharer's.")
    charged_minor = models.BigIntegerField(null=True, help_text="What the budget left of the promise.")
    is_budgeted = models.BooleanField(default=False, help_text="The item's budget counts it.")
    credited_minor = models.BigIntegerField(default=0, help_text="Of that, what refunds before the charge left.")
    refunded_net_minor = models.BigIntegerField(default=0, help_text="What refunds took of the net so far.")
    reversed_minor = models.BigIntegerField(default=0, help_text="Of the charge, what refunds took so far.")
    earning = models.OneToOneField(
        "wallets.Earning", null=True, on_delete=models.PROTECT, related_name="won_line", help_text="The sharer's."
    )
    held_at = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)
    hold_reasons = models.JSONField(default=list, help_text="[{guard, …figures}]: why it waits.")
    decision = models.CharField(max_length=8, choices=Decision.choices, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    decision_reason = models.CharField(max_length=300, blank=True, help_text="The operator's words.")

    class Meta:
        verbose_name = "share charge"
        constraints = [
            models.CheckConstraint(
                name="won_line_promise_within_net",
                condition=Q(promised_minor__gte=0, promised_minor__lte=F("net_minor")),
            ),
            models.CheckConstraint(
                name="won_line_charged_once_paid",
                condition=Q(
                    state="promised", paid_at=None, charged_minor=None, credited_minor=0, reversed_minor=0, earning=None
                )
                | Q(
                    state__in=["charged", "rejected"],
                    paid_at__isnull=False,
                    charged_minor__gte=0,
                    charged_minor__lte=F("promised_minor"),
                ),
            ),
            models.CheckConstraint(
                name="won_line_parts_in_order",
                condition=Q(charged_minor=None)
                | Q(
                    credited_minor__gte=0,
                    credited_minor__lte=F("charged_minor"),
                    reversed_minor__gte=F("charged_minor") - F("credited_minor"),
                    reversed_minor__lte=F("charged_minor"),
                ),
            ),
            models.CheckConstraint(
                name="won_line_earned_what_is_credited",
                condition=Q(credited_minor=0, earning=None) | Q(credited_minor__gt=0, earning__isnull=False),
            ),
            models.CheckConstraint(
                name="won_line_refund_within_net",
                condition=Q(refunded_net_minor__gte=0, refunded_net_minor__lte=F("net_minor")),
            ),
            models.CheckConstraint(
                name="won_line_held_for_a_reason",
                condition=Q(held_at=None, held_until=None, hold_reasons=[], decision="")
                | (Q(held_at__isnull=False, held_until__gte=F("held_at")) & ~Q(hold_reasons=[])),
            ),
            models.CheckConstraint(
                name="won_line_decided_as_it_says",
                condition=Q(decision="", decided_at=None, decided_by=None)
                | Q(decision="expired", decided_at__isnull=False, decided_by=None)
                | Q(decision__in=["released", "rejected"], decided_at__isnull=False, decided_by__isnull=False),
            ),
            models.CheckConstraint(
                name="won_line_rejected_by_decision",
                condition=Q(state="rejected", decision="rejected") | (~Q(state="rejected") & ~Q(decision="rejected")),
            ),
        ]
        indexes = [
            models.Index(fields=["order", "line"], name="won_line_by_order"),
            models.Index(fields=["share", "paid_at"], name="won_line_by_share"),
            models.Index(fields=["share", "-line"], name="won_line_of_share"),
            models.Index(fields=["sharer", "-line"], name="won_line_by_sharer"),
            models.Index(
                fields=["buyer", "item", "-paid_at"], name="won_line_locks", condition=Q(paid_at__isnull=False)
            ),
            models.Index(
                fields=["held_until", "line"],
                name="won_line_held",
                condition=Q(held_at__isnull=False, decision=""),
            ),
            models.Index(fields=["-line"], name="won_line_ever_held", condition=Q(held_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.public_line

    @property
    def public_line(self) -> str:
        return encode_key("lin", self.line)

    @property
    def is_held(self) -> bool:
        return self.held_at is not None and not self.decision

    @property
    def amount_minor(self) -> int:
        """What the sharer has of it now, or will have once it is paid."""
        if self.state == self.State.REJECTED:
            return 0
        return self.promised_minor if self.charged_minor is None else self.charged_minor - self.reversed_minor

    @property
    def status(self) -> str:
        """What has become of it: promised until it is paid, and then what the sharer's earning is."""
        if self.state == self.State.PROMISED:
            return self.state
        return self.earning.status if self.earning else Earning.Status.REVERSED

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)
