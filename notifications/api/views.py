"""The inbox over HTTP, as a list and as a stream."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from core import clock
from core.api import fields
from core.api.lists import ListView
from core.api.schema import refuses
from core.api.streams import LongAnswer
from core.api.views import ApiView
from core.ids import decode_key
from notifications import selectors, services
from notifications.api.documents import MessageDocument, message_documents
from notifications.errors import LastEventInvalid, StreamsBusy, TooManyStreams
from notifications.models import PREFIX
from notifications.streaming import Stream, event_texts, streams

EVENT_STREAM = "text/event-stream"
HEADERS = {"X-Accel-Buffering": "no"}  # A proxy that waits for more would make it late.


class Messages(ListView):
    """GET /api/v1/messages"""

    class Query(fields.Input):
        unread = serializers.BooleanField(required=False, help_text="Only those not yet read, or only those read.")

    @extend_schema(summary="What the acting account was told, newest first", responses=MessageDocument(many=True))
    def get(self, request: Request) -> Any:
        found = selectors.messages_of(actor_of(request).acting, **self.checked_query())
        return self.answer_list(found, message_documents)


class MessageRead(ApiView):
    """POST /api/v1/messages/<id>/read"""

    @extend_schema(
        summary="Mark a message as read; a repeat keeps the first time", request=None, responses=MessageDocument
    )
    def post(self, request: Request, message_id: str) -> Response:
        account = actor_of(request).acting
        selectors.get_message(public_id=message_id, account=account)
        self.checked_body()
        message = services.mark_read(message=message_id, account=account, now=clock.now())
        return Response(message_documents([message])[0])


class MessageStream(ApiView):
    """GET /api/v1/messages/stream"""

    @extend_schema(
        summary="What the acting account is told from now on, or from where it was, as server-sent events",
        description=(
            "Each event is a message, its `id` the message's. With `Last-Event-ID` what was said since comes first; "
            "without, open the stream, then read the list. A stream ends after some minutes, and with its session."
        ),
        parameters=[OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER, description="Where one was.")],
        responses={(200, EVENT_STREAM): OpenApiTypes.STR},
    )
    @refuses(LastEventInvalid, TooManyStreams, StreamsBusy)
    def get(self, request: Request) -> LongAnswer:
        actor = actor_of(request)
        seen = request.headers.get("Last-Event-ID")
        stream = Stream(actor, selectors.newest_id(actor.acting) if not seen else position_of(seen))
        missed = selectors.messages_since({stream.account_id: stream.position}, limit=settings.MESSAGES_AT_ONCE)
        for message, piece in zip(missed, event_texts(missed), strict=True):
            stream.tell(message, piece)
        streams.enter(stream)
        return LongAnswer(stream, content_type=EVENT_STREAM, headers=HEADERS)

    def head(self, request: Request) -> HttpResponse:
        """The headers only: nobody listens."""
        return HttpResponse(content_type=EVENT_STREAM, headers=HEADERS)


def position_of(last_event: str) -> int:
    """
    Return the key that a browser has read up to.

    :raises LastEventInvalid: it is no message's id.
    """
    position = decode_key(PREFIX, last_event)
    if position is None:
        raise LastEventInvalid
    return position
