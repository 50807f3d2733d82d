"""
Browsers: their cookie is a session's credential like any token, so that one look-up serves both.

Django's own session keeps a browser's messages and form state under the same cookie; who is logged
in is decided by our row alone, which an operator or the owner can end from anywhere.
"""

import time
from datetime import datetime

from django.conf import settings
from django.contrib.auth import SESSION_KEY, login, logout
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from accounts import sessions
from accounts.actor import Actor
from accounts.errors import SessionEnded
from accounts.models import Account
from accounts.services.switching import Switched, switch_session

HALF_WAY = "half_way_logged_in"
HALF_WAY_SECONDS_MAX = 300


def log_in(request: HttpRequest, account: Account, *, second_factor_at: datetime | None = None) -> None:
    """Open a session for this browser, under a new cookie. The caller has checked who it is."""
    log_out(request)
    login(request, account, backend="django.contrib.auth.backends.ModelBackend")
    if request.session.session_key is None:
        request.session.create()
    device = request.headers.get("User-Agent", "")
    sessions.open_session(
        account=account, device=device, token=request.session.session_key, second_factor_at=second_factor_at
    )


def await_second_factor(request: HttpRequest, account: Account) -> None:
    """Remember for a moment whose password was right in this browser, until a second factor comes."""
    request.session[HALF_WAY] = {"account": account.pk, "since": time.time()}


def awaited(request: HttpRequest) -> Account | None:
    """Return whose second factor this browser has yet to show; None where that was too long ago, or never."""
    half_way = request.session.get(HALF_WAY)
    if half_way is None or time.time() - half_way["since"] > HALF_WAY_SECONDS_MAX:
        return None
    return Account.objects.filter(pk=half_way["account"], is_active=True).first()


def carries(request: HttpRequest, actor: Actor) -> bool:
    """Whether the actor came with this browser's cookie, not with a token."""
    cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    return cookie is not None and sessions.digest_token(cookie) == actor.token_digest


@transaction.atomic
def switch(request: HttpRequest, actor: Actor, *, to: str, carry: str | None = None, now: datetime) -> Switched:
    """
    Switch this browser's session: a new cookie, a new CSRF token, and what the pages kept moves along.

    :raises Refusal: as `services.switch_session`.
    """
    kept = type(request.session)()
    kept.create()
    assert kept.session_key is not None
    switched = switch_session(to=to, actor=actor, token=kept.session_key, carry=carry, now=now)
    kept.update(dict(request.session.items()))
    kept[SESSION_KEY] = str(switched.session.acting_account.pk)
    request.session.delete()
    request.session = kept
    rotate_token(request)
    return switched


def log_out(request: HttpRequest) -> None:
    """End this browser's session; nothing happens where there is none."""
    actor = actor_of(request)
    if actor is not None and actor.session_id is not None:
        sessions.end_session(public_id=actor.session_id, owner=actor.login)
    logout(request)


def actor_of(request: HttpRequest) -> Actor | None:
    """
    Return who acts in this browser, or None where nobody is logged in.

    Pages call services without the API's gate for operators who stand in: such a session is no log-in here.
    """
    cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    session = sessions.find_session(cookie) if cookie else None
    if session is None or session.stands_in:
        return None
    try:
        actor = sessions.actor_of(session)
    except SessionEnded:
        return None
    sessions.note_seen(session)
    return actor


def last_login_of(request: HttpRequest) -> Account | None:
    """Return who was logged in in this browser, also where that session has ended; None where its cookie is gone."""
    cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    session = sessions.find_session(cookie) if cookie else None
    return session.login_account if session is not None else None


def operator_of(request: HttpRequest) -> Actor:
    """Who acts on an operators' page, with the log-in behind it; these pages are for nobody else."""
    actor = actor_of(request)
    assert actor is not None
    return actor


def account_of(request: HttpRequest) -> Account | AnonymousUser:
    """What Django's pages ask for: the acting account or nobody."""
    actor = actor_of(request)
    if actor is None or (actor.acting.is_staff and not actor.is_proven):
        return AnonymousUser()
    return actor.acting
