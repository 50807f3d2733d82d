"""People's money between the ledger and the world: top-ups, withdrawals, earnings, debts."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from core.ids import PublicIdField
from core.money import Money
from wallets.pay_codes import models as pay_code_models  # noqa: F401 - Django finds their tables here
from wallets.payout_targets.models import PayoutTarget
from wallets.providers.models import ProviderAttempt, WebhookNotice  # noqa: F401 - the same

FAILURE_LENGTH_MAX = 60


class ProviderPayment(models.Model):
    """
    What top-ups, withdrawals and charges share: one payment of a provider, in three steps.

    The row is the intent; the provider is called under its public id, outside any transaction; the
    outcome is written once. What stays in progress is asked for again by a task.

    A charge may be given up: it has failed for us, while the provider is still being told to cancel it
    (`next_query_at`). If it answers that it was too late, the money came in after all.
    """

    class Status(models.TextChoices):
        IN_PROGRESS = "in_progress"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        REVERSED = "reversed"  # Top-ups only.

    public_id: models.CharField
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False, related_name="%(class)ss"
    )
    login_account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    provider = models.CharField(max_length=40)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=11, choices=Status.choices, default=Status.IN_PROGRESS)
    provider_reference = models.CharField(max_length=120, blank=True)
    client_secret = models.CharField(
        max_length=255, blank=True, help_text="With it the payer goes on in the provider's own form."
    )
    failure = models.CharField(max_length=FAILURE_LENGTH_MAX, blank=True, help_text="Why the provider refused.")
    requested_at = models.DateTimeField(help_text="By the house's clock.")
    finished_at = models.DateTimeField(null=True, help_text="By the house's clock.")
    recorded_at = models.DateTimeField(default=timezone.now, help_text="By the machine's clock.")
    next_query_at = models.DateTimeField(
        null=True, help_text="When the provider is asked what became of it, by the machine's clock; null once known."
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(name="%(class)s_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="%(class)s_finished_once",
                condition=Q(status="in_progress", finished_at__isnull=True, next_query_at__isnull=False)
                | Q(status="failed", finished_at__isnull=False)
                | Q(status__in=["succeeded", "reversed"], finished_at__isnull=False, next_query_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="%(class)s_by_owner"),
            models.Index(fields=["next_query_at"], name="%(class)s_open", condition=Q(next_query_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def amount(self) -> Money:
        return Money(self.amount_minor, self.currency)


class Charged(ProviderPayment):
    """What a provider charges somebody: it may be given back to where it came from, in parts."""

    returned_minor = models.BigIntegerField(
        default=0, help_text="Given back, or on its way there; a return that fails counts no more."
    )

    class Meta(ProviderPayment.Meta):
        abstract = True
        constraints = [
            *ProviderPayment.Meta.constraints,
            models.CheckConstraint(
                name="%(class)s_returned_within_amount",
                condition=Q(returned_minor__gte=0) & Q(returned_minor__lte=F("amount_minor")),
            ),
        ]

    @property
    def returnable_minor(self) -> int:
        """What the provider has of it: charged, not charged back, and not returned."""
        return self.amount_minor - self.returned_minor if self.status == self.Status.SUCCEEDED else 0


class TopUp(Charged):
    """Money on its way in. Booked once it has succeeded."""

    public_id = PublicIdField("top")


class IdentityCharge(Charged):
    """
    What a third party's server charges an identity for one trade: no wallet, no hold.

    Once it has succeeded the trade's order is paid. What was charged after all for a trade that had ended
    (`to_wallet`) is in the owner's wallet.
    """

    public_id = PublicIdField("ich")
    external_id = models.CharField(max_length=200, help_text="The provider's name for the person.")
    trade_no = models.CharField(max_length=32)
    order = models.CharField(max_length=32, help_text="Public id of the order that it pays.")
    to_wallet = models.BooleanField(default=False)

    class Meta(Charged.Meta):
        constraints = [
            *Charged.Meta.constraints,
            models.UniqueConstraint(
                fields=["trade_no"],
                name="identity_charge_one_at_a_time",
                condition=Q(status__in=["in_progress", "succeeded"], to_wallet=False),
            ),
        ]
        indexes = [*Charged.Meta.indexes, models.Index(fields=["order"], name="identity_charge_by_order")]


class TopUpReversal(models.Model):
    """A top-up that its provider took back (a chargeback), and what the owner's wallet could give."""

    top_up = models.OneToOneField(TopUp, on_delete=models.PROTECT, related_name="reversal")
    from_wallet_minor = models.BigIntegerField()
    to_debt_minor = models.BigIntegerField()
    reason = models.CharField(max_length=500)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False, related_name="+")
    login_account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    reversed_at = models.DateTimeField(help_text="By the house's clock.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="top_up_reversal_parts", condition=Q(from_wallet_minor__gte=0) & Q(to_debt_minor__gte=0)
            )
        ]

    def __str__(self) -> str:
        return f"Reversal of {self.top_up_id}"


class Withdrawal(ProviderPayment):
    """
    Money on its way out: held and booked out at the request; given back if the provider fails.

    Asked for by its owner, or the money of a `refund` on its way back to where it was charged.
    """

    public_id = PublicIdField("wdr")
    top_up = models.ForeignKey(
        TopUp, null=True, on_delete=models.PROTECT, related_name="returns", help_text="The charge it gives back."
    )
    charge = models.ForeignKey(
        IdentityCharge,
        null=True,
        on_delete=models.PROTECT,
        related_name="returns",
        help_text="The charge it gives back.",
    )
    refund = models.CharField(max_length=32, blank=True, help_text="Public id of the refund that it belongs to.")
    payout_target = models.ForeignKey(
        PayoutTarget,
        null=True,
        on_delete=models.PROTECT,
        related_name="withdrawals",
        help_text="Where its owner wants it to go.",
    )

    class Meta(ProviderPayment.Meta):
        constraints = [
            models.CheckConstraint(
                name="withdrawal_of_refund_has_no_target", condition=Q(refund="") | Q(payout_target=None)
            ),
            *ProviderPayment.Meta.constraints,
            models.CheckConstraint(
                name="withdrawal_of_owner_or_refund",
                condition=Q(refund="", top_up=None, charge=None)
                | (~Q(refund="") & (Q(top_up=None, charge__isnull=False) | Q(top_up__isnull=False, charge=None))),
            ),
            models.UniqueConstraint(fields=["refund"], name="withdrawal_refund_once", condition=~Q(refund="")),
        ]

    @property
    def returns(self) -> Charged | None:
        """What it gives back, if it is a refund's."""
        return self.top_up or self.charge


class Earning(models.Model):
    """
    One party's part of one order's money: pending until the hold period is over, then in the wallet. What is held
    is pending too, and is released only once somebody or its time lets it go.

    `original_minor` is the part at payment; `reversed_minor` what refunds took back, and of that
    `clawed_back_minor` was taken after the release (from the wallet, or as debt).
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        HELD = "held"
        RELEASED = "released"
        REVERSED = "reversed"

    class Kind(models.TextChoices):
        SALE = "sale"
        COMMISSION = "commission"
        SHARE = "share"

    order = models.CharField(max_length=32, help_text="Public id of the order, the subject of all its money.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False, related_name="earnings"
    )
    kind = models.CharField(
        max_length=10, choices=Kind.choices, db_default=Kind.SALE, default=Kind.SALE, help_text="Whose events move it."
    )
    role = models.CharField(max_length=20, help_text="For example `seller`.")
    part = models.CharField(
        max_length=40, blank=True, db_default="", default="", help_text="Which of several of one role, if there are."
    )
    currency = models.CharField(max_length=3)
    channel = models.CharField(max_length=20, blank=True, help_text="Parameter of the order's money, for the rules.")
    institution = models.CharField(max_length=80, blank=True, help_text="Parameter of the order's money.")
    original_minor = models.BigIntegerField()
    reversed_minor = models.BigIntegerField(default=0)
    clawed_back_minor = models.BigIntegerField(default=0)
    released_minor = models.BigIntegerField(default=0, help_text="What went to the wallet or repaid a debt.")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    earned_at = models.DateTimeField(help_text="When the order was paid.")
    releases_at = models.DateTimeField(null=True, help_text="Null until the order is completed.")
    released_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=200, help_text="For people, in one sentence.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "owner", "role", "part"], name="earning_once"),
            models.CheckConstraint(name="earning_positive", condition=Q(original_minor__gt=0)),
            models.CheckConstraint(
                name="earning_never_below_zero",
                condition=Q(original_minor__gte=F("reversed_minor"))
                & Q(reversed_minor__gte=F("clawed_back_minor"))
                & Q(clawed_back_minor__gte=0)
                & Q(released_minor__gte=F("clawed_back_minor")),
            ),
            models.CheckConstraint(
                name="earning_released_whole",
                condition=Q(released_at__isnull=True, released_minor=0)
                | Q(
                    released_at__isnull=False,
                    original_minor=F("released_minor") + F("reversed_minor") - F("clawed_back_minor"),
                ),
            ),
            models.CheckConstraint(
                name="earning_status_as_amounts",
                condition=Q(status="reversed", original_minor=F("reversed_minor"))
                | Q(status__in=["pending", "held"], released_at__isnull=True, original_minor__gt=F("reversed_minor"))
                | Q(status="released", released_at__isnull=False, original_minor__gt=F("reversed_minor")),
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="earning_by_owner"),
            models.Index(fields=["owner", "status", "-id"], name="earning_by_status"),
            models.Index(fields=["releases_at", "id"], name="earning_due", condition=Q(status="pending")),
            models.Index(
                fields=["owner", "currency"],
                include=["original_minor", "reversed_minor"],
                name="earning_pending_sum",
                condition=Q(status__in=["pending", "held"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} of {self.order}"

    @property
    def amount_minor(self) -> int:
        return self.original_minor - self.reversed_minor


class Debt(models.Model):
    """What an account owes the platform; later earnings repay it first, and it blocks withdrawals."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="debts")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    repaid_minor = models.BigIntegerField(default=0, help_text="Repaid or written off; only grows.")
    subject = models.CharField(max_length=64, help_text="The order or top-up that it came from.")
    event_id = models.BigIntegerField(help_text="The event that opened it; a correction may open several owners'.")
    opened_at = models.DateTimeField(help_text="By the house's clock.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event_id", "owner"], name="debt_opened_once"),
            models.CheckConstraint(
                name="debt_never_overpaid",
                condition=Q(amount_minor__gt=0) & Q(repaid_minor__gte=0) & Q(amount_minor__gte=F("repaid_minor")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["owner", "currency", "id"],
                name="debt_open",
                condition=Q(amount_minor__gt=F("repaid_minor")),
            ),
            models.Index(fields=["subject"], name="debt_by_subject"),
        ]

    def __str__(self) -> str:
        return str(Money(self.owed_minor, self.currency))

    @property
    def owed_minor(self) -> int:
        return self.amount_minor - self.repaid_minor


class DebtRepayment(models.Model):
    """How a part of a debt ended: by an earning, out of the owner's wallet, written off, corrected. Written once."""

    class Kind(models.TextChoices):
        EARNING = "earning"
        WALLET = "wallet"
        WRITE_OFF = "write_off"
        CORRECTION = "correction"

    debt = models.ForeignKey(Debt, on_delete=models.PROTECT, related_name="repayments")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    amount_minor = models.BigIntegerField()
    event_id = models.BigIntegerField(help_text="The event that books it.")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    login_account = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True, help_text="Why it was written off.")
    repaid_at = models.DateTimeField(help_text="By the house's clock.")

    class Meta:
        constraints = [models.CheckConstraint(name="debt_repayment_positive", condition=Q(amount_minor__gt=0))]

    def __str__(self) -> str:
        return f"of debt {self.debt_id}"


class UnbookedChange(models.Model):
    """A change of a wallet that is decided and not yet booked; means nothing once billing has booked its event."""

    event_id = models.BigIntegerField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="+")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField(help_text="Signed.")
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event_id", "owner"], name="unbooked_change_once")]
        indexes = [models.Index(fields=["owner"], name="unbooked_change_by_owner")]

    def __str__(self) -> str:
        return str(Money(self.amount_minor, self.currency))
