"""Bodies that the schema shows."""

from drf_spectacular.utils import OpenApiExample

ITEM = "itm_01K9ZQ4E9T8V7C6B5N4M3A2S1D"
LINE = "lin_000000000001A"

PLACE = OpenApiExample("Two of one item", {"lines": [{"item": ITEM, "quantity": 2}]}, request_only=True)
CART_LINE = OpenApiExample("Two of it", {"quantity": 2}, request_only=True)
ORDER_CART = OpenApiExample("One line of the cart", {"items": [ITEM]}, request_only=True)
PAY = OpenApiExample("From the own wallet", {"amount": 2000, "currency": "GBP"}, request_only=True)
REFUND_AMOUNT = OpenApiExample(
    "An amount, spread over the lines", {"amount": 500, "reason": "Scratched."}, request_only=True
)
REFUND_LINES = OpenApiExample(
    "A line, back on the shelf",
    {"lines": [{"line": LINE, "amount": 1000, "restock": True}], "reason": "Returned."},
    request_only=True,
)
ASK_REFUND = OpenApiExample("All that is left", {"reason": "It never came."}, request_only=True)
