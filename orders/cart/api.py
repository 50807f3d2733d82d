"""The cart over HTTP."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from accounts.errors import SessionEnded
from accounts.references import AccountRefDocument, account_ref
from catalog.errors import ItemNotOnSale, ItemUnknown, OutOfStock
from catalog.selectors import SHOWN_TO_ALL, get_item
from core import clock
from core.api import fields
from core.api.schema import refuses
from core.api.views import ApiView
from core.errors import AmountTooLarge
from core.money import AMOUNT_MINOR_MAX
from orders.api import examples, outputs
from orders.api.inputs import PublicId, ScansInput
from orders.cart import errors, services
from orders.cart.models import Availability, CartLine
from orders.cart.selectors import cart_lines
from orders.errors import MixedCurrencies

BUYER = frozenset({"buyer"})


class PriceDocument(serializers.Serializer):
    amount = serializers.IntegerField(help_text="Minor units.")
    currency = serializers.CharField()


class CartLineDocument(serializers.Serializer):
    item = serializers.CharField()
    title = serializers.CharField(help_text="Now, or when it was put in where the item can be seen no more.")
    seller = AccountRefDocument()
    quantity = serializers.IntegerField()
    price = PriceDocument(allow_null=True, help_text="Of one, now; null where the item can be seen no more.")
    amount = serializers.IntegerField(
        allow_null=True, help_text="Price by quantity; null without a price, and beyond what an order may come to."
    )
    availability = serializers.ChoiceField([*Availability], help_text="Now; a cart reserves nothing.")
    left = serializers.IntegerField(allow_null=True, help_text="Units left; null is unlimited, or not on sale.")
    put_at = serializers.DateTimeField(help_text="When the quantity was last set.")


class CartTotalDocument(serializers.Serializer):
    currency = serializers.CharField()
    amount = serializers.IntegerField(
        allow_null=True, help_text="Of what is available; null beyond what an order may come to."
    )


class CartDocument(serializers.Serializer):
    lines = CartLineDocument(many=True, help_text="As they were put in.")
    totals = CartTotalDocument(many=True, help_text="By currency: an order has one.")


def cart_document(lines: Sequence[CartLine]) -> dict[str, Any]:
    documents = [_line_document(line) for line in lines]
    totals: dict[str, int] = defaultdict(int)
    for line in lines:
        if line.availability == Availability.AVAILABLE:
            totals[line.item.currency] += line.item.price_minor * line.quantity
    return {
        "lines": documents,
        "totals": [{"currency": currency, "amount": _readable(totals[currency])} for currency in sorted(totals)],
    }


def _line_document(line: CartLine) -> dict[str, Any]:
    item = line.item
    is_shown = item.status in SHOWN_TO_ALL
    return {
        "item": item.public_id,
        "title": item.title if is_shown else line.title,
        "seller": account_ref(item.seller),
        "quantity": line.quantity,
        "price": {"amount": item.price_minor, "currency": item.currency} if is_shown else None,
        "amount": _readable(item.price_minor * line.quantity) if is_shown else None,
        "availability": line.availability.value,
        "left": item.stock if item.is_for_sale else None,
        "put_at": line.put_at,
    }


def _readable(minor: int) -> int | None:
    return minor if minor <= AMOUNT_MINOR_MAX else None


class OwnCart(ApiView):
    """GET, DELETE /api/v1/cart"""

    audience = {"*": BUYER}

    @extend_schema(summary="The acting account's cart, at the prices of now", responses=CartDocument)
    def get(self, request: Request) -> Response:
        return Response(cart_document(cart_lines(visible_to=actor_of(request).acting)))

    @extend_schema(summary="Take everything out", responses={204: None})
    def delete(self, request: Request) -> Response:
        services.empty_cart(owner=actor_of(request).acting)
        return Response(status=204)


class OwnCartLine(ApiView):
    """PUT, DELETE /api/v1/cart/lines/<item>"""

    audience = {"*": BUYER}

    class Input(fields.Input):
        quantity = fields.WholeNumberField(min_value=1, max_value=settings.CART_QUANTITY_MAX)

    @extend_schema(
        summary="Let the cart hold so many of an item, however many it held before",
        request=Input,
        responses=CartDocument,
        examples=[examples.CART_LINE],
    )
    @refuses(ItemNotOnSale, errors.CartFull, SessionEnded)
    def put(self, request: Request, item_id: str) -> Response:
        actor = actor_of(request)
        get_item(item_id, visible_to=actor.acting)
        services.put_line(item=item_id, **self.checked_body(), actor=actor, now=clock.now())
        return Response(cart_document(cart_lines(visible_to=actor.acting)))

    @extend_schema(summary="Take an item out", responses={204: None})
    def delete(self, request: Request, item_id: str) -> Response:
        services.take_line_out(item=item_id, actor=actor_of(request))
        return Response(status=204)


class CartOrder(ApiView):
    """POST /api/v1/cart/order"""

    audience = {"*": BUYER}
    keyed = frozenset({"POST"})

    class Input(ScansInput):
        items = serializers.ListField(
            child=PublicId(),
            required=False,
            min_length=1,
            max_length=settings.CART_LINES_MAX,
            help_text="Only the lines of these items; without it the whole cart is ordered.",
        )

    @extend_schema(
        summary="Order what is in the cart, and take exactly that out of it",
        request=Input,
        responses={201: outputs.CheckoutDocument},
        examples=[examples.ORDER_CART],
    )
    @refuses(
        ItemNotOnSale,
        ItemUnknown,
        OutOfStock,
        AmountTooLarge,
        MixedCurrencies,
        SessionEnded,
        errors.CartEmpty,
        errors.NotInCart,
    )
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        body = self.checked_body()
        scans = ScansInput.named_in(body)
        placed = services.place_cart(items=body.get("items"), scans=scans, actor=actor, now=clock.now())
        return self.created(outputs.checkout_document(placed.checkout, placed.orders, placed.lines, actor.acting))
