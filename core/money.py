"""Money as whole minor units with a currency, and the two ways in which the house cuts it."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from iso4217 import Currency

Key = TypeVar("Key", bound=Hashable)

AMOUNT_MINOR_MAX = 2**53 - 1  # The largest integer that every JSON client reads exactly.
BPS_WHOLE = 10_000

# Funds codes, metals and test codes have no minor unit, so nobody can pay in them.
CURRENCY_DIGITS: dict[str, int] = {c.code: c.exponent for c in Currency if c.exponent is not None}


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (pence, fen, fils) of one ISO 4217 currency."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in CURRENCY_DIGITS:
            raise ValueError(f"{self.currency!r} is not an ISO 4217 currency with minor units")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __str__(self) -> str:
        return f"{format_minor(self.minor, self.currency)} {self.currency}"

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")
        return other.minor


def format_minor(minor: int, currency: str) -> str:
    """
    Write minor units in the currency's major unit, for people: 1234 GBP is "12.34", 1234 JPY is "1234".
    """
    digits = CURRENCY_DIGITS[currency]
    sign, units = ("-" if minor < 0 else ""), str(abs(minor)).rjust(digits + 1, "0")
    return f"{sign}{units[:-digits]}.{units[-digits:]}" if digits else f"{sign}{units}"


def read_major(written: str, currency: str) -> int | None:
    """Read an amount as people write it, "12.34" or "12": minor units, or None where it is no amount."""
    digits = CURRENCY_DIGITS[currency]
    units, _, fraction = written.strip().partition(".")
    if not f"{units}{fraction}".isascii() or not f"{units}{fraction or 0}".isdigit() or not units:
        return None
    minor = int(units) * 10**digits + int(fraction.ljust(digits, "0") or 0) if len(fraction) <= digits else None
    return minor if minor is not None and minor <= AMOUNT_MINOR_MAX else None


def share_of(amount_minor: int, rate_bps: int) -> int:
    """Return `rate_bps` basis points of an amount, rounded down to a whole minor unit."""
    return amount_minor * rate_bps // BPS_WHOLE


def split(total_minor: int, weights: Mapping[Key, int]) -> dict[Key, int]:
    """
    Cut a total once, in proportion to whole-number weights; the parts sum to the total.

    Every part is rounded down, and the units left over go to the largest remainders, ties to the
    smaller key (largest-remainder method). For amounts that are cut again and again, such as
    refunds, use `split_cumulative`.

    :raises ValueError: a negative total or weight, or nothing to divide by.
    """
    whole = _checked_weights(total_minor, weights)
    parts = {key: total_minor * weight // whole for key, weight in weights.items()}
    left_over = total_minor - sum(parts.values())
    by_remainder = sorted(weights, key=lambda key: (-(total_minor * weights[key] % whole), _order(key)))
    for key in by_remainder[:left_over]:
        parts[key] += 1
    return parts


def split_cumulative(cumulative_minor: int, weights: Mapping[Key, int]) -> dict[Key, int]:
    """
    Cut a growing amount over weights so that no part ever falls and all is exact at the end.

    Of the cumulative amount R over weights of sum W, the first key has floor(w1 * R / W); what is
    left of R is cut in the same way over the others. The result depends on R alone, never falls as
    R grows, sums to R, and is exactly the weights at R = W. Book the difference between two calls.

    :raises ValueError: a negative amount or weight, or more than the weights' sum.
    """
    left_weight = _checked_weights(cumulative_minor, weights)
    if cumulative_minor > left_weight:
        raise ValueError(f"{cumulative_minor} is more than the whole, {left_weight}")
    left_minor, parts = cumulative_minor, {}
    for key in sorted(weights, key=_order):
        weight = weights[key]
        part = left_minor * weight // left_weight if left_weight else 0
        parts[key] = part
        left_minor, left_weight = left_minor - part, left_weight - weight
    return parts


def _checked_weights(total_minor: int, weights: Mapping[Key, int]) -> int:
    whole = sum(weights.values())
    if total_minor < 0 or any(weight < 0 for weight in weights.values()):
        raise ValueError("Amounts and weights are never negative")
    if whole == 0 and total_minor:
        raise ValueError("There is nobody to give the amount to")
    return whole or 1


def _order(key: Hashable) -> tuple[bool, object]:
    """Keys of one split are of one kind: numbers in their order, all else by their text."""
    return (False, key) if isinstance(key, int) else (True, str(key))
