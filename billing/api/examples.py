"""Bodies that the schema shows."""

from drf_spectacular.utils import OpenApiExample

EVENT_TYPE = OpenApiExample(
    "Parking",
    {
        "type": "parking.paid",
        "parties": [{"name": "operator", "is": "account"}],
        "amounts": [{"name": "gross"}],
        "parameters": ["zone"],
        "external": True,
    },
    request_only=True,
)
EXTERNAL_EVENT = OpenApiExample(
    "A bank says that money came in",
    {
        "type": "wallet.topped_up",
        "key": "icbc-2026-05-01-000017",
        "parameters": {"institution": "ICBC"},
        "parties": {"owner": "acc_01JABCDEFGHJKMNPQRSTVWXYZ0"},
        "amounts": {"amount": 5000},
        "currency": "CNY",
        "occurred_at": "2026-05-01T12:00:00Z",
    },
    request_only=True,
)
RULE_SET = OpenApiExample(
    "Fees of one bank's customers in an account of their own",
    {
        "name": "marketplace",
        "batch": {"period_ms": 500, "max_accounts": 2500, "max_transfers": 10000},
        "types": {
            "order.paid": [
                {
                    "name": "default",
                    "match": {},
                    "transfers": [
                        {"debit": "wallet:{payer}", "credit": "pending:{seller}", "amount": {"rest_of": "gross"}},
                        {"debit": "wallet:{payer}", "credit": "platform:fees", "amount": "fee"},
                    ],
                },
                {
                    "name": "counter at ICBC",
                    "match": {"channel": "store", "institution": "ICBC"},
                    "transfers": [
                        {"debit": "wallet:{payer}", "credit": "pending:{seller}", "amount": {"rest_of": "gross"}},
                        {"debit": "wallet:{payer}", "credit": "platform:fees:icbc", "amount": "fee"},
                    ],
                },
            ]
        },
    },
    request_only=True,
)
SERVICE_KEY = OpenApiExample(
    "A payment server with a limit",
    {
        "name": "ICBC gateway",
        "types": ["wallet.topped_up"],
        "daily_limit": {"amount": 10_000_000, "currency": "CNY"},
    },
    request_only=True,
)
