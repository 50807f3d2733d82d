"""Accounts and sessions over HTTP."""

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors, services, sessions
from accounts.api import examples, outputs
from accounts.callers import actor_of
from accounts.errors import (
    AccountNotSettled,
    CredentialsInvalid,
    OtpRequired,
    PasswordTooWeak,
    ReferralCodeUnknown,
    UsernameTaken,
)
from accounts.exporting import export_account
from accounts.models import Account
from core import clock
from core.addresses import client_address
from core.api import fields
from core.api.lists import ListView
from core.api.schema import refuses
from core.api.views import ApiView
from core.errors import TooManyAttempts

PASSWORD_LENGTH_MAX = 1000
USERNAME_PATTERN = r"^[\w.@+-]+\Z"


class Accounts(ApiView):
    """POST /api/v1/accounts"""

    authentication_classes = []
    public = frozenset({"POST"})

    class Input(fields.Input):
        username = serializers.RegexField(USERNAME_PATTERN, max_length=150, help_text="Case does not matter.")
        password = fields.TextField(max_length=PASSWORD_LENGTH_MAX, trim_whitespace=False)
        kind = serializers.ChoiceField(Account.Kind.values)
        side = serializers.ChoiceField(Account.Side.values)
        name = fields.TextField(max_length=200)
        email = serializers.EmailField(required=False, allow_blank=True)
        referral_code = fields.TextField(required=False, allow_blank=True, max_length=40)

    @extend_schema(
        summary="Register",
        request=Input,
        responses={201: outputs.AccountDocument},
        examples=[examples.REGISTRATION, examples.OWN_ACCOUNT],
    )
    @refuses(PasswordTooWeak, ReferralCodeUnknown, UsernameTaken, TooManyAttempts)
    def post(self, request: Request) -> Response:
        registered = services.register_account(**self.checked_body(), address=client_address(request), now=clock.now())
        return self.created(outputs.account_document(registered))


class OwnAccount(ApiView):
    """GET, PATCH /api/v1/account"""

    own_login = frozenset({"PATCH"})

    class Input(fields.Input):
        name = fields.TextField(required=False, max_length=200)
        email = serializers.EmailField(required=False, allow_blank=True)
        step_up = fields.FlagField(required=False)

    @extend_schema(summary="The acting account", responses=outputs.AccountDocument, examples=[examples.OWN_ACCOUNT])
    def get(self, request: Request) -> Response:
        return Response(outputs.account_document(actor_of(request).acting))

    @extend_schema(
        summary="Change the own name or e-mail",
        request=Input,
        responses=outputs.AccountDocument,
        examples=[examples.NEW_ADDRESS, examples.OWN_ACCOUNT],
    )
    def patch(self, request: Request) -> Response:
        changed = services.update_account(**self.checked_body(), actor=actor_of(request))
        return Response(outputs.account_document(changed))


class OwnPassword(ApiView):
    """POST /api/v1/account/password"""

    own_login = frozenset({"POST"})

    class Input(fields.Input):
        old = fields.TextField(max_length=PASSWORD_LENGTH_MAX, trim_whitespace=False)
        new = fields.TextField(max_length=PASSWORD_LENGTH_MAX, trim_whitespace=False)

    @extend_schema(
        summary="Change the own password; other sessions end",
        request=Input,
        responses={204: None},
        examples=[examples.NEW_PASSWORD],
    )
    @refuses(CredentialsInvalid, PasswordTooWeak, TooManyAttempts)
    def post(self, request: Request) -> Response:
        services.change_password(**self.checked_body(), address=client_address(request), actor=actor_of(request))
        return Response(status=204)


class Closing(ApiView):
    """POST /api/v1/account/close"""

    own_login = frozenset({"POST"})

    class Input(fields.Input):
        password = fields.TextField(max_length=PASSWORD_LENGTH_MAX, trim_whitespace=False)
        erase = fields.FlagField(required=False, help_text="Also remove name, user name and e-mail address.")

    @extend_schema(
        summary="Close the own account for good",
        request=Input,
        responses={204: None},
        examples=[examples.CLOSING],
    )
    @refuses(CredentialsInvalid, AccountNotSettled, TooManyAttempts)
    def post(self, request: Request) -> Response:
        body = self.checked_body()
        services.close_account(**body, address=client_address(request), actor=actor_of(request), now=clock.now())
        return Response(status=204)


class Export(ApiView):
    """GET /api/v1/account/export"""

    own_login = frozenset({"GET"})

    @extend_schema(summary="All of the own data, streamed", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> StreamingHttpResponse:
        answer = StreamingHttpResponse(export_account(actor_of(request).login), content_type="application/json")
        answer["Content-Disposition"] = 'attachment; filename="account.json"'
        return answer


class Sessions(ListView):
    """GET, POST, DELETE /api/v1/sessions"""

    public = frozenset({"POST"})

    class Input(fields.Input):
        username = fields.TextField(max_length=1000)
        password = fields.TextField(max_length=PASSWORD_LENGTH_MAX, trim_whitespace=False)
        otp = fields.TextField(required=False, allow_blank=True, max_length=20, help_text="A second factor's code.")

    def get_authenticators(self) -> list[Any]:
        """Logging in anew must not fail for an old token that is still sent along."""
        return [] if self.request is not None and self.request.method == "POST" else super().get_authenticators()

    @extend_schema(
        summary="Where the own account is logged in",
        responses=outputs.SessionListed(many=True),
        examples=[examples.OWN_SESSIONS],
    )
    def get(self, request: Request) -> Any:
        actor = actor_of(request)
        living = selectors.living_sessions(visible_to=actor.login)
        return self.answer_list(living, lambda page: outputs.session_documents(page, actor))

    @extend_schema(
        summary="Log in",
        request=Input,
        responses={201: outputs.LoggedIn},
        examples=[examples.CREDENTIALS, examples.LOGGED_IN],
    )
    @refuses(CredentialsInvalid, OtpRequired, TooManyAttempts)
    def post(self, request: Request) -> Response:
        body = self.checked_body()
        opened = services.log_in(
            username=body["username"],
            password=body["password"],
            otp=body.get("otp", ""),
            address=client_address(request),
            device=request.headers.get("User-Agent", ""),
        )
        answer = self.created({"token": opened.token, "session": outputs.session_document(opened.session)})
        answer["Acting-Account"] = opened.session.acting_account.public_id
        return answer

    @extend_schema(summary="Log out everywhere, here as well", responses={204: None})
    def delete(self, request: Request) -> Response:
        sessions.end_sessions(owner=actor_of(request).login)
        return Response(status=204)


class OneSession(ApiView):
    """DELETE /api/v1/sessions/<id>"""

    @extend_schema(summary="Log out there", responses={204: None})
    def delete(self, request: Request, session_id: str) -> Response:
        sessions.end_session(public_id=session_id, owner=actor_of(request).login)
        return Response(status=204)


class CurrentSession(ApiView):
    """GET, DELETE /api/v1/session"""

    assisted = frozenset({"DELETE"})

    @extend_schema(summary="This session", responses=outputs.SessionDocument, examples=[examples.THIS_SESSION])
    def get(self, request: Request) -> Response:
        return Response(outputs.session_document(selectors.current_session(actor_of(request))))

    @extend_schema(summary="Log out", responses={204: None})
    def delete(self, request: Request) -> Response:
        actor = actor_of(request)
        sessions.end_session(public_id=actor.session_id or "", owner=actor.login)
        return Response(status=204)
