"""Bodies that the schema shows."""

from drf_spectacular.utils import OpenApiExample

TERMINAL = OpenApiExample("A till", {"name": "Till 1"}, request_only=True)
TRADE = OpenApiExample(
    "Made and paid in one call",
    {
        "sequence": 1,
        "lines": [{"description": "Tea, loose", "quantity": 2, "unit_amount": 450}],
        "amount": 900,
        "currency": "GBP",
        "pay_code": "482915570364128837",
    },
    request_only=True,
)
TILL_PAYMENT = OpenApiExample(
    "By a pay code", {"pay_code": "482915570364128837", "amount": 900, "currency": "GBP"}, request_only=True
)
CANCEL = OpenApiExample("What never answered", {"sequence": 1}, request_only=True)
TILL_REFUND = OpenApiExample("One of two", {"sequence": 2, "amount": 450, "reason": "Returned."}, request_only=True)
PHONE_PAYMENT = OpenApiExample("From the own wallet", {"amount": 900, "currency": "GBP"}, request_only=True)
