"""
Which earlier purchases a cancellation takes back, without a database.

A cancellation names no invoice, only a customer, stock codes, units and a price. It takes lines bought
at the same price before others, and newer ones before older ones: what somebody brings back is what
they bought last.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from replay.reading import Line


@dataclass(slots=True)
class BoughtLine:
    """An earlier order line, and what is left of it to take back; `order` and `line` are public ids."""

    order: str
    line: str
    unit_minor: int
    units_left: int
    left_minor: int


@dataclass(slots=True)
class Back:
    """What comes back of one order line, in units and in money."""

    bought: BoughtLine
    units: int
    minor: int


def match_line(line: Line, bought: Iterable[BoughtLine]) -> list[Back]:
    """
    Take a cancelled line's units from earlier lines of the same item, newest first as they are given.

    Every unit is worth what the cancellation says, but no more than what is left of its line. What is
    taken is deducted from `bought`.
    """
    backs = []
    units_wanted = line.quantity
    for candidate in sorted(bought, key=lambda b: b.unit_minor != line.unit_minor):  # Stable: newest first stays.
        units = min(units_wanted, candidate.units_left)
        minor = min(units * line.unit_minor, candidate.left_minor)
        if not minor:
            continue
        candidate.units_left -= units
        candidate.left_minor -= minor
        units_wanted -= units
        backs.append(Back(candidate, units, minor))
    return backs


def by_order(backs: Sequence[Back]) -> dict[str, list[Back]]:
    """Put what comes back together by order, and in each order by line."""
    orders: dict[str, dict[str, Back]] = {}
    for back in backs:
        lines = orders.setdefault(back.bought.order, {})
        known = lines.setdefault(back.bought.line, Back(back.bought, 0, 0))
        known.units += back.units
        known.minor += back.minor
    return {order: list(lines.values()) for order, lines in orders.items()}
