"""Payout targets over HTTP."""

from collections.abc import Iterable, Iterator
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from accounts.errors import StepUpRequired
from core import clock
from core.api import fields
from core.api.lists import ListView
from core.api.schema import refuses
from core.api.views import ApiView
from wallets.payout_targets import errors, services
from wallets.payout_targets.models import PayoutTarget

PARTIES = frozenset({"buyer", "seller"})
DESTINATION_LENGTH_MIN, DESTINATION_LENGTH_MAX = 8, 64
NAME_LENGTH_MAX = 80
EXAMPLE = OpenApiExample(
    "A bank account", {"destination": "GB33BUKB20201555555555", "name": "Business account"}, request_only=True
)


class PayoutTargetDocument(serializers.Serializer):
    id = serializers.CharField()
    provider = serializers.CharField(help_text="Who pays out to it.")
    name = serializers.CharField(allow_blank=True)
    ends_in = serializers.CharField(help_text="Its last characters; the whole is never shown again.")
    added_at = serializers.DateTimeField()


def payout_target_documents(targets: Iterable[PayoutTarget]) -> Iterator[dict[str, Any]]:
    for target in targets:
        yield {
            "id": target.public_id,
            "provider": target.provider,
            "name": target.name,
            "ends_in": target.ends_in,
            "added_at": target.added_at,
        }


class PayoutTargets(ListView):
    """GET|POST /api/v1/payout-targets"""

    audience = {"*": PARTIES}
    own_login = frozenset({"GET", "POST"})

    class Input(fields.Input):
        destination = fields.TextField(
            min_length=DESTINATION_LENGTH_MIN,
            max_length=DESTINATION_LENGTH_MAX,
            help_text="As the provider that pays out wants it, an IBAN for example.",
        )
        name = fields.TextField(max_length=NAME_LENGTH_MAX, required=False, allow_blank=True)

    @extend_schema(summary="Where own withdrawals may go", responses=PayoutTargetDocument(many=True))
    def get(self, request: Request) -> Any:
        own = services.payout_targets_of(visible_to=actor_of(request).acting)
        return self.answer_list(own, payout_target_documents)

    @extend_schema(
        summary="Add a place where own withdrawals may go",
        request=Input,
        responses={201: PayoutTargetDocument},
        examples=[EXAMPLE],
    )
    @refuses(errors.PayoutTargetKnown, errors.TooManyPayoutTargets, StepUpRequired)
    def post(self, request: Request) -> Response:
        body = self.checked_body()
        added = services.add_payout_target(
            destination=body["destination"], name=body.get("name", ""), actor=actor_of(request), now=clock.now()
        )
        return self.created(next(payout_target_documents([added])))


class PayoutTargetOne(ApiView):
    """DELETE /api/v1/payout-targets/<id>"""

    audience = {"*": PARTIES}
    own_login = frozenset({"DELETE"})

    @extend_schema(summary="Remove a payout target", responses={204: None})
    @refuses(errors.PayoutTargetInUse)
    def delete(self, request: Request, target_id: str) -> Response:
        services.remove_payout_target(target=target_id, actor=actor_of(request), now=clock.now())
        return Response(status=204)
