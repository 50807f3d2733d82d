"""Shares and their pictures over HTTP."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from catalog.errors import ItemUnknown, StoreClosed, StoreUnknown
from core import clock
from core.addresses import client_address
from core.api.lists import ListView
from core.api.schema import refuses
from core.api.views import ApiView
from core.errors import TooManyAttempts
from core.limits import Limit, limit_successes
from core.qr import QRPicture, draw_qr
from sharing import errors, services
from sharing.api import share_outputs as outputs
from sharing.shares import get_share, get_share_key, share_url, shares_of

SVG, PNG = "image/svg+xml", "image/png"
PICTURES = Limit("share-pictures", "SHARE_PICTURES")  # Drawing costs more than anything else that everybody may ask.


class Shares(ListView):
    """GET|POST /api/v1/shares"""

    Input = outputs.ShareInput
    Query = outputs.SharesQuery

    @extend_schema(summary="The own shares, revoked ones as well", responses=outputs.ItemShareDocument(many=True))
    def get(self, request: Request) -> Any:
        shares = shares_of(actor_of(request).acting)
        if item := self.checked_query().get("item"):
            shares = shares.filter(item__public_id=item)
        return self.answer_list(shares, outputs.share_documents)

    @extend_schema(
        summary="Share an item; the same once more is the same share",
        request=outputs.ShareInput,
        responses={201: outputs.ItemShareDocument},
        examples=[outputs.SHARE],
    )
    @refuses(ItemUnknown, errors.NoShareProgram, errors.ActivityUrlNotAllowed, StoreUnknown, StoreClosed)
    def post(self, request: Request) -> Response:
        body = self.checked_body()
        share = services.make_share(
            item=body["item"],
            activity_url=body.get("activity_url") or "",
            store=body.get("store"),
            actor=actor_of(request),
            now=clock.now(),
        )
        return self.created(outputs.share_document(share))


class ShareOne(ApiView):
    """GET|DELETE /api/v1/shares/<id>"""

    @extend_schema(summary="An own share, also a revoked one", responses=outputs.ItemShareDocument)
    def get(self, request: Request, share_id: str) -> Response:
        return Response(outputs.share_document(get_share(share_id, visible_to=actor_of(request).acting)))

    @extend_schema(summary="Revoke an own share, for scans to come", responses={204: None})
    def delete(self, request: Request, share_id: str) -> Response:
        services.revoke_share(share=share_id, actor=actor_of(request), now=clock.now())
        return Response(status=204)


class SharePicture(ApiView):
    """What both pictures of a share have in common: whoever knows its id may show it, and everybody gets the same."""

    authentication_classes = []
    public = frozenset({"GET"})
    Query = outputs.PictureQuery

    def draw(self, request: Request, share_id: str, *, kind: str, content_type: str) -> HttpResponse:
        key, wanted = get_share_key(share_id), self.checked_query()
        wanted["logo"] = wanted["logo"] == "on"
        with limit_successes(PICTURES, client_address(request)):
            drawn = draw_qr(share_url(key), QRPicture(**wanted), kind=kind)
        kept = {"Cache-Control": f"public, max-age={settings.QR_CACHE_SECONDS}"}
        return HttpResponse(drawn, content_type=content_type, headers=kept)


class ShareSVG(SharePicture):
    """GET /api/v1/shares/<id>/qr.svg"""

    @extend_schema(summary="A share's QR code as an SVG", responses={(200, SVG): OpenApiTypes.STR})
    @refuses(TooManyAttempts)
    def get(self, request: Request, share_id: str) -> HttpResponse:
        return self.draw(request, share_id, kind="svg", content_type=SVG)


class SharePNG(SharePicture):
    """GET /api/v1/shares/<id>/qr.png"""

    @extend_schema(summary="A share's QR code as a PNG", responses={(200, PNG): OpenApiTypes.BINARY})
    @refuses(TooManyAttempts)
    def get(self, request: Request, share_id: str) -> HttpResponse:
        return self.draw(request, share_id, kind="png", content_type=PNG)


share_urls = [
    path("shares", Shares.as_view()),
    path("shares/<str:share_id>", ShareOne.as_view()),
    path("shares/<str:share_id>/qr.svg", ShareSVG.as_view()),
    path("shares/<str:share_id>/qr.png", SharePNG.as_view()),
]
