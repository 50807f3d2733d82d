"""
What somebody has typed into a form that could not be taken: the session had ended, the page belongs to another of
their accounts, or it was open while they switched elsewhere.

It waits for a while, encrypted, with what the browser's session keeps, and stands in the form again when its page is
next shown to whoever had logged in. Nothing is ever sent by it: a form that moves money has to be pressed again.
A cookie without content says that there is something, so that no other page looks for it.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.forms import FileField, Form, PasswordInput
from django.http import HttpRequest, HttpResponseBase, QueryDict

from accounts.models import Account
from core.secrecy import decrypt, encrypt

_PLACE = _COOKIE = "typed"
_CHANGE = "portal.typed"  # In a request's META: what its answer says to the browser.
_ONE_TIME = "one-time-code"


def keep_typed(request: HttpRequest, form_class: type[Form] | None, *, login: Account | None) -> bool:
    """
    Keep what a form has sent, for the log-in that it came from (None: not known); return whether there was anything.

    Neither passwords nor codes that work once nor files, nothing that is not a field, and not more than a form has
    need of. Only the last one is kept.
    """
    fields = form_class.base_fields if form_class is not None else {}
    said = {name: request.POST.getlist(name) for name in fields if name in request.POST and _may_be_kept(fields[name])}
    written = json.dumps(said)
    if not said or len(written) > settings.TYPED_LENGTH_MAX:
        return False
    request.session[_PLACE] = {
        "path": request.path,
        "login": login.public_id if login else "",
        "since": time.time(),
        "fields": encrypt(written),
    }
    request.META[_CHANGE] = "kept"
    return True


def _may_be_kept(field: Any) -> bool:
    is_secret = isinstance(field.widget, PasswordInput) or field.widget.attrs.get("autocomplete") == _ONE_TIME
    return not is_secret and not isinstance(field, FileField)


def typed_before(request: HttpRequest, *, login: Account) -> QueryDict | None:
    """Return what was typed into the form of this page by the same log-in a while ago; None where nothing was."""
    kept = request.session.get(_PLACE) if _COOKIE in request.COOKIES else None
    if kept is None or kept["path"] != request.path or kept["login"] not in ("", login.public_id):
        return None
    if time.time() - kept["since"] > settings.TYPED_LIFETIME.total_seconds():
        return None
    typed = QueryDict(mutable=True)
    for name, values in json.loads(decrypt(kept["fields"])).items():
        typed.setlist(name, values)
    return typed


def forget_typed(request: HttpRequest) -> None:
    """It stands in the form again."""
    request.session.pop(_PLACE, None)
    request.META[_CHANGE] = "forgotten"


def carried_typed(request: HttpRequest) -> Mapping[str, Any] | None:
    """Return what waits, to be put back after a log-in, which leaves nothing of the session before."""
    return request.session.get(_PLACE) if _COOKIE in request.COOKIES else None


def put_typed_back(request: HttpRequest, carried: Mapping[str, Any] | None) -> None:
    if carried is not None:
        request.session[_PLACE] = dict(carried)


def tell_browser(request: HttpRequest, answer: HttpResponseBase) -> None:
    """Say with an answer that something waits, or no longer does."""
    change = request.META.get(_CHANGE)
    if change == "kept":
        age = int(settings.TYPED_LIFETIME.total_seconds())
        secure = settings.SESSION_COOKIE_SECURE
        answer.set_cookie(_COOKIE, "yes", max_age=age, secure=secure, httponly=True, samesite="Lax")
    elif change == "forgotten":
        answer.delete_cookie(_COOKIE, samesite="Lax")
