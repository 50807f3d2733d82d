"""How a request says who it is: a bearer token, or a browser's session cookie with a CSRF token."""

from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from structlog.contextvars import bind_contextvars

from accounts import sessions
from accounts.actor import Actor
from accounts.errors import (
    AccountNotLinked,
    OwnLoginRequired,
    SessionEnded,
    StandInRefused,
    StepUpRequired,
    SwitchNotAllowed,
)
from accounts.models import Account, Session
from accounts.services.switching import act_as
from core.errors import Forbidden, NotAuthenticated, Refusal


class TokenUnknown(NotAuthenticated):
    message = "Nobody has this token."


class CsrfFailed(Forbidden):
    code = "csrf_failed"
    message = "Send the CSRF token of this browser session in X-CSRFToken."


class SessionAuthentication(BaseAuthentication):
    """What both ways have in common: one SELECT finds the session and both its accounts."""

    refusals: ClassVar[tuple[type[Refusal], ...]] = (
        SessionEnded,
        AccountNotLinked,
        SwitchNotAllowed,
        StepUpRequired,
    )
    refusals_of_effects: ClassVar[tuple[type[Refusal], ...]] = (StandInRefused,)
    refusals_of_own_login: ClassVar[tuple[type[Refusal], ...]] = (OwnLoginRequired,)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def act_in(self, session: Session, request: Request) -> tuple[Account, Actor]:
        actor = sessions.actor_of(session)
        wanted = request.headers.get("Acting-Account")
        if wanted is not None and wanted != actor.owner_id:
            try:
                actor = act_as(actor, wanted)
            except (AccountNotLinked, SwitchNotAllowed, StepUpRequired) as refusal:
                refusal.acted_as = actor.owner_id  # Every answer says who acted: not the one that was named.
                raise
        bind_contextvars(session=session.public_id, login_account=actor.login.public_id, acting_account=actor.owner_id)
        sessions.note_seen(session)
        return actor.login, actor


class BearerAuthentication(SessionAuthentication):
    """`Authorization: Bearer <token>`. Other schemes are left to other classes."""

    def authenticate(self, request: Request) -> tuple[Account, Actor] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        session = sessions.find_session(token.strip())
        if session is None:
            raise TokenUnknown
        return self.act_in(session, request)


class BrowserAuthentication(SessionAuthentication):
    """The cookie of a browser that logged in; every unsafe method needs the CSRF token too."""

    refusals_of_effects = (StandInRefused, CsrfFailed)

    def authenticate(self, request: Request) -> tuple[Account, Actor] | None:
        cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if not cookie or request.headers.get("Authorization"):
            return None
        session = sessions.find_session(cookie)
        if session is None:
            return None
        try:
            refuse_forgery(request._request)
        except CsrfFailed as refusal:
            refusal.acted_as = sessions.actor_of(session).owner_id
            raise
        return self.act_in(session, request)


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def refuse_forgery(request: HttpRequest) -> None:
    """
    Check an unsafe request's CSRF token, as Django does for its own pages.

    :raises CsrfFailed: it is missing or wrong, or the request comes from another site.
    """
    check = _CsrfCheck(lambda _request: HttpResponse())
    check.process_request(request)
    if check.process_view(request, lambda _request: HttpResponse(), (), {}):
        raise CsrfFailed


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "The token of `POST /sessions`."}


class BrowserScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.api.authentication.BrowserAuthentication"
    name = "browser"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "A browser's session; unsafe methods also need X-CSRFToken.",
        }
