"""Answers that the schema shows."""

from drf_spectacular.utils import OpenApiExample

BUYER, SELLER = "acc_01K9ZQ4E9T8V7C6B5N4M3A2S1D", "acc_01K9ZQ5B2H7X9M4T6R8W1V3C5Z"
EVENT = "evt_000000000000M"

MONEY = OpenApiExample(
    "Ten pounds, 5 % of them the platform's; an operator looks",
    {
        "order": "ord_01K9ZQ6QW5E7R9T2Y4P6A8S1DF",
        "paid": 1000,
        "refunded": 0,
        "currency": "GBP",
        "shares": [
            {"party": "platform", "role": "fee", "account": None, "original": 50, "amount": 50, "status": "released"},
            {
                "party": "seller",
                "role": "seller",
                "account": {"id": SELLER, "name": "Tea and Cakes"},
                "original": 950,
                "amount": 950,
                "status": "pending",
            },
        ],
        "events": [{"id": EVENT, "type": "order.paid", "occurred_at": "2026-05-01T12:00:00Z"}],
        "transfers": [
            {
                "id": "trf_0000000000580",
                "event": EVENT,
                "debit": f"wallet:{BUYER}",
                "credit": f"pending:{SELLER}",
                "amount": 950,
                "currency": "GBP",
            },
            {
                "id": "trf_0000000000581",
                "event": EVENT,
                "debit": f"wallet:{BUYER}",
                "credit": "platform:fees",
                "amount": 50,
                "currency": "GBP",
            },
        ],
        "balanced": True,
        "booked": True,
    },
    response_only=True,
)
