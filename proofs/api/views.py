"""Proofs over HTTP."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from core.api.views import ApiView
from proofs.api import examples, outputs
from proofs.order_money import order_money


class OrderMoneyProof(ApiView):
    """GET /api/v1/orders/<id>/money"""

    @extend_schema(
        summary="Where an order's money is, and that none is lost",
        responses=outputs.OrderMoneyDocument,
        examples=[examples.MONEY],
    )
    def get(self, request: Request, order_id: str) -> Response:
        viewer = actor_of(request).acting
        return Response(outputs.money_document(order_money(order_id, visible_to=viewer)))
