"""
What was sold and given back is known in a room above this one, which says so here.

`orders` registers its look-ups when Django starts: distribution hears by events that an order was paid or
refunded, and asks for its lines, which are written once.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldLine:
    """A line of an order (`key` is the line's): where it was sold, and the platform's fee of it in minor units."""

    key: int
    public_id: str
    store: str | None
    fee_minor: int


FindLines = Callable[[Collection[str]], Mapping[str, Sequence[SoldLine]]]
FindRefunds = Callable[[Collection[str]], Mapping[str, Mapping[int, int]]]

_find_lines: list[FindLines] = []
_find_refunds: list[FindRefunds] = []


def register_sales(*, lines: FindLines, refunds: FindRefunds) -> None:
    """
    Say who knows the sales.

    `lines`: public ids of orders in, the lines of each out, in the order of their keys. `refunds`: public
    ids of refunds in, for each what was given back of the platform's fee by the line's key.
    """
    _find_lines[:], _find_refunds[:] = [lines], [refunds]


def lines_of(orders: Collection[str]) -> Mapping[str, Sequence[SoldLine]]:
    """Return the lines of orders; one statement, however many."""
    return _find_lines[0](orders)


def refunded_fees(refunds: Collection[str]) -> Mapping[str, Mapping[int, int]]:
    """Return what refunds gave back of the fee, by refund and line; one statement, however many."""
    return _find_refunds[0](refunds)
