"""Orders and refunds over HTTP."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor
from accounts.errors import AccountNotLinked
from accounts.models import Account
from core import clock
from core.api.fields import Input
from core.api.lists import ListView
from core.api.views import ApiView
from core.errors import InvalidInput
from core.money import Money
from orders import selectors, services
from orders.api import inputs, outputs
from orders.models import Order
from orders.services import WantedLine, WantedRefundLine
from wallets.errors import ProviderUnknown

BUYER = frozenset({"buyer"})
SELLER = frozenset({"seller"})
PEOPLE = frozenset({"buyer", "seller", "operator"})
POST = frozenset({"POST"})


class OrderView(ApiView):
    """What views of orders have in common."""

    def body_of(self, find: Callable[[], object]) -> dict[str, Any]:
        """
        Return the checked body. Where it is faulty, what is not there is said first, as the contract
        orders; where it is not, the service finds and locks in one statement.

        :raises InvalidInput: with one error per faulty field.
        """
        try:
            return self.checked_body()
        except InvalidInput:
            find()
            raise


def payer_of(wallet: str | None, actor: Actor) -> Account:
    """
    Return whose wallet pays: the acting account's, or the one named.

    :raises AccountNotLinked: it belongs to an account that is not linked.
    """
    if wallet is not None and wallet != actor.owner_id:
        raise AccountNotLinked
    return actor.acting


class Orders(ListView):
    """GET|POST /api/v1/orders"""

    audience = {"POST": BUYER, "GET": PEOPLE}
    keyed = POST
    Input = inputs.PlaceInput
    Query = inputs.OrdersQuery

    @extend_schema(parameters=[inputs.OrdersQuery], responses=outputs.OrderDocument(many=True))
    def get(self, request: Request) -> Any:
        viewer, wanted = request.auth.acting, self.checked_query()
        orders = selectors.orders_in_role(wanted.get("role"), visible_to=viewer)
        if "status" in wanted:
            orders = orders.filter(status=wanted["status"])
        return self.answer_list(orders, lambda page: outputs.present_orders(page, viewer))

    @extend_schema(request=inputs.PlaceInput, responses={201: outputs.CheckoutDocument})
    def post(self, request: Request) -> Response:
        lines = [WantedLine(**line) for line in self.checked_body()["lines"]]
        placed = services.place_checkout(lines=lines, actor=request.auth, now=clock.now())
        viewer = request.auth.acting
        return self.created(outputs.checkout_document(placed.checkout, placed.orders, placed.lines, viewer))


class OrderOne(ApiView):
    """GET /api/v1/orders/<id>"""

    audience = {"*": PEOPLE}

    @extend_schema(responses=outputs.OrderDocument)
    def get(self, request: Request, order_id: str) -> Response:
        viewer = request.auth.acting
        return Response(outputs.one_order(selectors.get_order(order_id, visible_to=viewer), viewer))


class Checkouts(ApiView):
    """GET /api/v1/checkouts/<id>"""

    audience = {"*": PEOPLE}

    @extend_schema(responses=outputs.CheckoutDocument)
    def get(self, request: Request, checkout_id: str) -> Response:
        viewer = request.auth.acting
        checkout = selectors.get_checkout(checkout_id, visible_to=viewer)
        orders = selectors.orders_of_checkout(checkout)
        return Response(outputs.checkout_document(checkout, orders, selectors.lines_of(orders), viewer))


class CheckoutPayment(OrderView):
    """POST /api/v1/checkouts/<id>/pay"""

    audience = {"*": BUYER}
    keyed = POST
    Input = inputs.PayInput

    @extend_schema(request=inputs.PayInput, responses=outputs.CheckoutDocument)
    def post(self, request: Request, checkout_id: str) -> Response:
        viewer = request.auth.acting
        body = self.body_of(lambda: selectors.get_checkout(checkout_id, visible_to=viewer))
        refuse_provider(body)
        orders = services.pay_checkout(
            checkout=checkout_id,
            amount=Money(body["amount"], body["currency"]),
            payer=payer_of(body.get("wallet"), request.auth),
            actor=request.auth,
            now=clock.now(),
        )
        checkout = orders[0].checkout
        assert checkout is not None
        return Response(outputs.checkout_document(checkout, orders, selectors.lines_of(orders), viewer))


def refuse_provider(body: dict[str, Any]) -> None:
    if body.get("provider") is not None:
        raise ProviderUnknown


class OrderPayment(OrderView):
    """POST /api/v1/orders/<id>/pay"""

    audience = {"*": BUYER}
    keyed = POST
    Input = inputs.PayInput

    @extend_schema(request=inputs.PayInput, responses=outputs.OrderDocument)
    def post(self, request: Request, order_id: str) -> Response:
        viewer = request.auth.acting
        body = self.body_of(lambda: selectors.get_order(order_id, visible_to=viewer))
        refuse_provider(body)
        order = services.pay_order(
            order=order_id,
            amount=Money(body["amount"], body["currency"]),
            payer=payer_of(body.get("wallet"), request.auth),
            actor=request.auth,
            now=clock.now(),
        )
        return Response(outputs.one_order(order, viewer))


class OrderProgress(OrderView):
    """What moves an order on without a body."""

    keyed = POST
    Input = Input

    def answer(self, request: Request, order_id: str, service: Callable[..., Order]) -> Response:
        viewer = request.auth.acting
        self.body_of(lambda: selectors.get_order(order_id, visible_to=viewer))
        order = service(order=order_id, actor=request.auth, now=clock.now())
        return Response(outputs.one_order(order, viewer))


class OrderCancelling(OrderProgress):
    """POST /api/v1/orders/<id>/cancel"""

    audience = {"*": BUYER | SELLER}

    @extend_schema(request=None, responses=outputs.OrderDocument)
    def post(self, request: Request, order_id: str) -> Response:
        return self.answer(request, order_id, services.cancel_order)


class OrderFulfilment(OrderProgress):
    """POST /api/v1/orders/<id>/fulfil"""

    audience = {"*": SELLER}

    @extend_schema(request=None, responses=outputs.OrderDocument)
    def post(self, request: Request, order_id: str) -> Response:
        return self.answer(request, order_id, services.fulfil_order)


class OrderCompletion(OrderProgress):
    """POST /api/v1/orders/<id>/complete"""

    audience = {"*": BUYER}

    @extend_schema(request=None, responses=outputs.OrderDocument)
    def post(self, request: Request, order_id: str) -> Response:
        return self.answer(request, order_id, services.complete_order)


class OrderRefunds(ListView, OrderView):
    """GET|POST /api/v1/orders/<id>/refunds"""

    audience = {"POST": SELLER, "GET": PEOPLE}
    keyed = POST
    Input = inputs.RefundInput

    @extend_schema(responses=outputs.RefundDocument(many=True))
    def get(self, request: Request, order_id: str) -> Any:
        order = selectors.get_order(order_id, visible_to=request.auth.acting)
        return self.answer_list(selectors.refunds_of(order), outputs.present_refunds)

    @extend_schema(request=inputs.RefundInput, responses={201: outputs.RefundDocument})
    def post(self, request: Request, order_id: str) -> Response:
        body = self.body_of(lambda: selectors.get_order(order_id, visible_to=request.auth.acting))
        refund = services.refund_order(
            order=order_id,
            amount_minor=body.get("amount"),
            lines=[
                WantedRefundLine(line["line"], line["amount"], line.get("restock", False))
                for line in body.get("lines", ())
            ],
            reason=body["reason"],
            actor=request.auth,
            now=clock.now(),
        )
        return self.created(outputs.refund_document(refund))


class RefundOne(ApiView):
    """GET /api/v1/refunds/<id>"""

    audience = {"*": PEOPLE}

    @extend_schema(responses=outputs.RefundDocument)
    def get(self, request: Request, refund_id: str) -> Response:
        return Response(outputs.refund_document(selectors.get_refund(refund_id, visible_to=request.auth.acting)))
