"""What a scanned code leads to: the page between a poster and the activity."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.views.generic.base import View

from catalog.models import Item
from catalog.selectors import other_items
from core import clock
from core.addresses import client_address
from sharing.activity_urls import activity_page, with_scan
from sharing.classifying import is_fetched_ahead
from sharing.codes import share_id_of
from sharing.models import Signal
from sharing.services.scanning import RecordedScan, record_scan
from sharing.tokens import write_token

SCANS_PATH = "s/"


class ScanPage(View):
    """
    GET|HEAD /s/<code>

    Needs no session and leaves nothing in the browser: what it says stands in the address that it leads to.
    """

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        share_id = share_id_of(code)
        scan = None if share_id is None else _record(request, share_id)
        if scan is None:
            return _for_nobody_else(_page("sharing/share_unknown.html", status=404, request=request))
        if not scan.is_live:
            return _for_nobody_else(_page("sharing/share_ended.html", status=410, request=request, **_offers(scan)))
        address = activity_page(activity_url=scan.activity_url, item=scan.item)
        return _for_nobody_else(HttpResponseRedirect(with_scan(address, write_token(scan.ticket))))


def _record(request: HttpRequest, share_id: int) -> RecordedScan | None:
    signals = []
    if request.method == "HEAD":
        signals.append(Signal.HEAD.value)
    if is_fetched_ahead(request.headers):
        signals.append(Signal.PREFETCH.value)
    return record_scan(
        share_id=share_id,
        agent=request.headers.get("User-Agent", ""),
        address=client_address(request),
        signals=signals,
        now=clock.now(),
    )


def _offers(scan: RecordedScan) -> dict[str, Any]:
    """What somebody may look at instead."""
    item = Item.objects.select_related("seller").get(public_id=scan.item)
    return {"item": item if item.is_for_sale else None, "others": other_items(item)}


def _page(template: str, *, status: int, request: HttpRequest, **context: Any) -> HttpResponse:
    return TemplateResponse(request, template, {"site_name": settings.SITE_NAME, **context}, status=status).render()


def _for_nobody_else(response: HttpResponse) -> HttpResponse:
    """A scan is one person's: nobody keeps the answer, and no page learns which code led to it."""
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Content-Length"] = str(len(response.content))
    return response
