"""What requests and answers look like."""

from drf_spectacular.utils import OpenApiExample

REFERENCE = {"id": "acc_01J9ZK3Q6V8M2N4P6R8T0V2X4Z", "name": "Anna Keller"}
SESSION = {
    "id": "ses_01J9ZK4B7C9D1E3F5G7H9J1K3M",
    "login_account": REFERENCE,
    "acting_account": REFERENCE,
    "linked_accounts": [],
    "expires_at": "2026-10-31T09:30:00Z",
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
}

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
