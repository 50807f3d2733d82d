"""Share programs over HTTP."""

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from catalog.errors import ItemNotOnSale
from catalog.selectors import get_item, get_own_item
from core import clock
from core.api.schema import refuses
from core.api.views import ApiView
from sharing import errors, services, shares
from sharing.api import program_outputs as outputs

SELLER = frozenset({"seller"})


class ItemProgram(ApiView):
    """GET|PUT|DELETE /api/v1/items/<id>/share-program"""

    audience = {"PUT": SELLER, "DELETE": SELLER}
    public = frozenset({"GET"})
    Input = outputs.ProgramInput

    @extend_schema(
        summary="What an item's seller gives to those who bring customers, for shares made now",
        responses=outputs.ProgramDocument,
    )
    def get(self, request: Request, item_id: str) -> Response:
        viewer = actor_of(request).acting if request.auth is not None else None
        item = get_item(item_id, visible_to=viewer)
        program = shares.program_in_force(item)
        in_full = viewer is not None and (viewer.is_staff or viewer.pk == item.seller_id)
        budget = shares.budgets_of([item.pk]).get(item.pk)
        return Response(outputs.program_document(program, budget, in_full=in_full))

    @extend_schema(
        summary="Give an item a program, or other terms for shares made from now on",
        request=outputs.ProgramInput,
        responses=outputs.ProgramDocument,
        examples=[outputs.PROGRAM],
    )
    @refuses(errors.RateOrAmount, errors.HostInvalid, errors.OtherCurrency, ItemNotOnSale)
    def put(self, request: Request, item_id: str) -> Response:
        actor = actor_of(request)
        get_own_item(item_id, seller=actor.acting)
        terms = outputs.wanted_terms(self.checked_body())
        program = services.set_program(item=item_id, terms=terms, actor=actor, now=clock.now())
        budget = shares.budgets_of([program.item_id]).get(program.item_id)
        return Response(outputs.program_document(program, budget, in_full=True))

    @extend_schema(summary="End an item's program with all its shares", responses={204: None})
    def delete(self, request: Request, item_id: str) -> Response:
        services.end_program(item=item_id, actor=actor_of(request), now=clock.now())
        return Response(status=204)


program_urls = [path("items/<str:item_id>/share-program", ItemProgram.as_view())]
