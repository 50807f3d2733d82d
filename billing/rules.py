"""
Rules, compiled: from an event's type, configuration, parties and amounts to its transfers.

The same functions check a draft and book an event, so that what passed the check cannot surprise.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from billing.errors import AmountsDisagree, NoRule, SameAccount
from core.money import BPS_WHOLE, split

PARTY = re.compile(r"\{([a-z][a-z0-9_]*)\}")

Payload = Mapping[str, Any]
Booked = tuple[str, str, int]  # (debit code, credit code, minor units)


@dataclass(frozen=True, slots=True)
class AmountOf:
    """What a transfer moves: `amount` whole; what is left of it (`rest`); or a share of it in bps."""

    amount: str
    rest: bool = False
    bps: int | None = None


@dataclass(frozen=True, slots=True)
class TransferRule:
    """One line of a rule: two account templates and an amount."""

    debit: str
    credit: str
    amount: AmountOf
    part_of: str | None = None  # Set where the amount is declared as a part of that whole.


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: which configurations it matches, and what it books."""

    name: str
    match: Mapping[str, str]
    transfers: tuple[TransferRule, ...]

    def matches(self, payload: Payload) -> bool:
        """An absent parameter matches no rule that names it."""
        return all(payload.get(name) == value for name, value in self.match.items())

    def book(self, payload: Payload) -> list[Booked]:
        """
        Return the transfers of one event; zero amounts write none.

        :raises SameAccount: a transfer would move money to where it is.
        :raises AmountsDisagree: a whole's parts are more than the whole.
        """
        minors = amounts_of(self.transfers, payload)
        booked = []
        for transfer, minor in zip(self.transfers, minors, strict=True):
            if minor < 0:
                raise AmountsDisagree
            if minor:
                debit, credit = fill(transfer.debit, payload), fill(transfer.credit, payload)
                if debit == credit:
                    raise SameAccount(f"Both sides are {debit}.")
                booked.append((debit, credit, minor))
        return booked


def fill(template: str, payload: Payload) -> str:
    """Put the event's parties into an account template."""
    if "{" not in template:
        return template
    return PARTY.sub(lambda found: str(payload[found[1]]), template)


def amounts_of(transfers: Sequence[TransferRule], payload: Payload) -> list[int]:
    """
    Return each transfer's minor units.

    Shares of one whole are cut together, with what is left as one more share, so that nothing is lost;
    a rest is the whole less the rule's other transfers of it from the same debit template.
    """
    shares = _shares(transfers, payload)
    minors: list[int | None] = []
    for place, transfer in enumerate(transfers):
        if transfer.amount.rest:
            minors.append(None)
        elif transfer.amount.bps is not None:
            minors.append(shares[place])
        else:
            minors.append(amount_in(payload, transfer.amount.amount))
    return [
        minor if minor is not None else _rest(place, transfers, minors, payload) for place, minor in enumerate(minors)
    ]


def amount_in(payload: Payload, name: str) -> int:
    """An amount that the event leaves out is zero."""
    return payload.get(f"{name}_minor") or 0


def _shares(transfers: Sequence[TransferRule], payload: Payload) -> dict[int, int]:
    bps_by_whole: dict[str, dict[int, int]] = {}
    for place, transfer in enumerate(transfers):
        if transfer.amount.bps is not None:
            bps_by_whole.setdefault(transfer.amount.amount, {})[place] = transfer.amount.bps
    cut: dict[int, int] = {}
    for whole, bps_by_place in bps_by_whole.items():
        left_bps = BPS_WHOLE - sum(bps_by_place.values())
        weights = bps_by_place | ({len(transfers): left_bps} if left_bps > 0 else {})
        cut |= split(amount_in(payload, whole), weights)
    return cut


def _rest(place: int, transfers: Sequence[TransferRule], minors: Sequence[int | None], payload: Payload) -> int:
    rest = transfers[place]
    whole = rest.amount.amount
    taken = sum(
        minor
        for other, minor in zip(transfers, minors, strict=True)
        if minor is not None and other.debit == rest.debit and whole in (other.amount.amount, other.part_of)
    )
    return amount_in(payload, whole) - taken


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """When a batch is cut: after a time, or at a count of accounts or transfers."""

    period_ms: int
    max_accounts: int
    max_transfers: int


@dataclass(frozen=True, slots=True)
class CompiledRuleSet:
    """One version, ready to match. Rules stand with the most specific first."""

    id: int
    batch: BatchSettings
    rules_by_type: Mapping[str, tuple[Rule, ...]]

    def rule_for(self, event_type: str, payload: Payload) -> Rule:
        """
        Return the most specific rule that matches; ties were refused at activation.

        :raises NoRule: none matches.
        """
        for rule in self.rules_by_type.get(event_type, ()):
            if rule.matches(payload):
                return rule
        raise NoRule

    def rule_named(self, event_type: str, name: str) -> Rule | None:
        return next((rule for rule in self.rules_by_type.get(event_type, ()) if rule.name == name), None)

    def transfers_max(self) -> int:
        """The most transfers that one event can have."""
        return max((len(rule.transfers) for rules in self.rules_by_type.values() for rule in rules), default=0)


PartOf = Callable[[str, str], str | None]


def compile_rules(document: Mapping[str, Any], *, part_of: PartOf) -> dict[str, tuple[Rule, ...]]:
    """Compile the `types` of a document whose shape is known to be right; `part_of(type, amount)` is its whole."""
    return {
        event_type: tuple(
            sorted((compile_rule(event_type, rule, part_of) for rule in rules), key=lambda r: (-len(r.match), r.name))
        )
        for event_type, rules in document["types"].items()
    }


def compile_rule(event_type: str, rule: Mapping[str, Any], part_of: PartOf) -> Rule:
    """Compile one rule of a document."""
    transfers = []
    for line in rule["transfers"]:
        amount = _amount(line["amount"])
        whole = part_of(event_type, amount.amount)
        transfers.append(TransferRule(line["debit"], line["credit"], amount, whole))
    return Rule(rule["name"], dict(rule["match"]), tuple(transfers))


def _amount(written: str | Mapping[str, Any]) -> AmountOf:
    if isinstance(written, str):
        return AmountOf(written)
    if "rest_of" in written:
        return AmountOf(written["rest_of"], rest=True)
    return AmountOf(written["of"], bps=written["bps"])
