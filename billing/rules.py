"""
Rules, compiled: from an event's type, configuration, parties and amounts to its transfers.

The same functions check a draft and book an event, so that what passed the check cannot surprise.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from billing.errors import AmountsDisagree, NoRule, SameAccount
from core.money import BPS_WHOLE, split

CHARGED_BY = "charged_by"  # In `order.paid`: whose server was charged, where no wallet was.
CLEARING = "clearing"
PAYMENT = "order.paid"

PARTY = re.compile(r"\{([a-z][a-z0-9_]*)\}")

Payload = Mapping[str, Any]
Fill = Callable[[Payload], str]
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
    """
    One rule: which configurations it matches, and what it books.

    What is the same for every event is worked out when the rule is made: it books thousands a second.
    `conditions`: all that an event must fulfil, `match` and whose money it is.
    """

    name: str
    match: Mapping[str, str]
    transfers: tuple[TransferRule, ...]
    takes_outside: str | None = None  # The provider whose server was charged, "" a wallet; None where it is no matter.
    conditions: Mapping[str, str | None] = field(init=False, repr=False, compare=False)
    amounts: "Amounts" = field(init=False, repr=False, compare=False)
    sides: tuple[tuple[Fill, Fill], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        whose = {} if self.takes_outside is None else {CHARGED_BY: self.takes_outside or None}
        object.__setattr__(self, "conditions", {**self.match, **whose})
        object.__setattr__(self, "amounts", Amounts.of(self.transfers))
        object.__setattr__(self, "sides", tuple((filler(line.debit), filler(line.credit)) for line in self.transfers))

    def matches(self, payload: Payload) -> bool:
        """An absent parameter matches no rule that names it."""
        for name, value in self.conditions.items():  # noqa: SIM110 - all() costs three times as much
            if payload.get(name) != value:
                return False
        return True

    def book(self, payload: Payload) -> list[Booked]:
        """
        Return the transfers of one event; zero amounts write none.

        :raises SameAccount: a transfer would move money to where it is.
        :raises AmountsDisagree: a whole's parts are more than the whole.
        """
        booked = []
        for (fill_debit, fill_credit), minor in zip(self.sides, self.amounts.minors(payload), strict=True):
            if minor < 0:
                raise AmountsDisagree
            if minor:
                debit, credit = fill_debit(payload), fill_credit(payload)
                if debit == credit:
                    raise SameAccount(f"Both sides are {debit}.")
                booked.append((debit, credit, minor))
        return booked


def filler(template: str) -> Fill:
    """Return what puts an event's parties into an account template; drafts may have any text in braces."""
    before, *more = pieces = PARTY.split(template)  # Text and parties in turns.
    if not more:
        return lambda _payload: template
    party, behind, *further = more
    if behind or further:
        return lambda payload: "".join(payload[piece] if place % 2 else piece for place, piece in enumerate(pieces))
    return lambda payload: before + payload[party]


def fill(template: str, payload: Payload) -> str:
    """Put the event's parties into an account template."""
    return filler(template)(payload)


@dataclass(frozen=True, slots=True)
class Amounts:
    """
    How to find the minor units of a rule's transfers, worked out once for all events.

    Shares of one whole are cut together, with what is left as one more share, so that nothing is lost;
    a rest is the whole less the rule's other transfers of it from the same debit template.
    """

    keys: tuple[str, ...]  # Where each transfer's amount, or the whole it is cut from, stands in a payload.
    shares: Mapping[str, Mapping[int, int]]  # For each whole its weights: bps by the place of the transfer.
    rests: tuple[tuple[int, tuple[int, ...]], ...]  # The place of each rest, and of what is taken off its whole.

    @classmethod
    def of(cls, transfers: Sequence[TransferRule]) -> "Amounts":
        keys = tuple(f"{transfer.amount.amount}_minor" for transfer in transfers)
        rests = [place for place, transfer in enumerate(transfers) if transfer.amount.rest]
        return cls(keys, _weights(transfers), tuple((place, _taken(place, transfers)) for place in rests))

    def minors(self, payload: Payload) -> list[int]:
        """Return each transfer's minor units; an amount that the event leaves out is zero."""
        minors = [payload.get(key) or 0 for key in self.keys]
        for key, weights in self.shares.items():
            parts = split(payload.get(key) or 0, weights)
            for place in weights:
                if place < len(minors):
                    minors[place] = parts[place]
        for place, taken in self.rests:
            minors[place] -= sum([minors[other] for other in taken])
        return minors


def _weights(transfers: Sequence[TransferRule]) -> dict[str, dict[int, int]]:
    """What no transfer takes is one more share, behind the last place."""
    by_whole: dict[str, dict[int, int]] = {}
    for place, transfer in enumerate(transfers):
        if transfer.amount.bps is not None:
            by_whole.setdefault(f"{transfer.amount.amount}_minor", {})[place] = transfer.amount.bps
    for weights in by_whole.values():
        left_bps = BPS_WHOLE - sum(weights.values())
        if left_bps > 0:
            weights[len(transfers)] = left_bps
    return by_whole


def _taken(place: int, transfers: Sequence[TransferRule]) -> tuple[int, ...]:
    rest = transfers[place]
    whole = rest.amount.amount
    return tuple(
        other_place
        for other_place, other in enumerate(transfers)
        if not other.amount.rest and other.debit == rest.debit and whole in (other.amount.amount, other.part_of)
    )


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
    return Rule(rule["name"], dict(rule["match"]), tuple(transfers), _whose(event_type, rule))


def _whose(event_type: str, rule: Mapping[str, Any]) -> str | None:
    """
    Return whose server a rule of a payment takes the money from, "" where it comes out of a wallet.

    Such a rule matches a provider, debits nothing but that one's clearing account, and books what its server was
    charged. It never books what is held in a wallet, nor does any other rule book what was charged elsewhere.
    """
    if event_type != PAYMENT:
        return None
    provider = rule["match"].get("provider", "")
    debits = {line["debit"] for line in rule["transfers"]}
    return provider if provider and debits == {f"{CLEARING}:{provider}"} else ""


def _amount(written: str | Mapping[str, Any]) -> AmountOf:
    if isinstance(written, str):
        return AmountOf(written)
    if "rest_of" in written:
        return AmountOf(written["rest_of"], rest=True)
    return AmountOf(written["of"], bps=written["bps"])
