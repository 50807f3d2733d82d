"""
The proof that a rule set must pass before it is used: every declared type is booked by exactly one
rule, every rule names what exists, and every whole amount is used up exactly once.

What passes cannot fail on a valid event: `tests/billing/test_proof.py` looks for one that does.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice
from typing import Any

from billing.document_text import write_document
from billing.event_types import TypeSpec
from billing.rules import PARTY, Rule, TransferRule, compile_rule
from core.ids import PUBLIC_ID_LENGTH_MAX
from core.money import BPS_WHOLE, CURRENCY_DIGITS
from ledger.codes import OWNED_PURPOSES, purpose_of
from ledger.models import CODE_LENGTH_MAX

PROBLEMS_MAX = 500  # More are not read by anybody.

_PARTY = r"\{[a-z][a-z0-9_]*\}"
TEMPLATE = re.compile(rf"[a-z][a-z0-9_]*(:([A-Za-z0-9_.\-]+|{_PARTY}))*\Z|{_PARTY}\Z")
OWNED_TEMPLATE = re.compile(rf"[a-z]+:{_PARTY}(:|\Z)")


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One reason why a rule set is not sound; `rule` is empty where the type as a whole is meant.

    `path` is where it stands in the document (`types.order.paid.1.transfers.0.amount`), `line` the line of
    that in the document as `write_document` writes it.
    """

    code: str
    type: str
    rule: str
    detail: str
    path: str
    line: int = 1


@dataclass(frozen=True, slots=True)
class _Placed:
    """A rule, and where it stands in the document."""

    spec: TypeSpec
    rule: Rule
    path: str

    def problem(self, code: str, detail: str, *within: str | int) -> Problem:
        path = ".".join([self.path, *map(str, within)])
        return Problem(code, self.spec.type, self.rule.name, detail, path)


@dataclass(frozen=True, slots=True)
class _Use:
    """One transfer that takes something of a whole."""

    place: int
    transfer: TransferRule

    @property
    def is_rest(self) -> bool:
        return self.transfer.amount.rest

    @property
    def bps(self) -> int:
        return self.transfer.amount.bps or 0

    @property
    def is_part(self) -> bool:
        return self.transfer.part_of is not None

    @property
    def is_entire(self) -> bool:
        return not (self.is_rest or self.bps or self.is_part)


def check_document(document: Mapping[str, Any], types: Mapping[str, TypeSpec]) -> list[Problem]:
    """Return the problems of a document of the right shape, in its order; an empty list is the proof."""
    text = write_document(document)
    ruled = {name: spec for name, spec in types.items() if not spec.corrects}  # Their legs come with the event.
    found = islice(_problems(document, ruled), PROBLEMS_MAX)
    placed = [replace(problem, line=text.line_of(problem.path)) for problem in found]
    return sorted(placed, key=lambda problem: problem.line)


def _problems(document: Mapping[str, Any], types: Mapping[str, TypeSpec]) -> Iterator[Problem]:
    for name in document["types"]:
        if name not in types:
            yield Problem("dead", name[:80], "", "No event type that rules book has this name.", f"types.{name}")
    for name, spec in types.items():
        rules = _placed_rules(document["types"].get(name, ()), spec)
        if not any(not placed.rule.match for placed in rules):
            detail = 'No rule always matches: add one with "match": {}.'
            yield Problem("uncovered", name, "", detail, f"types.{name}" if name in document["types"] else "types")
        for placed in rules:
            yield from _check_rule(placed)
        yield from _check_names(rules)
        yield from _check_ties(rules)
        yield from _check_dead(rules)


def _placed_rules(written: Sequence[Mapping[str, Any]], spec: TypeSpec) -> list[_Placed]:
    wholes = {amount.name: amount.part_of for amount in spec.amounts}
    return [
        _Placed(
            spec,
            compile_rule(spec.type, rule, lambda _type, amount: wholes.get(amount)),
            f"types.{spec.type}.{place}",
        )
        for place, rule in enumerate(written)
    ]


# --- One rule --------------------------------------------------------------------------------


def _check_rule(placed: _Placed) -> Iterator[Problem]:
    spec = placed.spec
    for name in placed.rule.match:
        if name not in spec.parameters:
            detail = f"{spec.type} has no parameter {name[:80]}; a rule that names it never matches."
            yield placed.problem("unknown_parameter", detail, "match", name)
    for place, transfer in enumerate(placed.rule.transfers):
        yield from _check_transfer(place, transfer, placed)
    for whole in spec.wholes():
        yield from _check_whole(whole, placed)


def _check_transfer(place: int, transfer: TransferRule, placed: _Placed) -> Iterator[Problem]:
    yield from _check_template(transfer.debit, placed, "transfers", place, "debit")
    yield from _check_template(transfer.credit, placed, "transfers", place, "credit")
    if transfer.debit == transfer.credit:
        detail = f"{transfer.debit} is debited and credited at once."
        yield placed.problem("bad_template", detail, "transfers", place, "credit")
    yield from _check_amount(transfer, placed, "transfers", place, "amount")
    held_in = placed.spec.held.get(transfer.amount.amount)
    if held_in and transfer.debit != held_in and not placed.rule.takes_outside:
        detail = f"{transfer.amount.amount} is held in {held_in}, and {transfer.debit} is debited."
        yield placed.problem("hold_mismatch", detail, "transfers", place, "debit")


def _check_amount(transfer: TransferRule, placed: _Placed, *within: str | int) -> Iterator[Problem]:
    spec, amount = placed.spec, transfer.amount
    if amount.amount not in {declared.name for declared in spec.amounts}:
        yield placed.problem("unknown_amount", f"{spec.type} has no amount {amount.amount[:80]}.", *within)
    elif _is_redefined(transfer):
        detail = f"{amount.amount} is a part of {transfer.part_of}, and parts are not cut again."
        yield placed.problem("amount_redefined", detail, *within)
    elif amount.bps is not None and not spec.external:
        detail = "Shares are for external types: amounts of internal ones are decided where they happen."
        yield placed.problem("amount_redefined", detail, *within)


def _is_redefined(transfer: TransferRule) -> bool:
    return transfer.part_of is not None and (transfer.amount.rest or transfer.amount.bps is not None)


def _check_template(template: str, placed: _Placed, *within: str | int) -> Iterator[Problem]:
    parties = {party.name: party for party in placed.spec.parties}
    named = PARTY.findall(template)
    if not TEMPLATE.match(template):
        yield placed.problem("bad_template", f"{template} is no ledger account.", *within)
        return
    for name in named:
        if name not in parties:
            yield placed.problem("unknown_party", f"{placed.spec.type} has no party {name}.", *within)
        elif parties[name].is_ledger != (template == f"{{{name}}}"):
            detail = f"{name} stands alone if it is a ledger account, and behind a purpose if it is an account."
            yield placed.problem("bad_template", detail, *within)
    if purpose_of(template) in OWNED_PURPOSES and not OWNED_TEMPLATE.match(template):
        yield placed.problem("bad_template", f"{template} does not begin with the party that owns it.", *within)
    longest = len(PARTY.sub("", template)) + len(named) * PUBLIC_ID_LENGTH_MAX
    if longest > CODE_LENGTH_MAX and not template.startswith("{"):
        detail = f"{template} can be {longest} characters long; a ledger account has at most {CODE_LENGTH_MAX}."
        yield placed.problem("bad_template", detail, *within)


# --- Wholes ----------------------------------------------------------------------------------


def _check_whole(whole: str, placed: _Placed) -> Iterator[Problem]:
    """
    A whole is used up once: by itself; by shares of 10000 together; or by a rest with what goes off it.

    What goes off a rest is either parts, which never come to more than the whole, or shares of less than
    10000: together they could come to more. And it leaves the same account as the rest does.
    """
    uses = [
        _Use(place, transfer)
        for place, transfer in enumerate(placed.rule.transfers)
        if whole in (transfer.amount.amount, transfer.part_of)
    ]
    if any(_is_redefined(use.transfer) for use in uses):
        return  # Said already, and what is left of the whole cannot be told.
    is_taken = any(use.is_rest or use.is_entire for use in uses)
    if not is_taken and sum(use.bps for use in uses) < BPS_WHOLE:
        yield placed.problem("under_allocated", f"{whole} is not used up.", "transfers")
    for use, detail in _used_again(whole, uses):
        yield placed.problem("over_allocated", detail, "transfers", use.place, "amount")


def _used_again(whole: str, uses: Sequence[_Use]) -> Iterator[tuple[_Use, str]]:
    """Yield the transfers that take what others have used up."""
    takers = [use for use in uses if use.is_rest or use.is_entire]
    parts, shares = [use for use in uses if use.is_part], [use for use in uses if use.bps]
    for use in takers[1:]:
        yield use, f"{whole} is used up by another transfer."
    if takers and takers[0].is_entire:
        for use in parts + shares:
            yield use, f"{whole} is used up by another transfer."
    elif takers:
        for use in parts + shares:
            if use.transfer.debit != takers[0].transfer.debit:
                yield use, f"The rest of {whole} is debited elsewhere, and so leaves this in."
    if parts and shares:
        yield shares[0], f"The parts of {whole} may come to all of it, and then a share is too much."
    yield from _taken_twice(parts)
    room_bps = BPS_WHOLE - (1 if takers else 0)  # With a rest, something is left for it.
    if sum(use.bps for use in shares) > room_bps:
        yield shares[-1], f"The shares of {whole} are more than {room_bps} together."


def _taken_twice(parts: Sequence[_Use]) -> Iterator[tuple[_Use, str]]:
    seen: set[str] = set()
    for use in parts:
        name = use.transfer.amount.amount
        if name in seen:
            yield use, f"{name} is used by another transfer."
        seen.add(name)


# --- Rules beside each other -----------------------------------------------------------------


def _check_names(rules: Sequence[_Placed]) -> Iterator[Problem]:
    """Journals name the rule that decided: one name must not mean two."""
    seen: set[str] = set()
    for placed in rules:
        if placed.rule.name in seen:
            yield placed.problem("ambiguous", f"Two rules are named {placed.rule.name}.", "name")
        seen.add(placed.rule.name)


def _check_ties(rules: Sequence[_Placed]) -> Iterator[Problem]:
    for one, other in combinations(rules, 2):
        if (
            len(one.rule.match) == len(other.rule.match)
            and _can_both_match(one.rule, other.rule)
            and not _decided(one.rule, other.rule, rules)
        ):
            detail = f"{one.rule.name} and {other.rule.name} match the same events and are equally specific."
            yield other.problem("ambiguous", detail, "match")


def _can_both_match(one: Rule, other: Rule) -> bool:
    return all(other.match.get(name, value) == value for name, value in one.match.items())


def _decided(one: Rule, other: Rule, rules: Sequence[_Placed]) -> bool:
    """Whether a more specific rule matches wherever both do."""
    both = {**one.match, **other.match}
    return any(
        len(placed.rule.match) > len(one.match)
        and all(both.get(name) == value for name, value in placed.rule.match.items())
        for placed in rules
    )


def _check_dead(rules: Sequence[_Placed]) -> Iterator[Problem]:
    """
    Find the rules that can never be the one chosen.

    Any parameter may be absent, so a rule is chosen at least where nothing but what it names is given.
    Two things are left: another rule of the same match comes before it; and the currency, which is always
    given, is one that does not exist, or has a more specific rule whichever it is.
    """
    matches = {frozenset(placed.rule.match.items()) for placed in rules}
    currencies_beside: dict[frozenset[tuple[str, str]], int] = defaultdict(int)
    for match in matches:
        named = dict(match)
        if named.pop("currency", None) in CURRENCY_DIGITS:
            currencies_beside[frozenset(named.items())] += 1
    seen: set[frozenset[tuple[str, str]]] = set()
    for placed in rules:
        match = frozenset(placed.rule.match.items())
        currency = placed.rule.match.get("currency")
        if match in seen:
            yield placed.problem("dead", "Another rule has the same match and comes before it.", "match")
        elif currency is not None and currency not in CURRENCY_DIGITS:
            yield placed.problem("dead", f"There is no currency {currency}.", "match", "currency")
        elif match and currency is None and currencies_beside[match] == len(CURRENCY_DIGITS):
            yield placed.problem("dead", "Every currency has a more specific rule.", "match")
        seen.add(match)
