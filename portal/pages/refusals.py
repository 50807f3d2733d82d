"""Forms that cannot be trusted: sent from elsewhere, or from a page that was open while somebody logged in."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _

from accounts import browser
from portal.pages.base import CONTENT_POLICY, CustomerPage
from portal.pages.typed import keep_typed, tell_browser


def refuse_forgery(request: HttpRequest, reason: str = "") -> HttpResponse:
    """
    Answer what Django's forgery check lets not through; operators' forms come here too.

    A form of our own page, whose token is of before a log-in or a switch elsewhere in this browser, is shown again
    with what was typed, and does nothing before it is sent once more.
    """
    page = _page_at(request)
    if page is not None and _is_from_our_page(request):
        if keep_typed(request, page.form_class, login=browser.last_login_of(request)):
            said = _(
                "You have switched or logged in elsewhere meanwhile. Nothing has happened: look, and send it again."
            )
            messages.info(request, said)
        back = redirect(request.get_full_path())
        tell_browser(request, back)
        return back
    context = {"site_name": settings.SITE_NAME, "again": request.path}
    answer = TemplateResponse(request, "portal/forgery.html", context, status=403).render()
    answer["Content-Security-Policy"] = CONTENT_POLICY
    return answer


def _is_from_our_page(request: HttpRequest) -> bool:
    """Whether the browser says so itself, and keeps our cookies: another site can make it say neither."""
    own = f"{request.scheme}://{request.get_host()}"
    return request.headers.get("Origin") == own and settings.CSRF_COOKIE_NAME in request.COOKIES


def _page_at(request: HttpRequest) -> type[CustomerPage] | None:
    try:
        page: Any = getattr(resolve(request.path_info).func, "view_class", None)
    except Resolver404:
        return None
    return page if isinstance(page, type) and issubclass(page, CustomerPage) else None
