"""Bodies that the schema shows."""

from drf_spectacular.utils import OpenApiExample

STORE = OpenApiExample(
    "A shop in Liverpool",
    {"name": "Tea and Cakes", "latitude": 53.4084, "longitude": -2.9916, "address": "1 Bold Street"},
    request_only=True,
)
ITEM = OpenApiExample(
    "Three of it",
    {"title": "Teapot", "price": {"amount": 1850, "currency": "GBP"}, "kind": "goods", "stock": 3},
    request_only=True,
)
FEE_SCHEDULE = OpenApiExample(
    "5 %, and at the counter 3 % plus 10 p",
    {
        "name": "autumn",
        "rules": [
            {"match": {}, "rate_bps": 500},
            {"match": {"channel": "store"}, "rate_bps": 300, "fixed": {"amount": 10, "currency": "GBP"}},
        ],
    },
    request_only=True,
)
