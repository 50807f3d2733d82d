"""Trees of areas, one for each scheme of codes, in versions."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Now

AREA_CODE_LENGTH_MAX = 40
SCHEME_CODE_LENGTH_MAX = 20


class AreaScheme(models.Model):
    """A system of area codes, for example `BR` (IBGE) or `CN` (GB/T 2260)."""

    code = models.CharField(max_length=SCHEME_CODE_LENGTH_MAX, primary_key=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.code


class AreaVersion(models.Model):
    """
    One load of a scheme; written once (trigger). The newest of a scheme is in force.

    Borders are kept once: a load that brings none goes on with those of the version before.
    """

    scheme = models.ForeignKey(AreaScheme, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField(help_text="1, 2, 3 … within the scheme.")
    digest = models.CharField(
        max_length=64, help_text="Of the areas, then of their borders: the same again changes nothing."
    )
    borders_from = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="+", help_text="Whose borders it goes by."
    )
    areas_count = models.PositiveIntegerField()
    added_count = models.PositiveIntegerField()
    retired_count = models.PositiveIntegerField()
    borders_count = models.PositiveIntegerField()
    areas_file = models.CharField(max_length=200, help_text="The file's name.")
    borders_file = models.CharField(max_length=200, blank=True)
    loaded_at = models.DateTimeField(help_text="By the house's clock.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scheme", "number"], name="area_version_once")]

    def __str__(self) -> str:
        return f"{self.scheme_id} v{self.number}"


class AreaManager(models.Manager["Area"]):
    """Leaves what only the search reads where it is."""

    def get_queryset(self) -> models.QuerySet["Area"]:
        return super().get_queryset().defer("sought", "words")


class Area(models.Model):
    """
    One area of a scheme: a country, a state, a municipality. Never deleted, since placements and seats name it.

    A load that no longer has its code retires it, dated; one that has it again brings it back.
    """

    scheme = models.ForeignKey(AreaScheme, on_delete=models.PROTECT, related_name="areas", db_index=False)
    code = models.CharField(max_length=AREA_CODE_LENGTH_MAX, help_text="The scheme's own code.")
    name = models.CharField(max_length=200)
    level = models.PositiveSmallIntegerField(help_text="0 is the country.")
    level_name = models.CharField(max_length=60)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    latitude = models.FloatField(null=True, help_text="Of the centre; WGS 84 degrees.")
    longitude = models.FloatField(null=True, help_text="Of the centre; WGS 84 degrees.")
    retired_at = models.DateTimeField(null=True, help_text="By the house's clock.")
    sought = models.CharField(max_length=400, help_text="Code and name without accents, for the search.")
    words = models.GeneratedField(
        expression=SearchVector("sought", config="simple")
        + SearchVector(Func("sought", function="catalog_grams", output_field=models.TextField()), config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = AreaManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scheme", "code"], name="area_once"),
            models.CheckConstraint(
                name="area_has_whole_centre",
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(
                    latitude__isnull=False,
                    longitude__isnull=False,
                    latitude__range=(-90, 90),
                    longitude__range=(-180, 180),
                ),
            ),
            models.CheckConstraint(
                name="area_root_alone_has_no_parent",
                condition=Q(level=0, parent__isnull=True) | Q(level__gt=0, parent__isnull=False),
            ),
        ]
        indexes = [
            GinIndex(fields=["words"], name="area_by_words"),
            models.Index(fields=["code"], name="area_by_code"),
            models.Index(fields=["level", "id"], name="area_in_order", condition=Q(retired_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.public_code})"

    @property
    def public_code(self) -> str:
        """What it is called outside: `BR:35`."""
        return f"{self.scheme_id}:{self.code}"


class AreaAlias(models.Model):
    """An old code, and the area that stands in its place."""

    scheme = models.ForeignKey(AreaScheme, on_delete=models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=AREA_CODE_LENGTH_MAX)
    area = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="aliases")
    since = models.ForeignKey(AreaVersion, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        verbose_name_plural = "area aliases"
        constraints = [models.UniqueConstraint(fields=["scheme", "code"], name="area_alias_once")]
        indexes = [models.Index(fields=["code"], name="area_alias_by_code")]

    def __str__(self) -> str:
        return f"{self.scheme_id}:{self.code}"


class AreaBorder(models.Model):
    """The border of one area as one version brought it; written once (trigger)."""

    version = models.ForeignKey(AreaVersion, on_delete=models.PROTECT, related_name="borders", db_index=False)
    area = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="borders")
    shape = models.BinaryField(help_text="WKB of a valid polygon or multipolygon; longitude, latitude in WGS 84.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "area"], name="area_border_once")]

    def __str__(self) -> str:
        return f"Border of {self.area_id}"
