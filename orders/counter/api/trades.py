"""Trades over HTTP, for tills."""

import json
from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import Actor
from catalog.errors import ItemNotOnSale, ItemUnknown, OutOfStock, StoreClosed
from core import clock
from core.api import fields
from core.api.schema import refuses
from core.api.views import ApiView
from core.errors import InvalidInput, TooManyAttempts
from core.money import AMOUNT_MINOR_MAX, Money
from ledger.errors import InsufficientFunds
from orders.counter import errors, selectors, services
from orders.counter.answers import Done, answer_once
from orders.counter.api import examples, inputs, outputs
from orders.counter.callers import TERMINAL, till_of
from orders.counter.models import CounterTrade, Terminal, TillRequest
from orders.counter.services import Identity, SoldLine, TillPayment, sequences
from orders.counter.services.sequences import Asked
from orders.counter.states import FINAL, status_of
from orders.errors import AmountMismatch, OrderNotPayable, PaymentInProgress, RefundExceedsPaid
from orders.models import OrderLine
from orders.selectors import lines_of
from wallets.errors import ProviderNotBooked
from wallets.pay_codes.errors import ConfirmationNeeded, PayCodeInvalid, PayCodeMaximum
from wallets.providers.registry import keeps_money

TILL = frozenset({TERMINAL})


class TillView(ApiView):
    """What views for tills have in common."""

    audience: ClassVar = {"*": TILL}

    def shown(self, trade: CounterTrade, lines: list[OrderLine] | None = None) -> dict[str, Any]:
        """Return a trade as it is now."""
        return outputs.trade_document(
            trade,
            lines if lines is not None else lines_of([trade.order])[trade.order_id],
            now=clock.now(),
        )

    def answer_once(self, asked: Asked, effect: Callable[[], Done]) -> HttpResponse:
        """Answer what an effect does under a sequence, or what it did the first time."""
        answer = answer_once(asked, effect)
        headers = {"Idempotent-Replayed": "true"} if answer.is_repeat else {}
        return HttpResponse(answer.body, status=201, content_type="application/json", headers=headers)

    def outcome_of(self, trade: CounterTrade, request: TillRequest | None) -> Response:
        """Answer what became of a trade, or of a refund of it."""
        is_refund = request is not None and request.kind == TillRequest.Kind.REFUND
        is_final = is_refund or status_of(trade, clock.now()) in FINAL
        answer = {"answer": json.loads(request.answer)} if request else {}
        return Response({"outcome": "final" if is_final else "in_progress", "trade": self.shown(trade), **answer})


class TillTrades(TillView):
    """GET|POST /api/v1/terminal/trades"""

    Input = inputs.TradeInput

    class Query(fields.Input):
        sequence = serializers.IntegerField(min_value=1, max_value=AMOUNT_MINOR_MAX)

    @extend_schema(summary="What became of a sequence of this till", responses=outputs.OutcomeDocument)
    def get(self, request: Request) -> Response:
        till, sequence = till_of(request), self.checked_query()["sequence"]
        is_running = sequences.is_running(till, sequence)  # First: what has ended by now is found below.
        found = sequences.find_request(till, sequence)
        if found is None:
            return Response({"outcome": "in_progress" if is_running else "not_known"})
        if found.trade is None:
            return Response({"outcome": "final", "answer": json.loads(found.answer)})
        return self.outcome_of(selectors.get_trade(found.trade.order.trade_no, store=till.store), found)

    @extend_schema(
        summary="Make a trade; with a pay code it is paid in the same call",
        request=inputs.TradeInput,
        responses={201: outputs.TradeDocument},
        examples=[examples.TRADE],
    )
    @refuses(
        StoreClosed,
        TooManyAttempts,
        ItemUnknown,
        ItemNotOnSale,
        OutOfStock,
        errors.IdentityUnknown,
        errors.ItemOrDescription,
        errors.LinesMismatch,
        errors.PayCodeOrIdentity,
        errors.SequenceCancelled,
        errors.SequenceInUse,
        errors.SequenceReused,
    )
    def post(self, request: Request) -> HttpResponse:
        body, till = self.checked_body(), till_of(request)

        def make() -> Done:
            trade, lines = services.create_trade(terminal=till, **wanted_trade(body), now=clock.now())
            return Done(self.shown(trade, lines), trade)

        return self.answer_once(Asked.of(till, TillRequest.Kind.TRADE, dict(request.data)), make)


def wanted_trade(body: dict[str, Any]) -> dict[str, Any]:
    """Return a checked body as the service takes it."""
    return {
        "sequence": body["sequence"],
        "lines": [
            SoldLine(
                quantity=line["quantity"],
                item=line.get("item", ""),
                description=line.get("description", ""),
                unit_minor=line.get("unit_amount", 0),
            )
            for line in body["lines"]
        ],
        "named": body.get("scan") or "",
        **wanted_payment(body),
    }


def wanted_payment(body: dict[str, Any]) -> dict[str, Any]:
    """Return who pays how much, as services take it."""
    return {
        "amount": Money(body["amount"], body["currency"]),
        "pay_code": body.get("pay_code", ""),
        "identity": Identity(**body["identity"]) if "identity" in body else None,
    }


class TillTrade(TillView):
    """GET /api/v1/terminal/trades/<trade_no>"""

    @extend_schema(summary="What became of a trade of this till's store", responses=outputs.OutcomeDocument)
    def get(self, request: Request, trade_no: str) -> Response:
        trade = selectors.get_trade(trade_no, store=till_of(request).store)
        return self.outcome_of(trade, selectors.creating_request(trade))


class TillTradePayment(TillView):
    """POST /api/v1/terminal/trades/<trade_no>/pay"""

    Input = inputs.TillPaymentInput

    @extend_schema(
        summary="Have a trade paid, by a pay code or an identity",
        request=inputs.TillPaymentInput,
        responses=outputs.TradeDocument,
        examples=[examples.TILL_PAYMENT],
    )
    @refuses(
        StoreClosed,
        TooManyAttempts,
        ConfirmationNeeded,
        InsufficientFunds,
        PayCodeInvalid,
        PayCodeMaximum,
        AmountMismatch,
        OrderNotPayable,
        PaymentInProgress,
        ProviderNotBooked,
        errors.ChargeRefused,
        errors.IdentityUnknown,
        errors.PayCodeOrIdentity,
    )
    def post(self, request: Request, trade_no: str) -> Response:
        till = till_of(request)
        try:
            body = self.checked_body()
        except InvalidInput:
            selectors.get_trade(trade_no, store=till.store)  # What is not there is said first.
            raise
        tried = try_payment(till=till, trade_no=trade_no, **wanted_payment(body))
        if tried.refusal is not None:
            raise tried.refusal  # Committed by now: the code is used up.
        return Response(self.shown(tried.trade))


def try_payment(
    *, till: Terminal, trade_no: str, amount: Money, pay_code: str, identity: Identity | None, by: Actor | None = None
) -> TillPayment:
    """
    Have a trade paid at a till; in three steps where the identity's money is on somebody else's server.

    :raises Refusal: as `services.pay_at_till` and `services.request_till_charge`.
    """
    if identity is None or not keeps_money(identity.provider):
        return services.pay_at_till(
            terminal=till,
            trade_no=trade_no,
            amount=amount,
            pay_code=pay_code,
            identity=identity,
            by=by,
            now=clock.now(),
        )
    charge = services.request_till_charge(
        terminal=till, trade_no=trade_no, identity=identity, amount=amount, by=by, now=clock.now()
    )
    outcome = services.call_till_charge(charge=charge) if charge is not None else None
    return services.conclude_till_charge(charge=charge, trade_no=trade_no, outcome=outcome, now=clock.now())


class TillCancelling(TillView):
    """POST /api/v1/terminal/trades/cancel"""

    Input = inputs.CancelInput

    @extend_schema(
        summary="Cancel a sequence or a trade, whatever has become of it",
        request=inputs.CancelInput,
        responses=outputs.CancelledDocument,
        examples=[examples.CANCEL],
    )
    @refuses(errors.SequenceOrTradeNo, errors.UseRefund, errors.RefundNotCancellable)
    def post(self, request: Request) -> Response:
        body, till = self.checked_body(), till_of(request)
        if "sequence" in body:
            result = services.cancel_sequence(terminal=till, sequence=body["sequence"], now=clock.now())
        else:
            result = services.cancel_trade(terminal=till, trade_no=body["trade_no"], now=clock.now())
        return Response({"result": result})


class TillRefunds(TillView):
    """POST /api/v1/terminal/trades/<trade_no>/refunds"""

    Input = inputs.TillRefundInput

    @extend_schema(
        summary="Give money of a paid trade back, under a sequence of its own",
        request=inputs.TillRefundInput,
        responses={201: outputs.TillRefundDocument},
        examples=[examples.TILL_REFUND],
    )
    @refuses(RefundExceedsPaid, errors.SequenceCancelled, errors.SequenceInUse, errors.SequenceReused)
    def post(self, request: Request, trade_no: str) -> HttpResponse:
        till = till_of(request)
        selectors.get_trade(trade_no, store=till.store)
        body = self.checked_body()

        def give_back() -> Done:
            trade, refund = services.refund_at_till(
                terminal=till,
                trade_no=trade_no,
                amount_minor=body["amount"],
                reason=body["reason"],
                now=clock.now(),
            )
            return Done(outputs.till_refund_document(refund, trade, body["sequence"]), trade, refund)

        asked = Asked.of(till, TillRequest.Kind.REFUND, dict(request.data), subject=trade_no)
        return self.answer_once(asked, give_back)
