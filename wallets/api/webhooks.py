"""Where providers call us."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock
from core.api.schema import refuses
from core.api.views import ApiView
from core.errors import BodyTooLarge
from wallets import errors, services
from wallets.providers.webhooks import find_hearer


class WebhookDocument(serializers.Serializer):
    received = serializers.BooleanField(help_text="Always true; what was heard before has no effect.")


class Webhook(ApiView):
    """POST /api/v1/webhooks/<provider>"""

    public = frozenset({"POST"})
    authentication_classes = ()  # Its signature says whose it is, and no header of ours.

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        _ = request.body  # What is signed are these bytes; parsing alone would use them up.
        return super().dispatch(request, *args, **kwargs)

    @extend_schema(
        summary="What a provider says by itself, signed by it",
        request={"application/json": {"type": "object"}},
        responses=WebhookDocument,
    )
    @refuses(errors.WebhookForged, errors.WebhookUnreadable, BodyTooLarge)
    def post(self, request: Request, provider: str) -> Response:
        hearer = find_hearer(provider)
        raw = request._request.body
        if len(raw) > settings.WEBHOOK_BYTES_MAX:
            raise BodyTooLarge
        notice = hearer.read_notice(raw, dict(request.data), request.headers)
        services.take_notice(provider=provider, notice=notice, now=clock.now())
        return Response({"received": True})
