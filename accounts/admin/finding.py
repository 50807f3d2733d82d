"""What these pages have in common: finding what an account has, and how accounts and days are written."""

from datetime import datetime

from django.db.models import Q
from django.utils.html import format_html

from accounts.models import Account
from core.admin import link_to


def key_of(term: str) -> int | None:
    """
    Return an account's key by its public id; 0, which nobody has, for an unknown one; None for another term.

    By the key, for only then does PostgreSQL know whose rows are many.
    """
    if not term.startswith("acc_"):
        return None
    return Account.objects.filter(public_id=term).values_list("pk", flat=True).first() or 0


def either(key: int, *columns: str) -> Q:
    """Rows that name the account in one of the columns."""
    found = Q()
    for column in columns:
        found |= Q(**{column: key})
    return found


def account_link(account: Account | None) -> str:
    """Link to an account's page by its name."""
    return link_to("accounts.account", account.pk, account.name) if account else "-"


def day(moment: datetime | None) -> str:
    """Write a day, never broken between its parts."""
    return format_html('<span class="house-whole">{}</span>', f"{moment:%Y-%m-%d}") if moment else "-"
