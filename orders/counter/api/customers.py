"""Trades over HTTP, for the customers who pay them with their phones."""

from typing import Any, ClassVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from accounts.errors import AccountNotLinked, SpendingCapExceeded
from catalog.errors import StoreClosed
from core import clock
from core.api.schema import refuses
from core.api.three_steps import ThreeStepView
from core.api.views import ApiView
from core.errors import AmountTooLarge, InvalidInput
from core.money import Money
from ledger.errors import InsufficientFunds
from orders.api.views import names_provider, payer_of
from orders.counter import errors, selectors, services
from orders.counter.api import examples, inputs
from orders.counter.api.own_trades import OwnTradeDocument, own_trade_document
from orders.counter.models import CounterTrade
from orders.errors import AmountMismatch, OrderNotPayable, PaymentInProgress
from orders.selectors import lines_of
from orders.services import call_provider, note_outcome
from wallets.errors import ProviderUnknown
from wallets.providers.base import Outcome

BUYER = frozenset({"buyer"})
POST = frozenset({"POST"})


class CustomerView(ApiView):
    """What views of trades for customers have in common."""

    audience: ClassVar = {"*": BUYER}

    def shown(self, trade: CounterTrade) -> dict[str, Any]:
        """A trade with the own payment by a provider, if there is one."""
        lines = lines_of([trade.order])[trade.order_id]
        payment = selectors.own_payment(trade, visible_to=actor_of(self.request).acting)
        return own_trade_document(trade, lines, payment, now=clock.now())


class CustomerTrade(CustomerView):
    """GET /api/v1/trades/<trade_no>"""

    @extend_schema(summary="A trade whose number one has, until it is another customer's", responses=OwnTradeDocument)
    def get(self, request: Request, trade_no: str) -> Response:
        return Response(self.shown(selectors.get_trade_to_pay(trade_no, visible_to=actor_of(request).acting)))


class PhonePayment(CustomerView):
    """What paying and confirming have in common."""

    Input = inputs.PhonePaymentInput

    def payment(self, request: Request, trade_no: str) -> dict[str, Any]:
        """Return what the service takes; what is not there is said before what is wrong in the body."""
        actor = actor_of(request)
        try:
            body = self.checked_body()
        except InvalidInput:
            selectors.get_trade_to_pay(trade_no, visible_to=actor.acting)
            raise
        provider = body.get("provider")
        return {
            **({"provider": provider} if provider is not None else {}),
            "trade_no": trade_no,
            "named": body.get("scan") or "",
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


class TradePaymentByProvider(ThreeStepView, PhonePayment):
    """The same path as `TradePayment`, where the body names a provider: it calls somebody far away."""

    Input = inputs.PhonePaymentByProviderInput

    def intend(self, request: Request, trade_no: str) -> str:
        return services.request_phone_payment(**self.payment(request, trade_no)).public_id

    def call(self, intent: str) -> Outcome | None:
        return call_provider(payment=intent)

    def conclude(self, intent: str, outcome: Outcome | None) -> Response:
        payment = note_outcome(payment=intent, outcome=outcome, now=clock.now())
        return Response(self.shown(services.trade_of(payment)))


class TradePayment(PhonePayment):
    """POST /api/v1/trades/<trade_no>/pay"""

    keyed = POST
    Input = inputs.PhonePaymentByProviderInput

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if names_provider(request):
            return TradePaymentByProvider.as_view()(request, *args, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    @extend_schema(
        summary="Pay a trade at the counter with the phone, from a wallet or with a provider's money",
        request=inputs.PhonePaymentByProviderInput,
        responses=OwnTradeDocument,
        examples=[examples.PHONE_PAYMENT],
    )
    @refuses(*PAYMENT_REFUSALS, AmountTooLarge, PaymentInProgress, ProviderUnknown)
    def post(self, request: Request, trade_no: str) -> Response:
        return Response(self.shown(services.pay_on_phone(**self.payment(request, trade_no))))


class TradeConfirmation(PhonePayment):
    """POST /api/v1/trades/<trade_no>/confirm"""

    keyed = POST

    @extend_schema(
        summary="Say yes to a large amount that a till has asked for: it is paid",
        request=inputs.PhonePaymentInput,
        responses=OwnTradeDocument,
        examples=[examples.PHONE_PAYMENT],
    )
    @refuses(*PAYMENT_REFUSALS, errors.ConfirmationNotNeeded)
    def post(self, request: Request, trade_no: str) -> Response:
        return Response(self.shown(services.confirm_trade(**self.payment(request, trade_no))))
