"""Rules in the words of an accountant, and two versions side by side."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

BATCH_WORDS = {
    "period_ms": "book after {} ms",
    "max_accounts": "or at {} ledger accounts",
    "max_transfers": "or at {} transfers",
}


def written_match(match: Mapping[str, str]) -> str:
    """Say when a rule applies."""
    return ", ".join(f"{name} is {value}" for name, value in sorted(match.items())) or "always"


def written_amount(amount: Any) -> str:
    """Say what a transfer moves."""
    if isinstance(amount, str):
        return amount
    if "rest_of" in amount:
        return f"the rest of {amount['rest_of']}"
    return f"{amount['bps'] / 100:g} % of {amount['of']}"


def written_rule(rule: Mapping[str, Any]) -> list[str]:
    """Write a rule out: when it applies, then a line for each transfer."""
    lines = [f"{t['debit']} → {t['credit']}: {written_amount(t['amount'])}" for t in rule["transfers"]]
    return [f"if {written_match(rule['match'])}", *lines]


@dataclass(frozen=True, slots=True)
class Change:
    """What one rule, or the batches, have become: lines with `+`, `-` or a space before each."""

    type: str
    rule: str
    what: str  # added, removed, changed
    lines: Sequence[tuple[str, str]]


def compare_documents(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Return how two documents differ, rule by rule; rules are the same that have type and name in common."""
    changes = compare_parts(dict(_parts(old)), dict(_parts(new)))
    return sorted(changes, key=lambda change: (change.type, change.rule))


def compare_parts(
    before: Mapping[tuple[str, str], list[str]], after: Mapping[tuple[str, str], list[str]]
) -> list[Change]:
    """Return how two documents differ that are written out part by part; parts of the same name are compared."""
    names = list(dict.fromkeys([*before, *after]))
    changes = (_change(name, before.get(name, []), after.get(name, [])) for name in names)
    return [change for change in changes if change]


def _parts(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], list[str]]]:
    batch = document.get("batch", {})
    yield ("", "batches"), [words.format(batch[name]) for name, words in BATCH_WORDS.items() if name in batch]
    for type_, rules in document["types"].items():
        yield from (((type_, name), written_rule(rule)) for name, rule in _named(rules))


def _named(rules: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A draft that is not sound may name two rules alike: the second is told apart by its place."""
    seen: set[str] = set()
    for place, rule in enumerate(rules, 1):
        name = rule["name"] if rule["name"] not in seen else f"{rule['name']} (rule {place})"
        seen.add(name)
        yield name, rule


def _change(name: tuple[str, str], before: list[str], after: list[str]) -> Change | None:
    if before == after:
        return None
    what = "changed" if before and after else "added" if after else "removed"
    return Change(*name, what, list(_lines(before, after)))


def _lines(before: list[str], after: list[str]) -> Iterator[tuple[str, str]]:
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from ((" ", line) for line in before[i:j])
        else:
            yield from (("-", line) for line in before[i:j])
            yield from (("+", line) for line in after[k:m])
