"""The house's clock over HTTP, in demo and test mode only."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock
from core.api import fields
from core.api.schema import refuses
from core.api.views import ApiView
from core.errors import ClockTooFar, NotFound


class ClockDocument(serializers.Serializer):
    now = serializers.DateTimeField(help_text="The house's present moment.")
    offset_s = serializers.IntegerField(help_text="Seconds by which it is ahead of the machine's clock.")


ONE_DAY = OpenApiExample("one day", value={"seconds": 86400}, request_only=True)
TOMORROW = OpenApiExample(
    "a day ahead", value={"now": "2026-10-02T09:30:00.000000Z", "offset_s": 86400}, response_only=True
)


class ClockView(ApiView):
    """A clock that production does not have."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if not settings.CLOCK_ADJUSTABLE:
            raise NotFound
        super().initial(request, *args, **kwargs)


class Clock(ClockView):
    """GET /api/v1/clock"""

    public = frozenset({"GET"})

    @extend_schema(summary="The house's time", responses=ClockDocument, examples=[TOMORROW])
    @refuses(NotFound)
    def get(self, request: Request) -> Response:
        return Response(present_clock())


class ClockAdvance(ClockView):
    """POST /api/v1/clock/advance"""

    audience = {"POST": frozenset({"operator"})}

    class Input(fields.Input):
        seconds = fields.WholeNumberField(min_value=0, max_value=settings.CLOCK_ADVANCE_SECONDS_MAX)

    @extend_schema(
        summary="Move the clock and run what falls due",
        request=Input,
        responses=ClockDocument,
        examples=[ONE_DAY, TOMORROW],
    )
    @refuses(ClockTooFar, NotFound)
    def post(self, request: Request) -> Response:
        clock.advance(self.checked_body()["seconds"])
        return Response(present_clock())


def present_clock() -> dict[str, Any]:
    return {"now": clock.now(), "offset_s": int(clock.offset().total_seconds())}
