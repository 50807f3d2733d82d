"""Who got what of a sale, by which plan, and why."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.ids import decode_key, encode_key
from distribution.models.areas import Area
from distribution.models.plans import Plan
from distribution.rule_numbers import RuleNumberField

EARNING_PART_LENGTH_MAX = 40  # As `wallets.Earning.part`.


class AllocatedLine(models.Model):
    """
    One line of a paid order, and how the pool that its fee gives was shared out; written once per line.

    `pool_minor` is cut to the unit: what agents (or escrow), referrers, the merchant's referrer and the buyer
    got, and what stayed with the platform. Refunds take the same part of everybody (`gone_minor`).
    No foreign keys are checked here: the rows are written with the money, by the thousand.
    """

    line = models.BigIntegerField(primary_key=True, help_text="Key of the order's line.")
    order = models.CharField(max_length=32, help_text="Public id of the order, the subject of all its money.")
    part = models.CharField(max_length=32, blank=True, help_text="The store, where the order has lines of several.")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    seller = models.CharField(max_length=32, help_text="Public id.")
    buyer = models.CharField(max_length=32, help_text="Public id.")
    store = models.CharField(max_length=32, blank=True, help_text="Public id of where it was sold.")
    currency = models.CharField(max_length=3, help_text="ISO 4217 code.")
    channel = models.CharField(max_length=20, blank=True)
    institution = models.CharField(max_length=80, blank=True)
    paid_at = models.DateTimeField(help_text="The chain is as of this moment.")
    releases_at = models.DateTimeField(null=True, help_text="When its commissions go to the wallets; null until then.")
    fee_minor = models.BigIntegerField(help_text="The platform's fee of the line.")
    fee_refunded_minor = models.BigIntegerField(default=0)
    pool_minor = models.BigIntegerField()
    gone_minor = models.BigIntegerField(default=0, help_text="What refunds took of the pool.")
    agents_minor = models.BigIntegerField(help_text="Of the pool: agents, and escrow for those not known yet.")
    referrers_minor = models.BigIntegerField()
    merchant_referrer_minor = models.BigIntegerField()
    cashback_minor = models.BigIntegerField()
    platform_minor = models.BigIntegerField(help_text="Of the pool: what stays with the platform.")
    chain = models.JSONField(help_text="Agents and referrers as of the sale.")
    not_paid = models.JSONField(help_text="[{role, level, amount, reason, …}]: who got nothing, or less, and why.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="allocated_line_parts_are_the_pool",
                condition=Q(
                    pool_minor=F("agents_minor")
                    + F("referrers_minor")
                    + F("merchant_referrer_minor")
                    + F("cashback_minor")
                    + F("platform_minor")
                ),
            ),
            models.CheckConstraint(
                name="allocated_line_parts_not_negative",
                condition=Q(
                    agents_minor__gte=0,
                    referrers_minor__gte=0,
                    merchant_referrer_minor__gte=0,
                    cashback_minor__gte=0,
                    platform_minor__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="allocated_line_pool_within_fee", condition=Q(pool_minor__gte=0, pool_minor__lte=F("fee_minor"))
            ),
            models.CheckConstraint(
                name="allocated_line_gone_within_pool",
                condition=Q(
                    gone_minor__gte=0,
                    gone_minor__lte=F("pool_minor"),
                    fee_refunded_minor__gte=0,
                    fee_refunded_minor__lte=F("fee_minor"),
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["order"], name="allocated_line_by_order"),
            models.Index(fields=["paid_at", "line"], name="allocated_line_by_time"),
        ]

    def __str__(self) -> str:
        return self.public_line

    @property
    def public_line(self) -> str:
        return encode_key("lin", self.line)


class Allocation(models.Model):
    """
    One part of one line's pool: of an account in a role, or in escrow until somebody is known.

    The money itself is an earning (`wallets.Earning`) of the same order, owner, role and `earning_part`.
    """

    class Role(models.TextChoices):
        AGENT = "agent"
        REFERRER = "referrer"
        MERCHANT_REFERRER = "merchant_referrer"
        CASHBACK = "cashback"

    line = models.ForeignKey(
        AllocatedLine, on_delete=models.PROTECT, related_name="allocations", db_index=False, db_constraint=False
    )
    order = models.CharField(max_length=32)
    role = models.CharField(max_length=17, choices=Role.choices)
    level = models.PositiveSmallIntegerField(null=True, help_text="Of the area, or the hop to the referrer.")
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
        help_text="Null in escrow.",
    )
    area = models.ForeignKey(
        Area, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    rule_number = RuleNumberField(null=True, help_text="Of the seat, or the place among people.")
    rate_bps = models.PositiveIntegerField(help_text="Of the pool.")
    original_minor = models.BigIntegerField()
    reversed_minor = models.BigIntegerField(default=0)
    earning_part = models.CharField(max_length=EARNING_PART_LENGTH_MAX, blank=True)
    escrow = models.CharField(max_length=80, blank=True, help_text="The ledger account that keeps or kept it.")
    escrow_ended_at = models.DateTimeField(null=True, help_text="When it left escrow, by the house's clock.")
    credited_by = models.CharField(
        max_length=160, blank=True, help_text="Key of the event that gave it from escrow; else its sale's own did."
    )
    why = models.CharField(max_length=300, help_text="For people, in one sentence.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="allocation_within_original",
                condition=Q(original_minor__gt=0, reversed_minor__gte=0, reversed_minor__lte=F("original_minor")),
            ),
            models.CheckConstraint(
                name="allocation_of_somebody_or_in_escrow", condition=Q(account__isnull=False) | ~Q(escrow="")
            ),
            models.UniqueConstraint(fields=["line", "role", "level"], name="allocation_once", nulls_distinct=False),
        ]
        indexes = [
            models.Index(fields=["order"], name="allocation_by_order"),
            models.Index(fields=["account", "-id"], name="allocation_by_account"),
            models.Index(
                fields=["area", "id"],
                name="allocation_in_escrow",
                condition=~Q(escrow="") & Q(escrow_ended_at=None),
            ),
            models.Index(fields=["role", "-id"], name="allocation_by_role"),
            models.Index(fields=["area", "-id"], name="allocation_by_area", condition=Q(area__isnull=False)),
            models.Index(
                fields=["-id"], name="allocation_escrow_newest", condition=~Q(escrow="") & Q(escrow_ended_at=None)
            ),
            models.Index(
                fields=["escrow", "id"],
                name="allocation_escrow_oldest",
                condition=~Q(escrow="") & Q(escrow_ended_at=None),
            ),
            models.Index(fields=["-id"], name="allocation_escrow_ended", condition=Q(escrow_ended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return encode_key("alc", self.pk)

    @staticmethod
    def key_of(public_id: str) -> int | None:
        return decode_key("alc", public_id)

    @property
    def is_in_escrow(self) -> bool:
        return bool(self.escrow) and self.escrow_ended_at is None

    @property
    def is_given_up(self) -> bool:
        """It was kept for somebody who never came, and is the platform's."""
        return self.escrow_ended_at is not None and self.account_id is None

    @property
    def amount_minor(self) -> int:
        """What is left of it after refunds; a part that was given up is nobody's."""
        return 0 if self.is_given_up else self.original_minor - self.reversed_minor
