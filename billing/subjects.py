"""Subjects of events from outside: they can never hold up an order of ours."""

import hashlib

from core.ids import encode_key

EXTERNAL = "external:"
_DIGEST_LENGTH = 32


def own_subject(key: str) -> str:
    """Return the subject of an event that stands for itself; its id is not known before it is recorded."""
    return EXTERNAL + hashlib.sha256(key.encode()).hexdigest()[:_DIGEST_LENGTH]


def shown_subject(*, event_id: int, key: str, subject: str) -> str:
    """Return a subject as its sender knows it: the event's own id where none was named."""
    return encode_key("evt", event_id) if subject == own_subject(key) else subject.removeprefix(EXTERNAL)
