"""Bodies and answers that the schema shows."""

from drf_spectacular.utils import OpenApiExample

TOP_UP = OpenApiExample("At the cash desk", {"amount": 5000, "currency": "GBP", "provider": "local"}, request_only=True)
MONEY_OUT = OpenApiExample("Twelve pounds", {"amount": 1200, "currency": "GBP"}, request_only=True)
WALLET = OpenApiExample(
    "Thirty pounds, of which ten are held for an order",
    {
        "balances": [
            {
                "currency": "GBP",
                "posted": 3000,
                "held": 1000,
                "available": 2000,
                "pending": 0,
                "debt": 0,
                "not_yet_booked": 0,
            }
        ]
    },
    response_only=True,
)
