"""How other documents name an account."""

from rest_framework import serializers

from accounts.models import Account


class AccountRefDocument(serializers.Serializer):
    """A reference to an account."""

    id = serializers.CharField()
    name = serializers.CharField()


def account_ref(account: Account | None) -> dict[str, str] | None:
    """Return `{id, name}`, or None where there is nobody."""
    return None if account is None else {"id": account.public_id, "name": account.name}
