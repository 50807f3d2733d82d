"""Pay codes over HTTP."""

from collections.abc import Iterable, Sequence
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from core import clock
from core.api import fields
from core.api.lists import ListView
from core.api.schema import refuses
from core.api.views import ApiView
from core.money import Money
from wallets.pay_codes import errors, offline, services
from wallets.pay_codes.models import NAME_LENGTH_MAX, ConfirmationLimit, PayCodeSecret
from wallets.pay_codes.selectors import is_in_force, secrets_of

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


class MaximumDocument(serializers.Serializer):
    amount = serializers.IntegerField()
    currency = serializers.CharField()


class PayCodeSecretDocument(serializers.Serializer):
    id = serializers.CharField()
    name = serializers.CharField()
    key_number = serializers.CharField(help_text="8 digits that stand in each of its codes.")
    max = MaximumDocument(allow_null=True, help_text="The most each of its codes pays.")
    session = serializers.CharField(help_text="The log-in of its phone; its end is the secret's.")
    in_force = serializers.BooleanField()
    made_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(help_text="When its session expires.")
    last_tried_at = serializers.DateTimeField(allow_null=True, help_text="When a till last tried one of its codes.")


class EnrolledPhoneDocument(PayCodeSecretDocument):
    secret = serializers.CharField(help_text="Base 32. Shown once.")
    algorithm = serializers.ChoiceField([offline.ALGORITHM], help_text="Of the HMAC, as in RFC 6238.")
    digits = serializers.IntegerField(help_text="So many of each code are the one-time password.")
    period_seconds = serializers.IntegerField(help_text="So long each code is the phone's.")


def secret_documents(secrets: Iterable[PayCodeSecret]) -> list[dict[str, Any]]:
    """`secrets` as `secrets_of` reads them."""
    return [
        {
            "id": secret.public_id,
            "name": secret.name,
            "key_number": secret.key_number,
            "max": {"amount": secret.max_minor, "currency": secret.max_currency} if secret.max_minor else None,
            "session": secret.session.public_id,
            "in_force": is_in_force(secret),
            "made_at": secret.made_at,
            "expires_at": secret.session.expires_at,
            "last_tried_at": getattr(secret, "last_tried_at", None),
        }
        for secret in secrets
    ]


class PayCodeSecrets(ListView):
    """GET, POST /api/v1/pay-code-secrets"""

    audience = {"*": BUYER}
    own_login = frozenset({"GET", "POST"})

    class Input(fields.Input):
        name = fields.TextField(
            max_length=NAME_LENGTH_MAX, required=False, allow_blank=True, help_text="What you call the phone."
        )
        max = fields.MoneyInput(required=False, allow_null=True)

    @extend_schema(
        summary="Phones that make pay codes by themselves, also those that do no more",
        responses=PayCodeSecretDocument(many=True),
    )
    def get(self, request: Request) -> Any:
        return self.answer_list(secrets_of(visible_to=actor_of(request).login), secret_documents)

    @extend_schema(
        summary="Let this phone make pay codes by itself, while it is offline",
        request=Input,
        responses={201: EnrolledPhoneDocument},
        examples=[
            OpenApiExample(
                "At most 20.00 a code", {"name": "Phone", "max": {"amount": 2000, "currency": "GBP"}}, request_only=True
            )
        ],
    )
    @refuses(errors.TooManyPayCodeSecrets)
    def post(self, request: Request) -> Response:
        body = self.checked_body()
        enrolled = services.enrol_phone(
            name=body.get("name", ""), maximum=body.get("max"), actor=actor_of(request), now=clock.now()
        )
        what_to_do = {
            "secret": enrolled.secret,
            "algorithm": offline.ALGORITHM,
            "digits": offline.PASSWORD_DIGITS,
            "period_seconds": offline.PERIOD_SECONDS,
        }
        return self.created(secret_documents([enrolled.row])[0] | what_to_do)


class OnePayCodeSecret(ApiView):
    """DELETE /api/v1/pay-code-secrets/<id>"""

    audience = {"*": BUYER}
    own_login = frozenset({"DELETE"})

    @extend_schema(summary="End a phone's secret: none of its codes pays any more", responses={204: None})
    def delete(self, request: Request, secret_id: str) -> Response:
        services.revoke_phone_secret(secret=secret_id, actor=actor_of(request), now=clock.now())
        return Response(status=204)


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
