"""How other documents name an account."""

from collections.abc import Collection

from rest_framework import serializers

from accounts.models import Account

NAMED_BY = ("id", "public_id", "name")  # What of an account's row a reference needs.


class AccountRefDocument(serializers.Serializer):
    """A reference to an account."""

    id = serializers.CharField()
    name = serializers.CharField()


def account_ref(account: Account | None) -> dict[str, str] | None:
    """Return `{id, name}`, or None where there is nobody."""
    return None if account is None else {"id": account.public_id, "name": account.name}


def references(public_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """Return `{id, name}` of accounts, by public id; one statement, none where nobody is named."""
    if not public_ids:
        return {}
    found = Account.objects.filter(public_id__in=public_ids).values_list("public_id", "name")
    return {public_id: {"id": public_id, "name": name} for public_id, name in found}
