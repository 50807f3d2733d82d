"""Areas over HTTP: looked up, searched, and found by a place on earth. Public."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import F, QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.search import SEARCH_LENGTH_MAX, found_by
from core.api import fields
from core.api.lists import ListView
from core.api.schema import refuses
from core.api.views import ApiView
from core.errors import NotFound
from distribution.areas.atlas import CENTRE, POLYGON
from distribution.areas.codes import PUBLIC_CODE_LENGTH_MAX, find_area
from distribution.areas.shelf import atlas_in_force
from distribution.errors import AreaAmbiguous, Nowhere
from distribution.models import Area
from distribution.models.areas import SCHEME_CODE_LENGTH_MAX
from distribution.services.areas import folded

GET = frozenset({"GET"})


class DegreesField(serializers.FloatField):
    """Degrees as a query parameter writes them; neither `nan` nor `inf` is a place."""

    def __init__(self, most: int, **options: Any) -> None:
        super().__init__(min_value=-most, max_value=most, **options)

    def to_internal_value(self, data: Any) -> float:
        value = super().to_internal_value(data)
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class AreaDocument(serializers.Serializer):
    code = serializers.CharField(help_text="With its scheme: `BR:35`.")
    name = serializers.CharField()
    level = serializers.IntegerField(help_text="0 is the country.")
    level_name = serializers.CharField()
    parent = serializers.CharField(  # type: ignore[assignment]
        allow_null=True, help_text="The code of the area that it belongs to."
    )
    retired_at = serializers.DateTimeField(allow_null=True, help_text="Since when the scheme no longer has it.")


class LocatedDocument(AreaDocument):
    evidence = serializers.ChoiceField([POLYGON, CENTRE])
    border_m = serializers.FloatField(allow_null=True, help_text="Metres to the area's border, where it is known.")


class Areas(ListView):
    """GET /api/v1/areas"""

    public = GET
    ordering = ("level", "id")

    class Query(fields.Input):
        search = fields.TextField(required=False, allow_blank=True, max_length=SEARCH_LENGTH_MAX)
        scheme = fields.TextField(required=False, max_length=SCHEME_CODE_LENGTH_MAX)
        parent = fields.TextField(required=False, max_length=PUBLIC_CODE_LENGTH_MAX)  # type: ignore[assignment]

    @extend_schema(
        summary="Areas in force, the largest first; by words of their names, scheme or parent",
        responses=AreaDocument(many=True),
    )
    @refuses(AreaAmbiguous, NotFound)
    def get(self, request: Request) -> Any:
        wanted = self.checked_query()
        areas: QuerySet[Area] = Area.objects.filter(retired_at=None)
        if search := wanted.get("search"):
            areas = found_by(areas, folded(search))
        if scheme := wanted.get("scheme"):
            areas = areas.filter(scheme=scheme)
        if parent := wanted.get("parent"):
            areas = areas.filter(parent=find_area(parent))
        return self.answer_list(areas.annotate(parent_code=F("parent__code")), _documents)


class AreaOne(ApiView):
    """GET /api/v1/areas/<area_code>"""

    public = GET

    @extend_schema(summary="An area, by its code; an old code gives what replaced it", responses=AreaDocument)
    @refuses(AreaAmbiguous)
    def get(self, request: Request, area_code: str) -> Response:
        return Response(area_document(find_area(area_code)))


class AreaByPlace(ApiView):
    """GET /api/v1/areas/locate"""

    public = GET

    class Query(fields.Input):
        latitude = DegreesField(90)
        longitude = DegreesField(180)
        scheme = fields.TextField(required=False, max_length=SCHEME_CODE_LENGTH_MAX)

    @extend_schema(
        summary="The area of a place on earth: inside its border, or else with the nearest centre",
        responses=LocatedDocument,
    )
    @refuses(Nowhere)
    def get(self, request: Request) -> Response:
        place = self.checked_query()
        located = atlas_in_force().locate(**place)
        if located is None:
            raise Nowhere
        area = Area.objects.select_related("parent").get(pk=located.area.id)
        border_m = None if located.border_m is None else round(located.border_m, 1)
        return Response(area_document(area) | {"evidence": located.evidence, "border_m": border_m})


def area_document(area: Area) -> dict[str, Any]:
    return _document(area, area.parent.code if area.parent else None)


def _documents(areas: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for area in areas:
        yield _document(area, area.parent_code)


def _document(area: Area, parent_code: str | None) -> dict[str, Any]:
    return {
        "code": area.public_code,
        "name": area.name,
        "level": area.level,
        "level_name": area.level_name,
        "parent": f"{area.scheme_id}:{parent_code}" if parent_code is not None else None,
        "retired_at": area.retired_at,
    }


area_urls = [
    path("areas", Areas.as_view()),
    path("areas/locate", AreaByPlace.as_view()),
    path("areas/<str:area_code>", AreaOne.as_view()),
]
