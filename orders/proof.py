"""What orders contribute to the order proof: the platform's part."""

from collections.abc import Iterator

from core.registry import ProofLine
from orders.selectors import platform_fee


def platform_line(order: str) -> Iterator[ProofLine]:
    """Yield what the platform keeps of the fee of a paid order; what it gives on is the lines of other rooms."""
    found = platform_fee(order)
    if found is None:
        return
    fee_minor, refunded_minor, given_minor, given_back_minor = found
    kept_minor = fee_minor - refunded_minor - given_minor + given_back_minor
    yield ProofLine(
        party="platform",
        role="fee",
        account=None,
        original_minor=fee_minor - given_minor,
        amount_minor=kept_minor,
        status="reversed" if fee_minor and fee_minor == refunded_minor else "released",
    )
