"""What requests and answers look like."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

REFERENCE = {"id": "acc_01J9ZK3Q6V8M2N4P6R8T0V2X4Z", "name": "Anna Keller"}
SESSION: dict[str, Any] = {
    "id": "ses_01J9ZK4B7C9D1E3F5G7H9J1K3M",
    "login_account": REFERENCE,
    "acting_account": REFERENCE,
    "linked_accounts": [],
    "expires_at": "2026-10-31T09:30:00Z",
    "reason": None,
}
SESSION_LISTED = SESSION | {
    "current": True,
    "device": "curl/8.5.0",
    "created_at": "2026-10-01T09:30:00Z",
    "last_seen_at": "2026-10-02T11:00:00Z",
}
ACCOUNT = {
    "id": REFERENCE["id"],
    "username": "anna",
    "kind": "personal",
    "side": "buyer",
    "name": "Anna Keller",
    "email": "anna@example.org",
    "referral_code": "7QK2M9X4ZA",
    "step_up": False,
}

TERMS = {
    "mirror": ["order.placed", "item.viewed"],
    "direction": "both",
    "switch": "both",
    "spending_cap": {"amount": 50000, "currency": "GBP"},
}
OTHER = {"id": "acc_01J9ZK3R9A1B2C3D4E5F6G7H8J", "name": "Keller Laboratory"}

REGISTRATION = OpenApiExample(
    "a buyer",
    value={
        "username": "anna",
        "password": "correct horse battery staple",
        "kind": "personal",
        "side": "buyer",
        "name": "Anna Keller",
        "referral_code": "K3N8P2RT5V",
    },
    request_only=True,
)
OWN_ACCOUNT = OpenApiExample("a buyer", value=ACCOUNT, response_only=True)
NEW_ADDRESS = OpenApiExample("another address", value={"email": "anna.keller@example.org"}, request_only=True)
NEW_PASSWORD = OpenApiExample(
    "a new password", value={"old": "correct horse battery staple", "new": "a much better one"}, request_only=True
)
CREDENTIALS = OpenApiExample(
    "a password", value={"username": "anna", "password": "correct horse battery staple"}, request_only=True
)
LOGGED_IN = OpenApiExample(
    "logged in", value={"token": "kB3x…43 characters…Qw", "session": SESSION}, response_only=True
)
THIS_SESSION = OpenApiExample("this session", value=SESSION, response_only=True)
OWN_SESSIONS = OpenApiExample("one session", value=SESSION_LISTED, response_only=True)
INVITE = OpenApiExample("two codes", value={"count": 2, "terms": TERMS}, request_only=True)
INVITED = OpenApiExample(
    "two codes",
    value={
        "id": "inv_01J9ZK5C7D9E1F3G5H7J9K1M3N",
        "codes": ["7QK2M9X4ZA", "P3R8T0V2X4"],
        "cards": [
            {
                "code": code,
                "url": f"https://marketplace.example/join#{code}",
                "qr_svg": "data:image/svg+xml,%3Csvg …%3C/svg%3E",
            }
            for code in ("7QK2M9X4ZA", "P3R8T0V2X4")
        ],
        "expires_at": "2026-10-01T09:45:00Z",
        "terms": TERMS,
    },
    response_only=True,
)
CODE = OpenApiExample("a code, as it was read aloud", value={"code": "7qk2m-9x4za"}, request_only=True)
LINK = OpenApiExample(
    "a link",
    value={
        "id": "lnk_01J9ZK6D8E0F2G4H6J8K0M2N4P",
        "accounts": [OTHER, REFERENCE],
        "terms": TERMS,
        "linked_at": "2026-10-01T09:31:00Z",
        "proposed_terms": None,
        "proposed_by": None,
        "ended_at": None,
        "ended_by": None,
        "end_reason": None,
    },
    response_only=True,
)
PROPOSAL = OpenApiExample("no cap any more", value={"terms": {"spending_cap": "unlimited"}}, request_only=True)
PROOF = OpenApiExample(
    "a proof",
    value={"provider": "demo-id", "external_id": "anna-77", "proof": "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOi….kx2…"},
    request_only=True,
)
SWITCH = OpenApiExample("act as the laboratory", value={"account": OTHER["id"]}, request_only=True)
SWITCHED = OpenApiExample(
    "acting as the laboratory",
    value={
        "token": "zR8p…43 characters…Lk",
        "session": SESSION | {"acting_account": OTHER, "linked_accounts": [OTHER]},
    },
    response_only=True,
)
STAND_IN = OpenApiExample("a reason", value={"reason": "Ticket 4711: the item cannot be found."}, request_only=True)
STANDING_IN = OpenApiExample(
    "standing in",
    value={
        "token": "wT4m…43 characters…Ue",
        "session": SESSION
        | {
            "login_account": {"id": "acc_01J9ZK2A0B1C2D3E4F5G6H7J8K", "name": "Olivia Brandt"},
            "expires_at": "2026-10-01T10:00:00Z",
            "reason": "Ticket 4711: the item cannot be found.",
        },
    },
    response_only=True,
)
LINK_END = OpenApiExample("a reason", value={"reason": "Anna's phone was stolen; she called."}, request_only=True)
OTP = OpenApiExample("a code", value={"otp": "492039"}, request_only=True)
CLOSING = OpenApiExample("for good", value={"password": "correct horse battery staple"}, request_only=True)
FORGOTTEN = OpenApiExample("a forgotten password", value={"username": "anna"}, request_only=True)
RESET = OpenApiExample(
    "a new password",
    value={"token": "acc_01J9ZK3Q6V8M2N4P6R8T0V2X4Z:cx8k2p-…", "new": "a much better one"},
    request_only=True,
)
