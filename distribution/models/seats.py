"""Who looks after an area, and since when."""

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from core.ids import PublicIdField
from distribution.models.areas import Area
from distribution.rule_numbers import RuleNumberField


class AgentSeat(models.Model):
    """
    An account is the agent of an area from one moment until another, half open; one at any instant (constraint).

    Only the end is ever written again: once, or brought forward (trigger). Stores and placements point at areas,
    never here, so that a change of agent is a change of this row alone.
    """

    public_id = PublicIdField("agt")
    area = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="seats", db_index=False)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="seats", db_index=False
    )
    rule_number = RuleNumberField()
    from_at = models.DateTimeField(help_text="By the house's clock; may lie ahead.")
    until_at = models.DateTimeField(
        null=True, help_text="By the house's clock; null goes on; the beginning where it was given up before."
    )
    appointed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False, help_text="Who logged in."
    )
    appointed_at = models.DateTimeField(help_text="When that was decided, by the house's clock.")
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="Null where it ended with its account.",
    )
    ended_at = models.DateTimeField(null=True, help_text="When the end was decided, by the house's clock.")

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="seat_one_agent_at_any_instant",
                expressions=[
                    (
                        Func(
                            F("area"),
                            F("area"),
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
            models.CheckConstraint(
                name="seat_not_backwards", condition=Q(until_at=None) | Q(until_at__gte=F("from_at"))
            ),
            models.CheckConstraint(
                name="seat_end_is_decided",
                condition=Q(until_at=None, ended_at=None, ended_by=None)
                | Q(until_at__isnull=False, ended_at__isnull=False),
            ),
            models.UniqueConstraint(name="seat_number_once", fields=["rule_number"]),
        ]
        indexes = [
            models.Index(fields=["area", "from_at"], name="seat_by_area"),
            models.Index(fields=["account", "-id"], name="seat_by_account"),
        ]

    def __str__(self) -> str:
        return self.rule_number
