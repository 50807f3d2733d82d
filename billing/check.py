"""
The proof that a rule set must pass before it is used: every declared type is booked by exactly one
rule, every rule names what exists, and every whole amount is used up exactly once.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from billing.event_types import TypeSpec
from billing.rules import PARTY, Rule, TransferRule, compile_rules
from core.money import BPS_WHOLE

TEMPLATE = re.compile(r"[a-z][a-z0-9_]*(:([A-Za-z0-9_.\-]+|\{[a-z_]+\}))*\Z|\{[a-z_]+\}\Z")
OWNED = ("wallet:", "pending:", "debt:")


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a rule set is not sound; `rule` is empty where the type as a whole is meant."""

    code: str
    type: str
    rule: str
    detail: str


def check_document(document: Mapping[str, Any], types: Mapping[str, TypeSpec]) -> list[Problem]:
    """Return every problem of a document of the right shape; an empty list is the proof."""

    def part_of(event_type: str, amount: str) -> str | None:
        spec = types.get(event_type)
        return next((a.part_of for a in spec.amounts if a.name == amount), None) if spec else None

    types = {name: spec for name, spec in types.items() if not spec.corrects}  # Their legs come with the event.
    compiled = compile_rules(document, part_of=part_of)
    problems = [problem for name, spec in types.items() for problem in _check_coverage(spec, compiled.get(name, ()))]
    for name, rules in compiled.items():
        if name not in types:
            problems.append(Problem("dead", name, "", "No event type that rules book has this name."))
            continue
        for rule in rules:
            problems += _check_rule(rule, types[name])
        problems += _check_ties(name, rules)
    return problems


def _check_coverage(spec: TypeSpec, rules: Sequence[Rule]) -> Iterator[Problem]:
    if not any(not rule.match for rule in rules):
        yield Problem("uncovered", spec.type, "", 'No rule always matches: add one with "match": {}.')


def _check_rule(rule: Rule, spec: TypeSpec) -> Iterator[Problem]:
    for name in rule.match:
        if name not in spec.parameters:
            yield Problem("unknown_parameter", spec.type, rule.name, f"{spec.type} has no parameter {name}.")
    for transfer in rule.transfers:
        yield from _check_transfer(transfer, rule, spec)
    for whole in spec.wholes():
        yield from _check_whole(whole, rule, spec)


def _check_transfer(transfer: TransferRule, rule: Rule, spec: TypeSpec) -> Iterator[Problem]:
    for template in (transfer.debit, transfer.credit):
        yield from _check_template(template, rule, spec)
    if transfer.debit == transfer.credit:
        yield Problem("bad_template", spec.type, rule.name, f"{transfer.debit} is debited and credited at once.")
    amount = transfer.amount
    declared = {a.name: a for a in spec.amounts}
    if amount.amount not in declared:
        yield Problem("unknown_amount", spec.type, rule.name, f"{spec.type} has no amount {amount.amount}.")
    elif (amount.rest or amount.bps is not None) and declared[amount.amount].part_of:
        yield Problem("amount_redefined", spec.type, rule.name, f"{amount.amount} is itself a part.")
    elif amount.bps is not None and not spec.external:
        detail = "Shares are for external types: amounts of internal ones are decided where they happen."
        yield Problem("amount_redefined", spec.type, rule.name, detail)
    held_in = spec.held.get(amount.amount)
    if held_in and transfer.debit != held_in:
        detail = f"{amount.amount} is held in {held_in}, and {transfer.debit} is debited."
        yield Problem("hold_mismatch", spec.type, rule.name, detail)


def _check_template(template: str, rule: Rule, spec: TypeSpec) -> Iterator[Problem]:
    parties = {party.name: party for party in spec.parties}
    if not TEMPLATE.match(template):
        yield Problem("bad_template", spec.type, rule.name, f"{template} is no ledger account.")
        return
    for name in PARTY.findall(template):
        if name not in parties:
            yield Problem("unknown_party", spec.type, rule.name, f"{spec.type} has no party {name}.")
        elif parties[name].is_ledger != (template == f"{{{name}}}"):
            detail = f"{name} stands alone if it is a ledger account, and behind a purpose if it is an account."
            yield Problem("bad_template", spec.type, rule.name, detail)
    if template.startswith(OWNED) and not PARTY.search(template):
        yield Problem("bad_template", spec.type, rule.name, f"{template} names no party as its owner.")


def _check_whole(whole: str, rule: Rule, spec: TypeSpec) -> Iterator[Problem]:
    """A whole is used once by itself, by shares of 10000 together, or by a rest with what goes off it."""
    uses = [t for t in rule.transfers if whole in (t.amount.amount, t.part_of)]
    rests = [t for t in uses if t.amount.rest]
    entire = [t for t in uses if t.amount.amount == whole and not t.amount.rest and t.amount.bps is None]
    parts = [t.amount.amount for t in uses if t.part_of == whole]
    shares_bps = sum(t.amount.bps or 0 for t in uses)
    one_source = len({t.debit for t in uses}) <= 1
    used_once = (
        (len(entire) == 1 and not rests and not parts and not shares_bps)
        or (shares_bps == BPS_WHOLE and not rests and not entire and not parts)
        or (len(rests) == 1 and one_source and not entire and shares_bps <= BPS_WHOLE and len(parts) == len(set(parts)))
    )
    if used_once:
        return
    if not rests and not entire and shares_bps < BPS_WHOLE:
        yield Problem("under_allocated", spec.type, rule.name, f"{whole} is not used up.")
    else:
        yield Problem("over_allocated", spec.type, rule.name, f"{whole} is used more than once.")


def _check_ties(event_type: str, rules: Sequence[Rule]) -> Iterator[Problem]:
    for one, other in combinations(rules, 2):
        if len(one.match) == len(other.match) and _can_both_match(one, other) and not _decided(one, other, rules):
            detail = f"{one.name} and {other.name} match the same events and are equally specific."
            yield Problem("ambiguous", event_type, other.name, detail)
    names = [rule.name for rule in rules]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem("ambiguous", event_type, name, f"Two rules are named {name}.")


def _can_both_match(one: Rule, other: Rule) -> bool:
    return all(other.match.get(name, value) == value for name, value in one.match.items())


def _decided(one: Rule, other: Rule, rules: Sequence[Rule]) -> bool:
    """Whether a more specific rule matches wherever both do."""
    both = {**one.match, **other.match}
    return any(
        len(rule.match) > len(one.match) and all(both.get(name) == value for name, value in rule.match.items())
        for rule in rules
    )
