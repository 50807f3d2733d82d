import json
from collections import defaultdict

import pytest

from billing.rules import Rule, compile_rules
from billing.types import whole_of
from tests.docs.pages import DOCS, PROJECT, rows_after

MARK = "<!-- ledger: life of one order -->"


@pytest.fixture(scope="module")
def rules() -> dict[str, tuple[Rule, ...]]:
    document = json.loads((PROJECT / "billing" / "shipped_rules.json").read_text())
    return compile_rules(document, part_of=whole_of(document["types"]))


class TestTheLifeOfOneOrder:
    """The table of docs/money.md is what the shipped rules book."""

    def test_every_line_leaves_the_balances_that_the_page_shows(self, rules: dict[str, tuple[Rule, ...]]) -> None:
        header, *lines = rows_after((DOCS / "money.md").read_text(), MARK)
        accounts = [name.strip("`") for name in header[2:]]
        balances: dict[str, int] = defaultdict(int)
        for event, amounts, *shown in lines:
            type_, payload = read_event(event, amounts)
            rule = next(rule for rule in rules[type_] if rule.matches(payload))
            for debit, credit, minor in rule.book(payload):
                balances[debit] -= minor
                balances[credit] += minor
            assert [balances[account] for account in accounts] == [int(minor) for minor in shown], event
            assert sum(balances.values()) == 0
            assert set(balances) <= set(accounts), "The page leaves an account out."
        assert len(lines) > 5


def read_event(event: str, amounts: str) -> tuple[str, dict[str, object]]:
    type_, *parties = event.split()
    named = dict(pair.split("=") for pair in parties)
    in_minor = {f"{name}_minor": int(minor) for name, minor in (pair.split("=") for pair in amounts.split())}
    return type_.strip("`"), {**named, **in_minor}
