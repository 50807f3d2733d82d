"""What of scans is an account's own: those that it has claimed."""

from collections.abc import Iterator
from typing import Any

from accounts.models import Account
from core.api.lists import every_page
from sharing.api.scan_outputs import claim_document
from sharing.models import ScanClaim


def export_claims(account: Account) -> Iterator[dict[str, Any]]:
    """As the API showed them when they were claimed."""
    claims = ScanClaim.objects.select_related("item").filter(account=account)
    for page in every_page(claims, ("-scan_id",)):
        yield from map(claim_document, page)


def forget_claims(account: Account) -> None:
    """Whose scans they were is forgotten with the person; orders and the log never named anybody."""
    ScanClaim.objects.filter(account=account).delete()
