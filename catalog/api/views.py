"""The catalogue over HTTP: stores, items, fee schedules."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from catalog import selectors, services
from catalog.api import inputs, outputs
from catalog.search import found_by
from core import clock
from core.api.fields import Input
from core.api.lists import ListView
from core.api.views import ApiView

SELLER = frozenset({"seller"})
OPERATOR = frozenset({"operator"})
GET = frozenset({"GET"})


def viewer(request: Request) -> Account | None:
    """Return who looks, None without a log-in."""
    return request.auth.acting if request.auth is not None else None


class Stores(ListView):
    """GET|POST /api/v1/stores"""

    audience = {"POST": SELLER}
    public = GET
    Input = inputs.StoreInput
    Query = inputs.StoreQuery

    @extend_schema(parameters=[inputs.StoreQuery], responses=outputs.StoreDocument(many=True))
    def get(self, request: Request) -> Any:
        seller = self.checked_query().get("seller")
        return self.answer_list(selectors.stores_of(seller, visible_to=viewer(request)), outputs.present_stores)

    @extend_schema(request=inputs.StoreInput, responses={201: outputs.StoreDocument})
    def post(self, request: Request) -> Response:
        store = services.open_store(**self.checked_body(), actor=request.auth, now=clock.now())
        return self.created(outputs.store_document(store))


class StoreOne(ApiView):
    """GET|PATCH /api/v1/stores/<id>"""

    audience = {"PATCH": SELLER}
    public = GET
    Input = inputs.StoreChanges

    @extend_schema(responses=outputs.StoreDocument)
    def get(self, request: Request, store_id: str) -> Response:
        return Response(outputs.store_document(selectors.get_store(store_id)))

    @extend_schema(request=inputs.StoreChanges, responses=outputs.StoreDocument)
    def patch(self, request: Request, store_id: str) -> Response:
        selectors.get_own_store(store_id, seller=request.auth.acting)
        changes = self.checked_body()
        store = services.change_store(store=store_id, changes=changes, actor=request.auth, now=clock.now())
        return Response(outputs.store_document(store))


class StoreClosing(ApiView):
    """POST /api/v1/stores/<id>/close"""

    audience = {"POST": SELLER}
    Input = Input

    @extend_schema(request=None, responses=outputs.StoreDocument)
    def post(self, request: Request, store_id: str) -> Response:
        selectors.get_own_store(store_id, seller=request.auth.acting)
        self.checked_body()
        store = services.close_store(store=store_id, actor=request.auth, now=clock.now())
        return Response(outputs.store_document(store))


class TrustedProviders(ApiView):
    """PUT /api/v1/stores/<id>/trusted-providers"""

    audience = {"PUT": OPERATOR}
    Input = inputs.TrustedProvidersInput

    @extend_schema(request=inputs.TrustedProvidersInput, responses=outputs.StoreDocument)
    def put(self, request: Request, store_id: str) -> Response:
        selectors.get_store(store_id)
        store = services.trust_providers(store=store_id, **self.checked_body())
        return Response(outputs.store_document(store))


class Items(ListView):
    """GET|POST /api/v1/items"""

    audience = {"POST": SELLER}
    public = GET
    Input = inputs.ItemInput
    Query = inputs.ItemQuery

    @extend_schema(parameters=[inputs.ItemQuery], responses=outputs.ItemDocument(many=True))
    def get(self, request: Request) -> Any:
        wanted = self.checked_query()
        items = selectors.items_for(wanted.get("seller"), visible_to=viewer(request))
        if search := wanted.get("search"):
            items = found_by(items, search)
        return self.answer_list(items, outputs.present_items, ordering=inputs.SORTS[wanted["sort"]])

    @extend_schema(request=inputs.ItemInput, responses={201: outputs.ItemDocument})
    def post(self, request: Request) -> Response:
        item = services.offer_item(**self.checked_body(), actor=request.auth, now=clock.now())
        return self.created(outputs.item_document(item))


class ItemOne(ApiView):
    """GET|PATCH /api/v1/items/<id>"""

    audience = {"PATCH": SELLER}
    public = GET
    Input = inputs.ItemChanges

    @extend_schema(responses=outputs.ItemDocument)
    def get(self, request: Request, item_id: str) -> Response:
        return Response(outputs.item_document(selectors.get_item(item_id, visible_to=viewer(request))))

    @extend_schema(request=inputs.ItemChanges, responses=outputs.ItemDocument)
    def patch(self, request: Request, item_id: str) -> Response:
        selectors.get_own_item(item_id, seller=request.auth.acting)
        changes = self.checked_body()
        item = services.change_item(item=item_id, changes=changes, actor=request.auth, now=clock.now())
        return Response(outputs.item_document(item))


class FeeSchedules(ListView):
    """GET|POST /api/v1/fee-schedules"""

    audience = {"*": OPERATOR}
    Input = inputs.FeeScheduleInput

    @extend_schema(responses=outputs.FeeScheduleDocument(many=True))
    def get(self, request: Request) -> Any:
        superseded = selectors.superseded_fee_schedules(clock.now())
        return self.answer_list(
            selectors.fee_schedules(), lambda page: [outputs.fee_schedule_document(row, superseded) for row in page]
        )

    @extend_schema(request=inputs.FeeScheduleInput, responses={201: outputs.FeeScheduleDocument})
    def post(self, request: Request) -> Response:
        body = self.checked_body()
        body["rules"] = [outputs.written_rule(rule) for rule in body["rules"]]
        schedule = services.draft_fee_schedule(**body, actor=request.auth)
        return self.created(outputs.fee_schedule_document(schedule, set()))


class FeeScheduleOne(ApiView):
    """GET /api/v1/fee-schedules/<id>"""

    audience = {"*": OPERATOR}

    @extend_schema(responses=outputs.FeeScheduleDocument)
    def get(self, request: Request, schedule_id: str) -> Response:
        schedule = selectors.get_fee_schedule(schedule_id)
        superseded = selectors.superseded_fee_schedules(clock.now())
        return Response(outputs.fee_schedule_document(schedule, superseded))


class FeeScheduleActivation(ApiView):
    """POST /api/v1/fee-schedules/<id>/activate"""

    audience = {"*": OPERATOR}
    Input = inputs.ActivationInput

    @extend_schema(request=inputs.ActivationInput, responses=outputs.FeeScheduleDocument)
    def post(self, request: Request, schedule_id: str) -> Response:
        selectors.get_fee_schedule(schedule_id)
        body = self.checked_body()
        schedule = services.activate_fee_schedule(schedule=schedule_id, **body, actor=request.auth, now=clock.now())
        superseded = selectors.superseded_fee_schedules(clock.now())
        return Response(outputs.fee_schedule_document(schedule, superseded))
