"""What people read where a page is not there, not theirs, or broken; programs get a problem document instead."""

from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from structlog.contextvars import get_contextvars


class _Words(NamedTuple):
    title: Promise | str
    lead: Promise | str


_WORDS = {
    400: _Words(
        _("This cannot be read"), _("Your browser has sent something that we cannot read. Go back, and try again.")
    ),
    403: _Words(
        _("This is not open to you"),
        _("Your account may not see or do this. Whoever gives permissions here can change that."),
    ),
    404: _Words(_("There is no such page"), _("It may have been taken away, or a part of the address is missing.")),
    500: _Words(
        _("Something broke on our side"),
        _("We have noted it, and nothing was left half done. Please try again in a moment."),
    ),
}


def apologize(request: HttpRequest, status: int) -> HttpResponse:
    """Answer with a page of our own, in the reader's language; asks no database, which may be what is broken."""
    title, lead = _WORDS[status]
    context = {
        "site_name": settings.SITE_NAME,
        "title": title,
        "lead": lead,
        "start": "/admin/" if request.path.startswith("/admin/") else "/",
        "number": get_contextvars().get("request_id") if status == 500 else None,
    }
    return HttpResponse(render_to_string("core/apology.html", context), status=status)
