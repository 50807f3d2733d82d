"""Placements over HTTP: what waits for an operator, what was, and the operator's word."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from accounts.references import AccountRefDocument, account_ref
from core import clock
from core.api import fields
from core.api.lists import ListView
from core.api.schema import refuses
from core.api.views import ApiView
from core.errors import NotFound
from core.ids import PUBLIC_ID_LENGTH_MAX
from distribution import errors, services
from distribution.areas.codes import PUBLIC_CODE_LENGTH_MAX
from distribution.models import Placement

OPERATOR = frozenset({"operator"})
STATES = {
    "waiting": Q(is_waiting=True),
    "settled": Q(is_waiting=False, until_at=None),
    "ended": Q(is_waiting=False, until_at__isnull=False),
}
DECIDED = OpenApiExample("It is São Paulo", {"area": "BR:3550308"}, request_only=True)


class PlacementDocument(serializers.Serializer):
    id = serializers.CharField()
    store = serializers.CharField()
    seller = AccountRefDocument()
    area = serializers.CharField(allow_null=True, help_text="While it waits a proposal; null where there is none.")
    evidence = serializers.ChoiceField(Placement.Evidence.values)
    border_m = serializers.FloatField(allow_null=True)
    rule_number = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(list(STATES))
    doubt = serializers.CharField(allow_blank=True, help_text="Why it waits or waited.")
    proposed_area = serializers.CharField(allow_null=True, help_text="Before the decision, where that was another.")
    decided_by = AccountRefDocument(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    from_at = serializers.DateTimeField()
    until_at = serializers.DateTimeField(allow_null=True)


class Placements(ListView):
    """GET /api/v1/placements"""

    audience = {"GET": OPERATOR}

    class Query(fields.Input):
        status = serializers.ChoiceField(list(STATES), required=False)
        store = fields.TextField(required=False, max_length=PUBLIC_ID_LENGTH_MAX)

    @extend_schema(
        summary="Placements; those that wait also where the store has moved on", responses=PlacementDocument(many=True)
    )
    def get(self, request: Request) -> Any:
        wanted = self.checked_query()
        found = _placements()
        if status := wanted.get("status"):
            found = found.filter(STATES[status])
        if store := wanted.get("store"):
            found = found.filter(store__public_id=store)
        return self.answer_list(found, _documents)


class PlacementOne(ApiView):
    """GET /api/v1/placements/<id>"""

    audience = {"GET": OPERATOR}

    @extend_schema(summary="A placement", responses=PlacementDocument)
    def get(self, request: Request, placement_id: str) -> Response:
        return Response(_document(_get(placement_id)))


class PlacementDecision(ApiView):
    """POST /api/v1/placements/<id>/decide"""

    audience = {"POST": OPERATOR}

    class Input(fields.Input):
        area = fields.TextField(max_length=PUBLIC_CODE_LENGTH_MAX)

    @extend_schema(
        summary="Say in which area a store stands whose placement waits",
        request=Input,
        responses=PlacementDocument,
        examples=[DECIDED],
    )
    @refuses(errors.AreaAmbiguous, errors.AreaUnknown, errors.PlacementSettled)
    def post(self, request: Request, placement_id: str) -> Response:
        _get(placement_id)
        body = self.checked_body()
        services.decide_placement(placement=placement_id, **body, actor=actor_of(request), now=clock.now())
        return Response(_document(_get(placement_id)))


def _placements() -> QuerySet[Placement]:
    return Placement.objects.select_related("store__seller", "area", "proposed_area", "decided_by")


def _get(public_id: str) -> Placement:
    placement = _placements().filter(public_id=public_id).first()
    if placement is None:
        raise NotFound
    return placement


def _documents(placements: Sequence[Placement]) -> Iterator[dict[str, Any]]:
    return map(_document, placements)


def _document(placement: Placement) -> dict[str, Any]:
    ended = "settled" if placement.until_at is None else "ended"
    return {
        "id": placement.public_id,
        "store": placement.store.public_id,
        "seller": account_ref(placement.store.seller),
        "area": placement.area.public_code if placement.area else None,
        "evidence": placement.evidence,
        "border_m": None if placement.border_m is None else round(placement.border_m, 1),
        "rule_number": placement.rule_number,
        "status": "waiting" if placement.is_waiting else ended,
        "doubt": placement.doubt,
        "proposed_area": placement.proposed_area.public_code if placement.proposed_area else None,
        "decided_by": account_ref(placement.decided_by),
        "decided_at": placement.decided_at,
        "from_at": placement.from_at,
        "until_at": placement.until_at,
    }


placement_urls = [
    path("placements", Placements.as_view()),
    path("placements/<str:placement_id>", PlacementOne.as_view()),
    path("placements/<str:placement_id>/decide", PlacementDecision.as_view()),
]
