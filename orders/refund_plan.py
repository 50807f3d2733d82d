"""
How a refund is cut, without a database: over the lines, and in each line between seller and platform.

A line's parts follow its cumulative refund (`split_cumulative`), so that no step is ever negative and
everybody is at zero when all is refunded, in however many steps.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.money import split, split_cumulative
from orders.errors import RefundExceedsPaid
from orders.models import OrderLine


@dataclass(frozen=True, slots=True)
class RefundStep:
    """
    What one refund takes from one line, and of that from the platform's fee; `net_refunded_minor` is what all
    refunds so far, this included, take of the rest.
    """

    line: OrderLine
    amount_minor: int
    fee_minor: int
    net_refunded_minor: int

    @property
    def net_minor(self) -> int:
        """The seller's part."""
        return self.amount_minor - self.fee_minor


def spread(amount_minor: int, lines: Iterable[OrderLine]) -> dict[int, int]:
    """
    Spread an amount over lines by what is left of each; return the parts above zero by the line's key.

    :raises RefundExceedsPaid: it is more than all that is left.
    """
    left_by_line = {line.id: line.refundable_minor for line in lines}
    if amount_minor > sum(left_by_line.values()):
        raise RefundExceedsPaid
    return {line_id: minor for line_id, minor in split(amount_minor, left_by_line).items() if minor}


def plan_refund(amount_by_line: Mapping[int, int], lines: Sequence[OrderLine]) -> list[RefundStep]:
    """
    Cut the amounts wanted of each line (by key) between seller and platform.

    :raises RefundExceedsPaid: more is wanted of a line than is left of it.
    """
    return [_step(line, amount_by_line[line.id]) for line in lines if line.id in amount_by_line]


def _step(line: OrderLine, amount_minor: int) -> RefundStep:
    if amount_minor > line.refundable_minor:
        raise RefundExceedsPaid(line=line.public_id, left=line.refundable_minor)
    before_minor = fee_of_refunded(line, line.refunded_minor)
    after_minor = fee_of_refunded(line, line.refunded_minor + amount_minor)
    net_refunded_minor = line.refunded_minor + amount_minor - after_minor
    return RefundStep(line, amount_minor, after_minor - before_minor, net_refunded_minor)


def fee_of_refunded(line: OrderLine, refunded_minor: int) -> int:
    """Return the platform's part of all that is refunded of a line."""
    weights = {"fee": line.fee_minor, "seller": line.amount_minor - line.fee_minor}
    return split_cumulative(refunded_minor, weights)["fee"]
