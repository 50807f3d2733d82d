"""Orders and refunds over HTTP."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor
from accounts.callers import actor_of
from accounts.errors import AccountNotLinked, SpendingCapExceeded
from accounts.models import Account
from accounts.selectors import get_own_or_linked
from catalog.errors import ItemNotOnSale, ItemUnknown, OutOfStock
from core import clock
from core.api import fields
from core.api.lists import ListView
from core.api.parsers import parse_object
from core.api.schema import refuses
from core.api.three_steps import ThreeStepView
from core.api.views import ApiView
from core.errors import AmountTooLarge, BadRequest, InvalidInput
from core.money import Money
from ledger.errors import InsufficientFunds
from orders import errors, selectors, services
from orders.api import examples, inputs, outputs
from orders.models import Order, RefundRequest
from orders.services import WantedLine, WantedRefundLine
from wallets.errors import ProviderUnknown
from wallets.providers.base import Outcome

BUYER = frozenset({"buyer"})
SELLER = frozenset({"seller"})
OPERATOR = frozenset({"operator"})
PEOPLE = frozenset({"buyer", "seller", "operator"})
POST = frozenset({"POST"})


PAYMENT_REFUSALS = (
    AccountNotLinked,
    SpendingCapExceeded,
    AmountTooLarge,
    InsufficientFunds,
    ProviderUnknown,
    errors.AmountMismatch,
    errors.OrderNotPayable,
    errors.PaymentInProgress,
)


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

    :raises AccountNotLinked: it belongs to an account that the login account is not linked with.
    """
    if wallet is None or wallet == actor.owner_id:
        return actor.acting
    return get_own_or_linked(wallet, login=actor.login)


class PaymentView(OrderView):
    """What both payments, from a wallet and with a provider, have in common."""

    audience: ClassVar[Mapping[str, frozenset[str]]] = {"*": BUYER}
    Input = inputs.PayInput

    def payment_body(self, find: Callable[[], object]) -> dict[str, Any]:
        """Return the checked body; a wallet that cannot be seen is said before what is faulty, like the order."""
        return self.body_of(lambda: (find(), self.named_payer()))

    def named_payer(self) -> Account:
        wallet = dict(self.request.data).get("wallet")
        return payer_of(wallet if isinstance(wallet, str) else None, actor_of(self.request))


def payment_of(body: dict[str, Any], request: Request) -> dict[str, Any]:
    """Return what every payment's service takes."""
    return {
        "amount": Money(body["amount"], body["currency"]),
        "payer": payer_of(body.get("wallet"), actor_of(request)),
        "actor": actor_of(request),
        "now": clock.now(),
    }


class Orders(ListView):
    """GET|POST /api/v1/orders"""

    audience = {"POST": BUYER, "GET": PEOPLE}
    keyed = POST
    Input = inputs.PlaceInput

    class Query(fields.Input):
        role = serializers.ChoiceField(["buyer", "seller"], required=False, help_text="By default the account's side.")
        status = serializers.ChoiceField(Order.Status.values, required=False)

    @extend_schema(summary="Own orders, as buyer or as seller", responses=outputs.OrderDocument(many=True))
    def get(self, request: Request) -> Any:
        viewer, wanted = actor_of(request).acting, self.checked_query()
        orders = selectors.orders_in_role(wanted.get("role"), visible_to=viewer)
        if "status" in wanted:
            orders = orders.filter(status=wanted["status"])
        return self.answer_list(orders, lambda page: outputs.present_orders(page, viewer))

    @extend_schema(
        summary="Place an order: one checkout, one order per seller",
        request=inputs.PlaceInput,
        responses={201: outputs.CheckoutDocument},
        examples=[examples.PLACE],
    )
    @refuses(ItemUnknown, ItemNotOnSale, OutOfStock, AmountTooLarge, errors.MixedCurrencies)
    def post(self, request: Request) -> Response:
        body = self.checked_body()
        lines = [WantedLine(**line) for line in body["lines"]]
        scans = inputs.PlaceInput.named_in(body)
        placed = services.place_checkout(lines=lines, scans=scans, actor=actor_of(request), now=clock.now())
        viewer = actor_of(request).acting
        return self.created(outputs.checkout_document(placed.checkout, placed.orders, placed.lines, viewer))


class OrderOne(ApiView):
    """GET /api/v1/orders/<id>"""

    audience = {"*": PEOPLE}

    @extend_schema(
        summary="An order, for its buyer, its seller, its payer and operators", responses=outputs.OrderDocument
    )
    def get(self, request: Request, order_id: str) -> Response:
        viewer = actor_of(request).acting
        return Response(outputs.one_order(selectors.get_order(order_id, visible_to=viewer), viewer))


class Checkouts(ApiView):
    """GET /api/v1/checkouts/<id>"""

    audience = {"*": PEOPLE}

    @extend_schema(summary="A checkout with its orders", responses=outputs.CheckoutDocument)
    def get(self, request: Request, checkout_id: str) -> Response:
        viewer = actor_of(request).acting
        checkout = selectors.get_checkout(checkout_id, visible_to=viewer)
        orders = selectors.orders_of_checkout(checkout)
        return Response(outputs.read_checkout(checkout, orders, viewer))


def names_provider(request: HttpRequest) -> bool:
    """Whether a payment's body names a provider; what cannot be read is refused where bodies are read."""
    if b'"provider"' not in request.body:
        return False
    try:
        return parse_object(request.body).get("provider") is not None
    except BadRequest:
        return False


class CheckoutPaymentByProvider(ThreeStepView, PaymentView):
    """The same path as `CheckoutPayment`, where the body names a provider: it calls somebody far away."""

    def intend(self, request: Request, checkout_id: str) -> str:
        body = self.payment_body(lambda: selectors.get_checkout(checkout_id, visible_to=actor_of(request).acting))
        payment = services.request_checkout_payment(
            checkout=checkout_id, provider=body["provider"], **payment_of(body, request)
        )
        return payment.public_id

    def call(self, intent: str) -> Outcome | None:
        return services.call_provider(payment=intent)

    def conclude(self, intent: str, outcome: Outcome | None) -> Response:
        checkout = services.note_outcome(payment=intent, outcome=outcome, now=clock.now()).checkout
        assert checkout is not None
        orders = selectors.orders_of_checkout(checkout)
        return Response(outputs.read_checkout(checkout, orders, actor_of(self.request).acting))


class CheckoutPayment(PaymentView):
    """POST /api/v1/checkouts/<id>/pay"""

    keyed = POST

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if names_provider(request):
            return CheckoutPaymentByProvider.as_view()(request, *args, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    @extend_schema(
        summary="Pay all orders of a checkout, or none",
        request=inputs.PayInput,
        responses=outputs.CheckoutDocument,
        examples=[examples.PAY],
    )
    @refuses(*PAYMENT_REFUSALS)
    def post(self, request: Request, checkout_id: str) -> Response:
        viewer = actor_of(request).acting
        body = self.payment_body(lambda: selectors.get_checkout(checkout_id, visible_to=viewer))
        orders = services.pay_checkout(checkout=checkout_id, **payment_of(body, request))
        checkout = orders[0].checkout
        assert checkout is not None
        return Response(outputs.checkout_document(checkout, orders, selectors.lines_of(orders), viewer))


class OrderPaymentByProvider(ThreeStepView, PaymentView):
    """The same path as `OrderPayment`, where the body names a provider: it calls somebody far away."""

    def intend(self, request: Request, order_id: str) -> str:
        body = self.payment_body(lambda: selectors.get_order(order_id, visible_to=actor_of(request).acting))
        payment = services.request_order_payment(order=order_id, provider=body["provider"], **payment_of(body, request))
        return payment.public_id

    def call(self, intent: str) -> Outcome | None:
        return services.call_provider(payment=intent)

    def conclude(self, intent: str, outcome: Outcome | None) -> Response:
        payment = services.note_outcome(payment=intent, outcome=outcome, now=clock.now())
        assert payment.order is not None
        viewer = actor_of(self.request).acting
        order = selectors.get_order(payment.order.public_id, visible_to=viewer)
        return Response(outputs.one_order(order, viewer))


class OrderPayment(PaymentView):
    """POST /api/v1/orders/<id>/pay"""

    keyed = POST

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if names_provider(request):
            return OrderPaymentByProvider.as_view()(request, *args, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    @extend_schema(
        summary="Pay an order from a wallet, or with a provider's money",
        request=inputs.PayInput,
        responses=outputs.OrderDocument,
        examples=[examples.PAY],
    )
    @refuses(*PAYMENT_REFUSALS)
    def post(self, request: Request, order_id: str) -> Response:
        viewer = actor_of(request).acting
        body = self.payment_body(lambda: selectors.get_order(order_id, visible_to=viewer))
        order = services.pay_order(order=order_id, **payment_of(body, request))
        return Response(outputs.order_just_paid(order, viewer))


class OrderProgress(OrderView):
    """What moves an order on without a body."""

    keyed = POST
    Input = fields.Input

    def answer(self, request: Request, order_id: str, service: Callable[..., Order]) -> Response:
        viewer = actor_of(request).acting
        self.body_of(lambda: selectors.get_order(order_id, visible_to=viewer))
        order = service(order=order_id, actor=actor_of(request), now=clock.now())
        return Response(outputs.one_order(order, viewer))


class OrderCancelling(OrderProgress):
    """POST /api/v1/orders/<id>/cancel"""

    audience = {"*": BUYER | SELLER}

    @extend_schema(
        summary="Cancel: buyers while pending, sellers while pending or paid",
        request=None,
        responses=outputs.OrderDocument,
    )
    @refuses(errors.OrderNotCancellable)
    def post(self, request: Request, order_id: str) -> Response:
        return self.answer(request, order_id, services.cancel_order)


class OrderFulfilment(OrderProgress):
    """POST /api/v1/orders/<id>/fulfil"""

    audience = {"*": SELLER}

    @extend_schema(summary="Say that a paid order is handed over", request=None, responses=outputs.OrderDocument)
    @refuses(errors.OrderNotFulfillable)
    def post(self, request: Request, order_id: str) -> Response:
        return self.answer(request, order_id, services.fulfil_order)


class OrderCompletion(OrderProgress):
    """POST /api/v1/orders/<id>/complete"""

    audience = {"*": BUYER}

    @extend_schema(summary="Say that a fulfilled order is received", request=None, responses=outputs.OrderDocument)
    @refuses(errors.OrderNotCompletable)
    def post(self, request: Request, order_id: str) -> Response:
        return self.answer(request, order_id, services.complete_order)


class OrderRefunds(ListView, OrderView):
    """GET|POST /api/v1/orders/<id>/refunds"""

    audience = {"POST": SELLER, "GET": PEOPLE}
    keyed = POST
    Input = inputs.RefundInput

    @extend_schema(summary="Refunds of an order", responses=outputs.RefundDocument(many=True))
    def get(self, request: Request, order_id: str) -> Any:
        order = selectors.get_order(order_id, visible_to=actor_of(request).acting)
        return self.answer_list(selectors.refunds_of(order), outputs.present_refunds)

    @extend_schema(
        summary="Give money back, by amount or by lines",
        request=inputs.RefundInput,
        responses={201: outputs.RefundDocument},
        examples=[examples.REFUND_AMOUNT, examples.REFUND_LINES],
    )
    @refuses(
        errors.LineUnknown,
        errors.RefundExceedsPaid,
        errors.RestockExceedsQuantity,
        errors.LineRepeated,
        errors.AmountOrLines,
    )
    def post(self, request: Request, order_id: str) -> Response:
        body = self.body_of(lambda: selectors.get_order(order_id, visible_to=actor_of(request).acting))
        refund = services.refund_order(
            order=order_id,
            amount_minor=body.get("amount"),
            lines=[
                WantedRefundLine(line["line"], line["amount"], line.get("restock", False))
                for line in body.get("lines", ())
            ],
            reason=body["reason"],
            actor=actor_of(request),
            now=clock.now(),
        )
        return self.created(outputs.refund_document(refund))


class RefundOne(ApiView):
    """GET /api/v1/refunds/<id>"""

    audience = {"*": PEOPLE}

    @extend_schema(summary="A refund", responses=outputs.RefundDocument)
    def get(self, request: Request, refund_id: str) -> Response:
        return Response(outputs.refund_document(selectors.get_refund(refund_id, visible_to=actor_of(request).acting)))


class RefundRequests(ListView, OrderView):
    """GET|POST /api/v1/orders/<id>/refund-requests"""

    audience = {"POST": BUYER, "GET": PEOPLE}
    Input = inputs.RefundRequestInput

    @extend_schema(summary="What the buyer asked for", responses=outputs.RefundRequestDocument(many=True))
    def get(self, request: Request, order_id: str) -> Any:
        order = selectors.get_order(order_id, visible_to=actor_of(request).acting)
        return self.answer_list(selectors.refund_requests_of(order), outputs.present_refund_requests)

    @extend_schema(
        summary="Ask for money back",
        request=inputs.RefundRequestInput,
        responses={201: outputs.RefundRequestDocument},
        examples=[examples.ASK_REFUND],
    )
    @refuses(errors.LineUnknown, errors.LineRepeated, errors.RefundExceedsPaid, errors.RefundRequestOpen)
    def post(self, request: Request, order_id: str) -> Response:
        body = self.body_of(lambda: selectors.get_order(order_id, visible_to=actor_of(request).acting))
        asked = services.request_refund(
            order=order_id,
            lines=[WantedRefundLine(line["line"], line["amount"]) for line in body.get("lines", ())],
            reason=body["reason"],
            actor=actor_of(request),
            now=clock.now(),
        )
        return self.created(outputs.refund_request_document(asked))


class OwnRefundRequests(ListView):
    """GET /api/v1/refund-requests"""

    audience = {"*": PEOPLE}

    class Query(fields.Input):
        status = serializers.ChoiceField(
            [*RefundRequest.Status.values, selectors.OVERDUE],
            required=False,
            help_text="`overdue`: open ones that operators may decide by now.",
        )

    @extend_schema(
        summary="What one has asked for as a buyer, or is asked for as a seller; operators see all",
        responses=outputs.RefundRequestDocument(many=True),
    )
    def get(self, request: Request) -> Any:
        viewer, wanted = actor_of(request).acting, self.checked_query().get("status")
        found = selectors.refund_requests(visible_to=viewer, state=wanted, now=clock.now())
        return self.answer_list(found, outputs.present_refund_requests)


class RefundRequestOne(ApiView):
    """GET /api/v1/refund-requests/<id>"""

    audience = {"*": PEOPLE}

    @extend_schema(summary="A refund request", responses=outputs.RefundRequestDocument)
    def get(self, request: Request, request_id: str) -> Response:
        found = selectors.get_refund_request(request_id, visible_to=actor_of(request).acting)
        return Response(outputs.refund_request_document(found))


class RefundRequestAnswer(OrderView):
    """What sellers, and later operators, say to a refund request."""

    audience = {"*": SELLER | OPERATOR}
    Input = inputs.AnswerInput

    def answer(self, request: Request, request_id: str, service: Callable[..., RefundRequest]) -> Response:
        actor = actor_of(request)
        body = self.body_of(lambda: selectors.get_refund_request(request_id, visible_to=actor.acting))
        answered = service(request=request_id, answer=body.get("answer", ""), actor=actor, now=clock.now())
        return Response(outputs.refund_request_document(answered))


class RefundRequestAccepting(RefundRequestAnswer):
    """POST /api/v1/refund-requests/<id>/accept"""

    @extend_schema(
        summary="Give back what is asked for", request=inputs.AnswerInput, responses=outputs.RefundRequestDocument
    )
    @refuses(errors.RefundExceedsPaid, errors.RefundRequestDecided, errors.SellerDecidesFirst)
    def post(self, request: Request, request_id: str) -> Response:
        return self.answer(request, request_id, services.accept_refund_request)


class RefundRequestRefusing(RefundRequestAnswer):
    """POST /api/v1/refund-requests/<id>/refuse"""

    @extend_schema(summary="Refuse a request", request=inputs.AnswerInput, responses=outputs.RefundRequestDocument)
    @refuses(errors.RefundRequestDecided, errors.SellerDecidesFirst)
    def post(self, request: Request, request_id: str) -> Response:
        return self.answer(request, request_id, services.refuse_refund_request)
