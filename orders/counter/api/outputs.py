"""What tills and their trades look like from outside."""

from collections.abc import Iterator, Sequence
from typing import Any

from rest_framework import serializers

from orders.counter.models import Terminal


class TerminalDocument(serializers.Serializer):
    id = serializers.CharField()
    store = serializers.CharField()
    name = serializers.CharField()
    institution = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    rotated_at = serializers.DateTimeField(allow_null=True, help_text="When it last got a new key.")
    revoked_at = serializers.DateTimeField(allow_null=True)


class TerminalShownOnce(TerminalDocument):
    key = serializers.CharField(help_text="Shown once: `Authorization: Terminal <key>`.")


def present_terminals(terminals: Sequence[Terminal]) -> Iterator[dict[str, Any]]:
    for terminal in terminals:
        yield {
            "id": terminal.public_id,
            "store": terminal.store.public_id,
            "name": terminal.name,
            "institution": terminal.institution,
            "created_at": terminal.created_at,
            "rotated_at": terminal.rotated_at,
            "revoked_at": terminal.revoked_at,
        }


def terminal_shown_once(terminal: Terminal, key: str) -> dict[str, Any]:
    return {**next(present_terminals([terminal])), "key": key}
