"""Where one is logged in: browsers and programs, which of them this is, and ending the others."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import browser, sessions
from accounts.models import Session
from accounts.selectors import living_sessions
from core.api.lists import after_cursor, write_cursor
from portal.pages.base import CustomerPage, PressPage, TextPage
from portal.pages.scanning import with_query

_LAST_SEEN_FIRST = ("-last_seen_at", "-id")

# What browsers call themselves, the more particular names first: nearly all of them say they are several.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """One session: what it is by its own word, and whether it is this one."""

    session: Session
    title: str
    icon: str
    is_this: bool

    @property
    def acts_as(self) -> str:
        """As whom it acts, where that is a linked account."""
        session = self.session
        is_other = session.login_account_id != session.acting_account_id and not session.stands_in
        return session.acting_account.name if is_other else ""


def place_of(session: Session, *, current: str | None) -> Place:
    title, icon = described(session.device)
    return Place(session, title, icon, is_this=session.public_id == current)


def described(device: str) -> tuple[str, str]:
    """Return what a browser or a program says it is, in short, and its picture."""
    if not device:
        return _("A program that does not say its name"), "terminal"
    if not device.startswith("Mozilla/"):
        return re.split(r"[ (]", device, maxsplit=1)[0].replace("/", " "), "terminal"
    browser_name, system = _first(_BROWSERS, device), _first(_SYSTEMS, device)
    icon = "smartphone" if system in ("iPhone", "iPad", "Android") else "monitor"
    if not browser_name or not system:
        return browser_name or system or _("A browser"), icon
    return _("%(browser)s on %(system)s") % {"browser": browser_name, "system": system}, icon


def _first(names: Sequence[tuple[str, str]], device: str) -> str:
    return next((name for sign, name in names if sign in device), "")


class Sessions(CustomerPage, TextPage):
    """/settings/sessions"""

    template_name = "portal/people/sessions.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        living, size = living_sessions(visible_to=self.customer.login), settings.SESSIONS_PER_PAGE
        found = list(after_cursor(living, _LAST_SEEN_FIRST, request.GET.get("cursor"))[: size + 1])
        following = write_cursor(found[size - 1], _LAST_SEEN_FIRST) if len(found) > size else ""
        context = self.get_context_data(
            places=[place_of(session, current=self.customer.session_id) for session in found[:size]],
            more=with_query(request.path, {"cursor": following}) if following else "",
        )
        return self.render_to_response(context)


class SessionsButton(PressPage):
    def page_of_button(self) -> str:
        return reverse("portal:sessions")


class EndSession(SessionsButton):
    """POST /settings/sessions/<id>/end"""

    def post(self, request: HttpRequest, session_id: str) -> HttpResponse:
        if session_id == self.customer.session_id:
            browser.log_out(request)
            return redirect("portal:log-in")
        sessions.end_session(public_id=session_id, owner=self.customer.login)
        messages.success(request, _("Logged out there."))
        return redirect(self.page_of_button())


class EndOthers(SessionsButton):
    """POST /settings/sessions/end-others"""

    def post(self, request: HttpRequest) -> HttpResponse:
        ended = sessions.end_sessions(owner=self.customer.login, keep=self.customer.session_id)
        said = ngettext("One other session has ended.", "%(number)d other sessions have ended.", ended)
        messages.success(request, said % {"number": ended})
        return redirect(self.page_of_button())
