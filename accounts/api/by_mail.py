"""Password resets and e-mail verifications over HTTP."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import errors, services
from accounts.api import examples
from accounts.callers import actor_of
from core.addresses import client_address
from core.api import fields
from core.api.schema import refuses
from core.api.views import ApiView
from core.errors import TooManyAttempts

TOKEN_LENGTH_MAX = 1000
PASSWORD_LENGTH_MAX = 1000


class VerifiedDocument(serializers.Serializer):
    email = serializers.CharField()
    verified_at = serializers.DateTimeField()


class PasswordResets(ApiView):
    """POST /api/v1/password-resets"""

    authentication_classes = []
    public = frozenset({"POST"})

    class Input(fields.Input):
        username = fields.TextField(max_length=1000)

    @extend_schema(
        summary="Mail a token for a new password; the answer is the same whether there is such an account",
        request=Input,
        responses={202: None},
        examples=[examples.FORGOTTEN],
    )
    @refuses(TooManyAttempts)
    def post(self, request: Request) -> Response:
        services.request_password_reset(**self.checked_body(), address=client_address(request))
        return Response(status=202)


class PasswordResetConfirmation(ApiView):
    """POST /api/v1/password-resets/confirm"""

    authentication_classes = []
    public = frozenset({"POST"})

    class Input(fields.Input):
        token = fields.TextField(max_length=TOKEN_LENGTH_MAX)
        new = fields.TextField(max_length=PASSWORD_LENGTH_MAX, trim_whitespace=False)

    @extend_schema(
        summary="Set a new password with a mailed token; every session ends",
        request=Input,
        responses={204: None},
        examples=[examples.RESET],
    )
    @refuses(errors.MailTokenInvalid, errors.PasswordTooWeak)
    def post(self, request: Request) -> Response:
        services.reset_password(**self.checked_body())
        return Response(status=204)


class EmailVerifications(ApiView):
    """POST /api/v1/email-verifications"""

    own_login = frozenset({"POST"})

    @extend_schema(summary="Mail a token that proves the own address", request=None, responses={202: None})
    @refuses(errors.EmailMissing, TooManyAttempts)
    def post(self, request: Request) -> Response:
        self.checked_body()
        services.request_email_verification(actor=actor_of(request), address=client_address(request))
        return Response(status=202)


class EmailVerificationConfirmation(ApiView):
    """POST /api/v1/email-verifications/confirm"""

    authentication_classes = []
    public = frozenset({"POST"})

    class Input(fields.Input):
        token = fields.TextField(max_length=TOKEN_LENGTH_MAX)

    @extend_schema(summary="Prove an address with a mailed token", request=Input, responses=VerifiedDocument)
    @refuses(errors.MailTokenInvalid)
    def post(self, request: Request) -> Response:
        account = services.verify_email(**self.checked_body())
        return Response({"email": account.email, "verified_at": account.email_verified_at})
