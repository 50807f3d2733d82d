"""The catalogue over HTTP: stores, items, fee schedules."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor
from accounts.behaviours import record_behaviour
from accounts.callers import actor_of
from accounts.models import Account
from billing.errors import EffectiveInPast, SecondPersonRequired
from catalog import errors, selectors, services
from catalog.api import examples, inputs, outputs
from catalog.search import SEARCH_LENGTH_MAX, found_by
from core import clock
from core.api import fields
from core.api.lists import ListView
from core.api.schema import refuses
from core.api.views import ApiView

SELLER = frozenset({"seller"})
OPERATOR = frozenset({"operator"})
GET = frozenset({"GET"})


def viewer(request: Request) -> Account | None:
    """Who looks, None without a log-in."""
    return actor_of(request).acting if request.auth is not None else None


class Stores(ListView):
    """GET|POST /api/v1/stores"""

    audience = {"POST": SELLER}
    assisted = frozenset({"POST"})
    public = GET
    Input = inputs.StoreInput

    class Query(fields.Input):
        seller = inputs.PublicId(required=False)

    @extend_schema(
        summary="Open stores; sellers also see their own closed ones", responses=outputs.StoreDocument(many=True)
    )
    def get(self, request: Request) -> Any:
        seller = self.checked_query().get("seller")
        return self.answer_list(selectors.stores_of(seller, visible_to=viewer(request)), outputs.present_stores)

    @extend_schema(
        summary="Open a store",
        request=inputs.StoreInput,
        responses={201: outputs.StoreDocument},
        examples=[examples.STORE],
    )
    @refuses(errors.CoordinatesIncomplete)
    def post(self, request: Request) -> Response:
        store = services.open_store(**self.checked_body(), actor=actor_of(request), now=clock.now())
        return self.created(outputs.store_document(store))


class StoreOne(ApiView):
    """GET|PATCH /api/v1/stores/<id>"""

    audience = {"PATCH": SELLER}
    public = GET
    Input = inputs.StoreChanges

    @extend_schema(summary="A store", responses=outputs.StoreDocument)
    def get(self, request: Request, store_id: str) -> Response:
        return Response(outputs.store_document(selectors.get_store(store_id)))

    @extend_schema(summary="Change or move a store", request=inputs.StoreChanges, responses=outputs.StoreDocument)
    @refuses(errors.CoordinatesIncomplete, errors.StoreClosed)
    def patch(self, request: Request, store_id: str) -> Response:
        selectors.get_own_store(store_id, seller=actor_of(request).acting)
        changes = self.checked_body()
        store = services.change_store(store=store_id, changes=changes, actor=actor_of(request), now=clock.now())
        return Response(outputs.store_document(store))


class StoreClosing(ApiView):
    """POST /api/v1/stores/<id>/close"""

    audience = {"POST": SELLER}
    Input = fields.Input

    @extend_schema(summary="Close a store for good", request=None, responses=outputs.StoreDocument)
    @refuses(errors.StoreClosed)
    def post(self, request: Request, store_id: str) -> Response:
        selectors.get_own_store(store_id, seller=actor_of(request).acting)
        self.checked_body()
        store = services.close_store(store=store_id, actor=actor_of(request), now=clock.now())
        return Response(outputs.store_document(store))


class TrustedProviders(ApiView):
    """PUT /api/v1/stores/<id>/trusted-providers"""

    audience = {"PUT": OPERATOR}
    Input = inputs.TrustedProvidersInput

    @extend_schema(
        summary="Say which identity providers a store is trusted for",
        request=inputs.TrustedProvidersInput,
        responses=outputs.StoreDocument,
    )
    def put(self, request: Request, store_id: str) -> Response:
        selectors.get_store(store_id)
        store = services.trust_providers(store=store_id, **self.checked_body())
        return Response(outputs.store_document(store))


class Items(ListView):
    """GET|POST /api/v1/items"""

    audience = {"POST": SELLER}
    assisted = frozenset({"POST"})
    public = GET
    Input = inputs.ItemInput

    class Query(fields.Input):
        search = fields.TextField(required=False, allow_blank=True, max_length=SEARCH_LENGTH_MAX)
        seller = inputs.PublicId(required=False)
        sort = serializers.ChoiceField(list(selectors.SORTS), required=False, default="newest")

    @extend_schema(summary="Items on sale; sellers see all their own", responses=outputs.ItemDocument(many=True))
    def get(self, request: Request) -> Any:
        wanted = self.checked_query()
        items = selectors.items_for(wanted.get("seller"), visible_to=viewer(request))
        if search := wanted.get("search"):
            items = found_by(items, search)
            if isinstance(request.auth, Actor) and "cursor" not in request.query_params:
                record_behaviour("search.performed", by=request.auth, data={"search": search}, now=clock.now())
        return self.answer_list(items, outputs.present_items, ordering=selectors.SORTS[wanted["sort"]])

    @extend_schema(
        summary="Offer an item",
        request=inputs.ItemInput,
        responses={201: outputs.ItemDocument},
        examples=[examples.ITEM],
    )
    @refuses(errors.StoreUnknown, errors.StoreClosed)
    def post(self, request: Request) -> Response:
        item = services.offer_item(**self.checked_body(), actor=actor_of(request), now=clock.now())
        return self.created(outputs.item_document(item))


class ItemOne(ApiView):
    """GET|PATCH /api/v1/items/<id>"""

    audience = {"PATCH": SELLER}
    public = GET
    Input = inputs.ItemChanges

    @extend_schema(summary="An item; drafts and removed ones for their seller only", responses=outputs.ItemDocument)
    def get(self, request: Request, item_id: str) -> Response:
        item = selectors.get_item(item_id, visible_to=viewer(request))
        if isinstance(request.auth, Actor):
            record_behaviour("item.viewed", by=request.auth, object_id=item.public_id, now=clock.now())
        return Response(outputs.item_document(item))

    @extend_schema(summary="Change an item", request=inputs.ItemChanges, responses=outputs.ItemDocument)
    @refuses(errors.StoreUnknown, errors.StoreClosed)
    def patch(self, request: Request, item_id: str) -> Response:
        selectors.get_own_item(item_id, seller=actor_of(request).acting)
        changes = self.checked_body()
        item = services.change_item(item=item_id, changes=changes, actor=actor_of(request), now=clock.now())
        return Response(outputs.item_document(item))


class FeeSchedules(ListView):
    """GET|POST /api/v1/fee-schedules"""

    audience = {"*": OPERATOR}
    Input = inputs.FeeScheduleInput

    @extend_schema(summary="All versions of the fee schedule", responses=outputs.FeeScheduleDocument(many=True))
    def get(self, request: Request) -> Any:
        superseded = selectors.superseded_fee_schedules(clock.now())
        return self.answer_list(
            selectors.fee_schedules(), lambda page: [outputs.fee_schedule_document(row, superseded) for row in page]
        )

    @extend_schema(
        summary="Draft the next version",
        request=inputs.FeeScheduleInput,
        responses={201: outputs.FeeScheduleDocument},
        examples=[examples.FEE_SCHEDULE],
    )
    @refuses(errors.SellerUnknown)
    def post(self, request: Request) -> Response:
        body = self.checked_body()
        body["rules"] = [outputs.written_rule(rule) for rule in body["rules"]]
        schedule = services.draft_fee_schedule(**body, actor=actor_of(request))
        return self.created(outputs.fee_schedule_document(schedule, set()))


class FeeScheduleOne(ApiView):
    """GET /api/v1/fee-schedules/<id>"""

    audience = {"*": OPERATOR}

    @extend_schema(summary="One version of the fee schedule", responses=outputs.FeeScheduleDocument)
    def get(self, request: Request, schedule_id: str) -> Response:
        schedule = selectors.get_fee_schedule(schedule_id)
        superseded = selectors.superseded_fee_schedules(clock.now())
        return Response(outputs.fee_schedule_document(schedule, superseded))


class FeeScheduleActivation(ApiView):
    """POST /api/v1/fee-schedules/<id>/activate"""

    audience = {"*": OPERATOR}
    Input = inputs.ActivationInput

    @extend_schema(
        summary="Put a draft in force; another operator than the one who drafted it does it",
        request=inputs.ActivationInput,
        responses=outputs.FeeScheduleDocument,
    )
    @refuses(
        errors.EffectiveFromTaken,
        errors.FeeScheduleNotDraft,
        errors.FeeScheduleNotSound,
        EffectiveInPast,
        SecondPersonRequired,
    )
    def post(self, request: Request, schedule_id: str) -> Response:
        selectors.get_fee_schedule(schedule_id)
        body = self.checked_body()
        schedule = services.activate_fee_schedule(
            schedule=schedule_id, **body, actor=actor_of(request), now=clock.now()
        )
        superseded = selectors.superseded_fee_schedules(clock.now())
        return Response(outputs.fee_schedule_document(schedule, superseded))
