"""A message as the API shows it."""

from collections.abc import Iterable, Sequence
from typing import Any

from rest_framework import serializers

from accounts.models import Account
from accounts.references import account_ref
from notifications.kinds import ACCOUNT_FIELDS, kinds
from notifications.models import Message


class MessageDocument(serializers.Serializer):
    id = serializers.CharField()
    kind = serializers.ChoiceField(sorted(kinds()))
    data = serializers.DictField(help_text="What docs/messages.md lists for the kind; accounts are `{id, name}`.")  # type: ignore[assignment]
    at = serializers.DateTimeField(help_text="When it happened.")
    read_at = serializers.DateTimeField(allow_null=True)


def message_documents(page: Sequence[Message]) -> list[dict[str, Any]]:
    """Names are looked up now: they may have changed since, or been erased."""
    accounts = _accounts_in(page)
    return [
        {
            "id": message.public_id,
            "kind": message.kind,
            "data": {
                name: account_ref(accounts.get(value)) if name in ACCOUNT_FIELDS else value
                for name, value in message.data.items()
            },
            "at": message.at,
            "read_at": message.read_at,
        }
        for message in page
    ]


def _accounts_in(page: Iterable[Message]) -> dict[str, Account]:
    named = {message.data[name] for message in page for name in ACCOUNT_FIELDS & message.data.keys()}
    found = Account.objects.filter(public_id__in=named).only("public_id", "name") if named else ()
    return {account.public_id: account for account in found}
