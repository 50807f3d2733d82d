"""Second factors over HTTP."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import errors, selectors, services
from accounts.actor import UNPROVEN_OPERATOR
from accounts.api import examples, outputs
from accounts.callers import actor_of
from core.api import fields
from core.api.audiences import ACCOUNTS
from core.api.schema import refuses
from core.api.views import ApiView
from core.errors import TooManyAttempts

ANY_LOGIN = ACCOUNTS | {UNPROVEN_OPERATOR}


class OtpInput(fields.Input):
    otp = fields.TextField(max_length=20, help_text="A code of the authenticator, or a recovery code.")


class EnrolmentDocument(serializers.Serializer):
    secret = serializers.CharField(help_text="Base 32, for apps that cannot read the URL. Shown once.")
    otpauth_url = serializers.CharField(help_text="For a QR code that an authenticator app reads.")


class RecoveryCodesDocument(serializers.Serializer):
    recovery_codes = serializers.ListField(child=serializers.CharField(), help_text="Each works once. Shown once.")


class Totp(ApiView):
    """POST /api/v1/account/totp"""

    audience = {"*": ANY_LOGIN}
    own_login = frozenset({"POST"})

    @extend_schema(summary="Begin with a second factor", request=None, responses={201: EnrolmentDocument})
    @refuses(errors.SecondFactorActive)
    def post(self, request: Request) -> Response:
        self.checked_body()
        enrolment = services.enrol(actor=actor_of(request))
        return self.created({"secret": enrolment.secret, "otpauth_url": enrolment.otpauth_url})


class TotpConfirmation(ApiView):
    """POST /api/v1/account/totp/confirm"""

    audience = {"*": ANY_LOGIN}
    own_login = frozenset({"POST"})
    Input = OtpInput

    @extend_schema(
        summary="Put the second factor in force with a first code",
        request=OtpInput,
        responses=RecoveryCodesDocument,
        examples=[examples.OTP],
    )
    @refuses(
        errors.SecondFactorMissing,
        errors.SecondFactorActive,
        errors.OtpInvalid,
        TooManyAttempts,
    )
    def post(self, request: Request) -> Response:
        codes = services.confirm_second_factor(**self.checked_body(), actor=actor_of(request))
        return Response({"recovery_codes": codes})


class TotpRemoval(ApiView):
    """POST /api/v1/account/totp/remove"""

    audience = {"*": ANY_LOGIN}
    own_login = frozenset({"POST"})
    Input = OtpInput

    @extend_schema(
        summary="Take the second factor away", request=OtpInput, responses={204: None}, examples=[examples.OTP]
    )
    @refuses(errors.SecondFactorMissing, errors.OtpInvalid, TooManyAttempts)
    def post(self, request: Request) -> Response:
        services.remove_second_factor(**self.checked_body(), actor=actor_of(request))
        return Response(status=204)


class StepUp(ApiView):
    """POST /api/v1/session/second-factor"""

    audience = {"*": ANY_LOGIN}
    Input = OtpInput

    @extend_schema(
        summary="Show the login account's second factor in this session",
        request=OtpInput,
        responses=outputs.SessionDocument,
        examples=[examples.OTP],
    )
    @refuses(errors.SecondFactorMissing, errors.OtpInvalid, errors.SessionEnded, TooManyAttempts)
    def post(self, request: Request) -> Response:
        services.step_up(**self.checked_body(), actor=actor_of(request))
        return Response(outputs.session_document(selectors.current_session(actor_of(request))))
