"""Pay codes over HTTP."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from core import clock
from core.api import fields
from core.api.lists import ListView
from core.api.views import ApiView
from core.money import Money
from wallets.pay_codes import services
from wallets.pay_codes.models import ConfirmationLimit

BUYER = frozenset({"buyer"})
POST = frozenset({"POST"})


class PayCodeDocument(serializers.Serializer):
    code = serializers.CharField(help_text="18 digits, shown once, good for one try.")
    expires_at = serializers.DateTimeField()


class PayCodes(ApiView):
    """POST /api/v1/pay-codes"""

    audience = {"*": BUYER}
    own_login = POST

    class Input(fields.Input):
        max = fields.MoneyInput(required=False, allow_null=True)

    @extend_schema(
        summary="A code with which a till may charge the own wallet once",
        request=Input,
        responses={201: PayCodeDocument},
        examples=[OpenApiExample("At most 20.00", {"max": {"amount": 2000, "currency": "GBP"}}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        maximum = self.checked_body().get("max")
        made, code = services.make_pay_code(maximum=maximum, actor=actor_of(request), now=clock.now())
        return self.created({"code": code, "expires_at": made.expires_at})


class ConfirmationLimitDocument(serializers.Serializer):
    amount = serializers.IntegerField()
    currency = serializers.CharField()


def limit_documents(limits: Sequence[ConfirmationLimit]) -> list[dict[str, Any]]:
    return [{"amount": limit.amount_minor, "currency": limit.currency} for limit in limits]


class ConfirmationLimits(ListView):
    """GET, PUT /api/v1/confirmation-limits"""

    audience = {"*": BUYER}
    own_login = frozenset({"PUT"})

    class Input(fields.Input):
        amount = fields.MinorUnitsField(least=0)
        currency = fields.CurrencyField()

    @extend_schema(
        summary="Above which sums tills have to ask first; other currencies have the house's limit",
        responses=ConfirmationLimitDocument(many=True),
    )
    def get(self, request: Request) -> Any:
        own = ConfirmationLimit.objects.filter(account=actor_of(request).acting)
        return self.answer_list(own, limit_documents)

    @extend_schema(
        summary="Have tills ask first above this sum, in its currency; 0 asks always",
        request=Input,
        responses=ConfirmationLimitDocument,
    )
    def put(self, request: Request) -> Response:
        body = self.checked_body()
        limit = Money(body["amount"], body["currency"])
        row = services.set_confirmation_limit(limit=limit, actor=actor_of(request))
        return Response(limit_documents([row])[0])
