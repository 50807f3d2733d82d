"""Forms that cannot be trusted: sent from elsewhere, or from a page that was open while somebody logged in."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from portal.pages.base import CONTENT_POLICY


def refuse_forgery(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer what Django's forgery check lets not through; operators' forms come here too."""
    context = {"site_name": settings.SITE_NAME, "again": request.path}
    answer = TemplateResponse(request, "portal/forgery.html", context, status=403).render()
    answer["Content-Security-Policy"] = CONTENT_POLICY
    return answer
