"""How other documents name an account."""

from accounts.models import Account


def account_ref(account: Account | None) -> dict[str, str] | None:
    """Return `{id, name}`, or None where there is nobody."""
    return None if account is None else {"id": account.public_id, "name": account.name}
