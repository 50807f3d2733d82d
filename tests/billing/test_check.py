"""The proof at activation: what passes it cannot fail later, and each fault has its code."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from billing.check import check_document
from billing.event_types import BUILT_IN, Amount, Party, TypeSpec
from billing.rules import compile_rules

SHIPPED = json.loads((Path(settings.BASE_DIR) / "billing" / "shipped_rules.json").read_text())
SALE = TypeSpec(
    "sale.made",
    (Party("buyer"), Party("shop"), Party("till", is_ledger=True)),
    (Amount("gross"), Amount("fee", "gross"), Amount("tip")),
    ("institution", "channel", "currency", "city"),
    external=True,
)
SOUND = {
    "name": "sale",
    "match": {},
    "transfers": [
        {"debit": "{till}", "credit": "wallet:{shop}", "amount": {"rest_of": "gross"}},
        {"debit": "{till}", "credit": "platform:fees", "amount": "fee"},
        {"debit": "wallet:{buyer}", "credit": "wallet:{shop}", "amount": "tip"},
    ],
}


def codes(*rules: dict[str, Any], spec: TypeSpec = SALE) -> list[str]:
    problems = check_document({"types": {spec.type: list(rules)}}, {spec.type: spec})
    return [problem.code for problem in problems]


def with_transfer(place: int, **changes: Any) -> dict[str, Any]:
    rule = copy.deepcopy(SOUND)
    rule["transfers"][place] |= changes
    return rule


def without(place: int) -> dict[str, Any]:
    rule = copy.deepcopy(SOUND)
    del rule["transfers"][place]
    return rule


class TestCheck:
    def test_the_shipped_rules_are_sound(self) -> None:
        assert check_document(SHIPPED, BUILT_IN) == []

    def test_the_sound_rule_is(self) -> None:
        assert codes(SOUND) == []

    @pytest.mark.parametrize(
        ("rule", "code"),
        [
            (with_transfer(0, credit="wallet:{nobody}"), "unknown_party"),
            (with_transfer(1, amount="vat"), "unknown_amount"),
            (SOUND | {"match": {"colour": "red"}}, "unknown_parameter"),
            (with_transfer(0, debit="no account!"), "bad_template"),
            (with_transfer(0, debit="wallet:{till}"), "bad_template"),
            (with_transfer(0, debit="{buyer}"), "bad_template"),
            (with_transfer(0, credit="wallet:somebody"), "bad_template"),
            (with_transfer(2, credit="wallet:{buyer}"), "bad_template"),
            (without(0), "under_allocated"),
            (without(2), "under_allocated"),
            (with_transfer(2, amount={"of": "tip", "bps": 9999}), "under_allocated"),
            (with_transfer(1, amount="gross"), "over_allocated"),
            (with_transfer(1, debit="cash:other"), "over_allocated"),
            (with_transfer(1, amount={"of": "fee", "bps": 100}), "amount_redefined"),
        ],
    )
    def test_names_each_fault(self, rule: dict[str, Any], code: str) -> None:
        assert code in codes(rule)

    def test_a_type_without_a_rule_that_always_matches_is_uncovered(self) -> None:
        assert codes(SOUND | {"match": {"channel": "store"}}) == ["uncovered"]
        assert codes() == ["uncovered"]

    def test_rules_for_a_type_nobody_declared_are_dead(self) -> None:
        problems = check_document({"types": {"never.heard": [SOUND]}}, {})
        assert [problem.code for problem in problems] == ["dead"]

    def test_equally_specific_rules_that_can_both_match_are_ambiguous(self) -> None:
        at_store, in_rome = (
            SOUND | {"name": "a", "match": {"channel": "store"}},
            SOUND
            | {
                "name": "b",
                "match": {"city": "Rome"},
            },
        )
        both = SOUND | {"name": "c", "match": {"channel": "store", "city": "Rome"}}

        assert codes(SOUND, at_store, in_rome) == ["ambiguous"]
        assert codes(SOUND, at_store, in_rome, both) == []
        assert codes(SOUND, at_store, at_store | {"match": {"channel": "online"}, "name": "d"}) == []

    def test_shares_are_for_external_types(self) -> None:
        internal = TypeSpec("x.y", SALE.parties, (Amount("gross"),))
        rule = {
            "name": "r",
            "match": {},
            "transfers": [{"debit": "cash:a", "credit": "cash:b", "amount": {"of": "gross", "bps": 10_000}}],
        }
        assert codes(rule, spec=internal) == ["amount_redefined"]

    def test_what_is_held_must_be_debited_where_it_is_held(self) -> None:
        document = copy.deepcopy(SHIPPED)
        document["types"]["order.paid"][0]["transfers"][0]["debit"] = "cash:desk"
        document["types"]["order.paid"][0]["transfers"][1]["debit"] = "cash:desk"

        assert {problem.code for problem in check_document(document, BUILT_IN)} == {"hold_mismatch"}


class TestBookedAmounts:
    @given(gross=st.integers(0, 2**53 - 1), data=st.data())
    def test_a_sound_rule_uses_up_every_whole_exactly_once(self, gross: int, data: Any) -> None:
        fee = data.draw(st.integers(0, gross))
        bps = data.draw(st.lists(st.integers(1, 2500), max_size=4))
        shares = [
            {"debit": "{till}", "credit": f"platform:{n}", "amount": {"of": "gross", "bps": b}}
            for n, b in enumerate(bps)
        ]
        rule = SOUND | {"transfers": [*SOUND["transfers"][:1], *shares, SOUND["transfers"][2]]}
        payload = {"buyer": "a", "shop": "b", "till": "cash:x", "gross_minor": gross, "fee_minor": fee, "tip_minor": 3}
        assert codes(rule) == []

        (compiled,) = compile_rules({"types": {"sale.made": [rule]}}, part_of=lambda _type, _amount: None)["sale.made"]
        booked = compiled.book(payload)

        assert sum(minor for debit, _credit, minor in booked if debit == "cash:x") == gross
        assert all(minor > 0 for _debit, _credit, minor in booked)
