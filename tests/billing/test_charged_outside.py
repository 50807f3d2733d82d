"""A payment charged by a third party's server is booked by a rule that debits that one's clearing, and by no other."""

import json
from pathlib import Path
from typing import Any

import pytest

from billing.check import check_document
from billing.errors import NoRule
from billing.event_types import BUILT_IN
from billing.rules import BatchSettings, CompiledRuleSet, Rule, compile_rules
from billing.types import whole_of

SHIPPED = json.loads(Path("billing/shipped_rules.json").read_text())
PARTIES = {"payer": "anna", "buyer": "anna", "seller": "ben", "gross_minor": 1000, "fee_minor": 35, "currency": "GBP"}


def outside(provider: str = "walletless", *, debit: str = "clearing:walletless", fee_debit: str = "") -> dict[str, Any]:
    """A rule that takes a payment's money from a provider's clearing account."""
    return {
        "name": "on their server",
        "match": {"provider": provider} if provider else {"channel": "store"},
        "transfers": [
            {"debit": debit, "credit": "pending:{seller}", "amount": {"rest_of": "gross"}},
            {"debit": fee_debit or debit, "credit": "platform:fees", "amount": "fee"},
        ],
    }


def document(rule: dict[str, Any], type_: str = "order.paid") -> dict[str, Any]:
    return {**SHIPPED, "types": {**SHIPPED["types"], type_: [*SHIPPED["types"][type_], rule]}}


def codes(rule: dict[str, Any], type_: str = "order.paid") -> set[str]:
    return {problem.code for problem in check_document(document(rule, type_), BUILT_IN)}


def chosen(payload: dict[str, Any]) -> Rule | None:
    rules = compile_rules(document(outside()), part_of=whole_of(SHIPPED["types"]))["order.paid"]
    return next((rule for rule in rules if rule.matches(PARTIES | payload)), None)


class TestTheCheck:
    def test_allows_to_debit_the_clearing_account_of_the_provider_that_is_matched(self):
        assert codes(outside()) == set()

    @pytest.mark.parametrize(
        "rule",
        [
            outside(""),
            outside(debit="clearing:other"),
            outside(debit="platform:losses"),
            outside(fee_debit="wallet:{payer}"),
            outside(fee_debit="clearing:other"),
        ],
    )
    def test_refuses_every_other_account_than_the_one_that_holds(self, rule: dict[str, Any]):
        assert "hold_mismatch" in codes(rule)

    def test_refuses_it_for_other_types(self):
        rule = {
            "name": "x",
            "match": {"provider": "walletless"},
            "transfers": [
                {"debit": "clearing:walletless", "credit": "clearing:external", "amount": "from_wallet"},
                {"debit": "debt:{owner}", "credit": "clearing:external", "amount": "to_debt"},
            ],
        }

        assert "hold_mismatch" in codes(rule, "topup.reversed")


class TestBooking:
    def test_takes_what_was_charged_from_the_clearing_account(self):
        rule = chosen({"provider": "walletless", "charged_by": "walletless"})

        assert rule is not None
        assert rule.book(PARTIES) == [
            ("clearing:walletless", "pending:ben", 965),
            ("clearing:walletless", "platform:fees", 35),
        ]

    def test_takes_what_is_held_in_a_wallet_from_there_even_if_the_provider_is_the_same(self):
        rule = chosen({"provider": "walletless"})

        assert rule is not None
        assert rule.name == "default"

    @pytest.mark.parametrize("by", ["another", "local"])
    def test_never_takes_from_a_wallet_what_a_server_was_charged(self, by: str):
        assert chosen({"provider": by, "charged_by": by}) is None


def test_such_a_payment_without_a_rule_is_unposted_and_says_so():
    version = CompiledRuleSet(1, BatchSettings(1, 1, 1), compile_rules(SHIPPED, part_of=whole_of(SHIPPED["types"])))

    with pytest.raises(NoRule):
        version.rule_for("order.paid", PARTIES | {"provider": "x", "charged_by": "x"})
