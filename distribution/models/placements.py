"""Where stores stand in the trees of areas, and since when."""

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from catalog.models import Store
from core.ids import PublicIdField
from distribution.models.areas import Area
from distribution.rule_numbers import RuleNumberField


class Placement(models.Model):
    """
    A store stands in an area, from one moment until another, half open.

    While it waits, an operator has to decide, and nobody is paid by it; the decision counts from `from_at`.
    Once settled it only ever gets its end (trigger).
    """

    class Evidence(models.TextChoices):
        POLYGON = "polygon", "inside the area's border"
        DECLARED = "declared", "declared by the seller"
        CENTRE = "centre", "the area's centre is nearest"

    class Doubt(models.TextChoices):
        CENTRE = "centre", "only the nearest centre is known"
        NEAR_BORDER = "near_border", "close to the border"
        CONTRADICTION = "contradiction", "the declared area is elsewhere"
        UNKNOWN_CODE = "unknown_code", "the declared code is not known"

    public_id = PublicIdField("plc")
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="placements", db_index=False)
    area = models.ForeignKey(
        Area, null=True, on_delete=models.PROTECT, related_name="placements", help_text="Null only while it waits."
    )
    evidence = models.CharField(max_length=8, choices=Evidence.choices)
    border_m = models.FloatField(null=True, help_text="Metres to the area's border, where that is known.")
    rule_number = RuleNumberField(null=True, help_text="Null where it has no area.")
    from_at = models.DateTimeField(help_text="By the house's clock.")
    until_at = models.DateTimeField(null=True, help_text="By the house's clock; null goes on.")
    is_waiting = models.BooleanField(help_text="An operator has to decide.")
    doubt = models.CharField(max_length=13, choices=Doubt.choices, blank=True, help_text="Why it waits or waited.")
    proposed_area = models.ForeignKey(
        Area, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, help_text="Before the decision."
    )
    proposed_number = RuleNumberField(null=True, help_text="Its number before the decision, where that is another.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True, help_text="When it stopped waiting, by the house's clock.")

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="placement_one_at_any_instant",
                expressions=[
                    (
                        Func(
                            F("store"),
                            F("store"),
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
                name="placement_not_backwards", condition=Q(until_at=None) | Q(until_at__gte=F("from_at"))
            ),
            models.CheckConstraint(
                name="placement_settled_has_area", condition=Q(is_waiting=True) | Q(area__isnull=False)
            ),
            models.CheckConstraint(
                name="placement_waits_for_a_reason", condition=Q(is_waiting=False) | (~Q(doubt="") & Q(decided_at=None))
            ),
            models.CheckConstraint(
                name="placement_area_has_number",
                condition=Q(area=None, rule_number=None) | Q(area__isnull=False, rule_number__isnull=False),
            ),
            models.UniqueConstraint(name="placement_number_once", fields=["rule_number"]),
            models.UniqueConstraint(name="placement_proposed_number_once", fields=["proposed_number"]),
        ]
        indexes = [
            models.Index(fields=["store"], name="placement_now", condition=Q(until_at=None)),
            models.Index(fields=["store", "from_at"], name="placement_by_store"),
            models.Index(fields=["-id"], name="placement_queue", condition=Q(is_waiting=True)),
        ]

    def __str__(self) -> str:
        return self.rule_number or self.public_id
