"""Trades over HTTP, for the customers who pay them with their phones."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from accounts.errors import AccountNotLinked, SpendingCapExceeded
from catalog.errors import StoreClosed
from core import clock
from core.api.schema import refuses
from core.api.views import ApiView
from core.errors import InvalidInput
from core.money import Money
from ledger.errors import InsufficientFunds
from orders.api.views import payer_of
from orders.counter import errors, selectors, services
from orders.counter.api import examples, inputs, outputs
from orders.counter.models import CounterTrade
from orders.errors import AmountMismatch, OrderNotPayable
from orders.selectors import lines_of

BUYER = frozenset({"buyer"})
POST = frozenset({"POST"})


class CustomerView(ApiView):
    """What views of trades for customers have in common."""

    audience: ClassVar = {"*": BUYER}

    def shown(self, trade: CounterTrade) -> dict[str, Any]:
        lines = lines_of([trade.order])[trade.order_id]
        url_of = self.request.build_absolute_uri
        return outputs.trade_document(trade, lines, now=clock.now(), url_of=url_of)


class CustomerTrade(CustomerView):
    """GET /api/v1/trades/<trade_no>"""

    @extend_schema(
        summary="A trade whose number one has, until it is another customer's", responses=outputs.TradeDocument
    )
    def get(self, request: Request, trade_no: str) -> Response:
        return Response(self.shown(selectors.get_trade_to_pay(trade_no, visible_to=actor_of(request).acting)))


class PhonePayment(CustomerView):
    """What paying and confirming have in common."""

    keyed = POST
    Input = inputs.PhonePaymentInput

    def payment(self, request: Request, trade_no: str) -> dict[str, Any]:
        """Return what the service takes; what is not there is said before what is wrong in the body."""
        actor = actor_of(request)
        try:
            body = self.checked_body()
        except InvalidInput:
            selectors.get_trade_to_pay(trade_no, visible_to=actor.acting)
            raise
        return {
            "trade_no": trade_no,
            "amount": Money(body["amount"], body["currency"]),
            "payer": payer_of(body.get("wallet"), actor),
            "actor": actor,
            "now": clock.now(),
        }


PAYMENT_REFUSALS = (
    AccountNotLinked,
    AmountMismatch,
    InsufficientFunds,
    OrderNotPayable,
    SpendingCapExceeded,
    StoreClosed,
)


class TradePayment(PhonePayment):
    """POST /api/v1/trades/<trade_no>/pay"""

    @extend_schema(
        summary="Pay a trade at the counter with the phone",
        request=inputs.PhonePaymentInput,
        responses=outputs.TradeDocument,
        examples=[examples.PHONE_PAYMENT],
    )
    @refuses(*PAYMENT_REFUSALS)
    def post(self, request: Request, trade_no: str) -> Response:
        return Response(self.shown(services.pay_on_phone(**self.payment(request, trade_no))))


class TradeConfirmation(PhonePayment):
    """POST /api/v1/trades/<trade_no>/confirm"""

    @extend_schema(
        summary="Say yes to a large amount that a till has asked for: it is paid",
        request=inputs.PhonePaymentInput,
        responses=outputs.TradeDocument,
        examples=[examples.PHONE_PAYMENT],
    )
    @refuses(*PAYMENT_REFUSALS, errors.ConfirmationNotNeeded)
    def post(self, request: Request, trade_no: str) -> Response:
        return Response(self.shown(services.confirm_trade(**self.payment(request, trade_no))))
