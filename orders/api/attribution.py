"""Who brought the customer of an order, over HTTP."""

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from accounts.models import Account
from accounts.references import AccountRefDocument, account_ref
from core.api.schema import refuses
from core.api.views import ApiView
from core.errors import NotFound
from core.ids import encode_key
from orders.models import Order, OrderLine
from orders.selectors import get_order
from sharing.attributions import Attribution, attribution_of, own_attribution
from sharing.models import ScanClass, Touch, WonLine

PEOPLE = frozenset({"buyer", "seller", "operator"})
SHARER, SHARE = "acc_01K9ZQ5B2H7X9M4T6R8W1V3C5Z", "shr_01K9ZQ6QW5E7R9T2Y4P6A8S1DF"


class TouchDocument(serializers.Serializer):
    scan = serializers.CharField(allow_null=True, help_text="Null where the token named none.")
    share = serializers.CharField(allow_null=True)
    sharer = AccountRefDocument(allow_null=True, help_text="To a sharer others are null.")
    line = serializers.CharField(allow_null=True, help_text="Null for what concerned none of the order's lines.")
    field_class = serializers.ChoiceField(ScanClass.choices, allow_null=True)
    at = serializers.DateTimeField(allow_null=True, help_text="Of the scan, by the house's clock.")
    won = serializers.BooleanField(help_text="Decided for each line.")
    reason = serializers.ChoiceField(Touch.Reason.choices, help_text="Why it won, or why not.")

    def get_fields(self) -> dict[str, Any]:
        """`class` cannot be the name of a Python attribute."""
        return {"class" if name == "field_class" else name: field for name, field in super().get_fields().items()}


class ShareChargeDocument(serializers.Serializer):
    line = serializers.CharField()
    sharer = AccountRefDocument()
    promised = serializers.IntegerField(help_text="By the terms, when it was placed.")
    charged = serializers.IntegerField(allow_null=True, help_text="What the budget left of it; null until it is paid.")
    amount = serializers.IntegerField(help_text="What the sharer has of it now.")
    currency = serializers.CharField()
    status = serializers.ChoiceField(["promised", "pending", "held", "released", "reversed"])
    held_until = serializers.DateTimeField(allow_null=True)
    guards = serializers.ListField(child=serializers.CharField(), help_text="Which guards hold it, or did.")


class AttributionDocument(serializers.Serializer):
    winner = TouchDocument(allow_null=True, help_text="The won touch of the first line that has one.")
    touches = TouchDocument(many=True)
    charges = ShareChargeDocument(many=True, help_text="One for each line that somebody brought.")


EXAMPLE = OpenApiExample(
    "Two sharers, of whom the later won",
    {
        "winner": None,
        "touches": [
            {
                "scan": "scn_000000000001A",
                "share": SHARE,
                "sharer": {"id": SHARER, "name": "Ben"},
                "line": "lin_000000000001A",
                "class": "human",
                "at": "2026-05-01T11:58:00Z",
                "won": False,
                "reason": "outside_window",
            }
        ],
        "charges": [],
    },
    response_only=True,
)


class OrderAttribution(ApiView):
    """GET /api/v1/orders/<id>/attribution"""

    audience: ClassVar = {"*": PEOPLE}

    @extend_schema(
        summary="Who brought the customer of an order, who did not, and why; for the seller, sharers and operators",
        responses=AttributionDocument,
        examples=[EXAMPLE],
    )
    @refuses(NotFound)
    def get(self, request: Request, order_id: str) -> Response:
        return Response(attribution_document(visible_attribution(order_id, actor_of(request).acting)))


def visible_attribution(order: str, viewer: Account) -> Attribution:
    """
    Return what an account may see of an order's attribution.

    :raises NotFound: it neither sells the order nor brought any of its lines, and is no operator.
    """
    if viewer.is_staff or Order.objects.filter(public_id=order, seller=viewer).exists():
        return attribution_of(get_order(order, visible_to=viewer).public_id)
    return own_attribution(order, sharer=viewer)


def attribution_document(attribution: Attribution) -> dict[str, Any]:
    winner = attribution.winner
    return {
        "winner": _touch_document(winner, attribution) if winner else None,
        "touches": [_touch_document(touch, attribution) for touch in attribution.touches],
        "charges": [_charge_document(line) for line in attribution.won],
    }


def _touch_document(touch: Touch, attribution: Attribution) -> dict[str, Any]:
    is_known = attribution.knows(touch)
    return {
        "scan": touch.scan_public_id if is_known else None,
        "share": touch.share.public_id if touch.share and is_known else None,
        "sharer": account_ref(touch.share.sharer) if touch.share and is_known else None,
        "line": None if touch.line is None else OrderLine.public_id_of(touch.line),
        "class": touch.scan_class or None,
        "at": touch.scanned_at,
        "won": touch.won,
        "reason": touch.reason,
    }


def _charge_document(line: WonLine) -> dict[str, Any]:
    return {
        "line": encode_key("lin", line.line),
        "sharer": account_ref(line.sharer),
        "promised": line.promised_minor,
        "charged": line.charged_minor,
        "amount": line.amount_minor,
        "currency": line.currency,
        "status": line.status,
        "held_until": line.held_until if line.is_held else None,
        "guards": [found["guard"] for found in line.hold_reasons],
    }
