"""Who brought whom."""

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from accounts.models.account import REASON_LENGTH_MAX
from core.ids import PublicIdField
from distribution.rule_numbers import RuleNumberField


class Referral(models.Model):
    """
    An account's place among people: below its referrer, or at the top, from one moment until another, half open.

    An account is live while it has a place. Where a place has ended, chains pass it over (`distribution.chains`), and
    those below are moved up in small steps (`distribution.services.moving_up`). Rows stay for ever: only the end, and
    what is left to be done after it, is written later (trigger).
    """

    class Via(models.TextChoices):
        NOBODY = "nobody", "came by itself"
        CODE = "code", "a buyer's referral code"
        MERCHANT = "merchant", "a merchant's link"
        OPERATOR = "operator", "an operator"
        MOVED = "moved", "moved up when the referrer left"

    class Ending(models.TextChoices):
        REPLACED = "replaced", "another place began"
        ENDED = "ended", "an operator ended it"
        CLOSED = "closed", "the account was closed"

    public_id = PublicIdField("ref")
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="referrals", db_index=False
    )
    referrer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="Null at the top.",
    )
    via = models.CharField(max_length=8, choices=Via.choices)
    is_original = models.BooleanField(default=False, help_text="The first referrer that the account ever had.")
    rule_number = RuleNumberField()
    from_at = models.DateTimeField(help_text="By the house's clock.")
    until_at = models.DateTimeField(null=True, help_text="By the house's clock; null goes on.")
    reason = models.CharField(max_length=REASON_LENGTH_MAX, blank=True, help_text="Why an operator put it there.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    ending = models.CharField(max_length=8, choices=Ending.choices, blank=True)
    end_reason = models.CharField(max_length=REASON_LENGTH_MAX, blank=True, help_text="Why an operator ended it.")
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    leaves_children = models.BooleanField(
        default=False, help_text="It has ended, and those directly below have yet to be moved up."
    )

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="referral_one_place_at_any_instant",
                expressions=[
                    (
                        Func(
                            F("account"),
                            F("account"),
                            RangeBoundary(inclusive_upper=True),
                            function="int8range",
                            output_field=BigIntegerRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    (
                        Func("from_at", "until_at", function="tstzrange", output_field=DateTimeRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
            models.CheckConstraint(name="referral_not_of_itself", condition=~Q(account=F("referrer"))),
            models.CheckConstraint(name="referral_lasts", condition=Q(until_at=None) | Q(until_at__gt=F("from_at"))),
            models.CheckConstraint(
                name="referral_end_has_a_kind",
                condition=Q(until_at=None, ending="", leaves_children=False)
                | (Q(until_at__isnull=False) & ~Q(ending="")),
            ),
            models.CheckConstraint(
                name="referral_original_has_referrer", condition=Q(is_original=False) | Q(referrer__isnull=False)
            ),
            models.UniqueConstraint(name="referral_number_once", fields=["rule_number"]),
            models.UniqueConstraint(name="referral_one_original", fields=["account"], condition=Q(is_original=True)),
        ]
        indexes = [
            models.Index(fields=["account", "from_at"], name="referral_by_account"),
            models.Index(fields=["referrer", "-id"], name="referral_children", condition=Q(until_at=None)),
            models.Index(fields=["until_at", "id"], name="referral_left", condition=Q(leaves_children=True)),
        ]

    def __str__(self) -> str:
        return self.rule_number
