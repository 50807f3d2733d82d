"""
Fee rules, compiled: which rule charges a sale, and how much.

The most specific rule that matches decides, that is, the one that names the most of seller, category
and channel. Two rules as specific as each other that could match the same sale are refused at
activation, and so is a schedule without a rule that matches everything: the fee is never a matter of luck.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from core.money import Money, share_of

CHANNELS = ("online", "store")

Match = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sale:
    """What a fee rule may look at."""

    seller: str
    category: str
    channel: str

    def fits(self, match: Match) -> bool:
        return all(getattr(self, name) == value for name, value in match.items())


@dataclass(frozen=True, slots=True)
class Fee:
    """What the platform takes of one line, in minor units of the line's currency, and by which rule."""

    minor: int
    rule: str


@dataclass(frozen=True, slots=True)
class FeeRule:
    """`rate_bps` of a line plus, in lines of its currency, a fixed part."""

    name: str
    match: Match
    rate_bps: int
    fixed: Money | None

    def charge(self, amount: Money) -> Fee:
        """Round the rate's part down; never take more than the line."""
        fixed_minor = self.fixed.minor if self.fixed and self.fixed.currency == amount.currency else 0
        return Fee(min(share_of(amount.minor, self.rate_bps) + fixed_minor, amount.minor), self.name)


@dataclass(frozen=True, slots=True)
class FeeTable:
    """One fee schedule, ready to charge by. Rules stand with the most specific first."""

    rules: tuple[FeeRule, ...]

    def fee(self, sale: Sale, amount: Money) -> Fee:
        """Return what one line is charged; a sound schedule always has a rule for it."""
        return next(rule for rule in self.rules if sale.fits(rule.match)).charge(amount)


def compile_fees(schedule: str, rules: Sequence[Mapping[str, Any]]) -> FeeTable:
    """Compile the rules of the schedule with this public id; a rule is named by the id and its place."""
    compiled = [
        FeeRule(f"{schedule}#{place}", rule["match"], rule["rate_bps"], _fixed(rule.get("fixed")))
        for place, rule in enumerate(rules)
    ]
    return FeeTable(tuple(sorted(compiled, key=lambda rule: -len(rule.match))))


def _fixed(written: Mapping[str, Any] | None) -> Money | None:
    return Money(written["amount"], written["currency"]) if written else None


def problems_of(rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return why these rules cannot be used: `{code, rule, detail}`, with codes `uncovered` and `ambiguous`."""
    matches = [rule["match"] for rule in rules]
    uncovered = (
        [] if {} in matches else [_problem("uncovered", None, "No rule matches every sale: add one without match.")]
    )
    ambiguous = [
        _problem("ambiguous", second, f"A sale that also matches rule {first} could be charged by either.")
        for (first, one), (second, other) in combinations(enumerate(matches), 2)
        if len(one) == len(other) and _compatible(one, other) and not _decided(dict(one) | dict(other), one, matches)
    ]
    return uncovered + ambiguous


def _problem(code: str, rule: int | None, detail: str) -> dict[str, Any]:
    return {"code": code, "rule": rule, "detail": detail}


def _compatible(one: Match, other: Match) -> bool:
    """Whether a sale can match both."""
    return all(one[name] == other[name] for name in one.keys() & other.keys())


def _decided(both: Match, one: Match, matches: Sequence[Match]) -> bool:
    """Whether a more specific rule takes every sale that matches `both`."""
    return any(len(match) > len(one) and match.items() <= both.items() for match in matches)
