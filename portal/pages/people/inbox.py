"""The inbox: what one was told, read or not, page by page, and live where scripts run."""

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from core import clock
from core.api.lists import after_cursor, write_cursor
from core.errors import NotFound
from notifications.selectors import messages_of
from notifications.services import mark_all_read, mark_read
from portal.pages.base import CustomerPage, PressPage, TextPage
from portal.pages.people.landing import landing
from portal.pages.people.telling import tell
from portal.pages.scanning import with_query

_NEWEST_FIRST = ("-id",)


class Inbox(CustomerPage, TextPage):
    """/inbox, with ?show=unread and, further down, ?cursor="""

    template_name = "portal/people/inbox.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        acting, show = self.customer.acting, request.GET.get("show", "")
        found = messages_of(acting, unread=True if show == "unread" else None)
        rows = list(after_cursor(found, _NEWEST_FIRST, request.GET.get("cursor"))[: settings.MESSAGES_PER_PAGE + 1])
        page = rows[: settings.MESSAGES_PER_PAGE]
        here = {"show": show}
        following = {**here, "cursor": write_cursor(page[-1], _NEWEST_FIRST)} if len(rows) > len(page) else None
        context: dict[str, Any] = {
            "told": tell(page, seller=acting.side == "seller"),
            "show": show,
            "days": settings.MESSAGE_RETENTION.days,
            "newest": page[0].public_id if page and "cursor" not in request.GET else "",
            "has_new": any(message.read_at is None for message in page),
            "more": with_query(request.path, following) if following else "",
        }
        return self.render_to_response(self.get_context_data(**context))


class UnreadNumber(CustomerPage, TextPage):
    """/inbox/unread: the bell in the header, for pages that hear of news"""

    template_name = "portal/people/_bell.html"


class ReadMessage(PressPage):
    """POST /inbox/<id>/read, and on to what it tells of"""

    def page_of_button(self) -> str:
        return reverse("portal:inbox")

    def post(self, request: HttpRequest, message_id: str) -> HttpResponse:
        mark_read(message=message_id, account=self.customer.acting, now=clock.now())
        return redirect(landing(request.POST.get("next") or self.page_of_button(), self.customer.acting, request))


class ReadAll(PressPage):
    """POST /inbox/read: all up to the newest that was on the page"""

    def page_of_button(self) -> str:
        return reverse("portal:inbox")

    def post(self, request: HttpRequest) -> HttpResponse:
        acting = self.customer.acting
        with suppress(NotFound):  # Forgotten meanwhile: what is left is shown.
            mark_all_read(up_to=request.POST.get("up_to", ""), account=acting, now=clock.now())
        return redirect(self.page_of_button())
