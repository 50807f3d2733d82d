"""Which rule charges a sale, and how much: never a matter of luck, never more than the line."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.fees import FeeTable, Sale, compile_fees, problems_of
from core.money import Money

SALE = Sale(seller="acc_A", category="tea", channel="online")


def rule(rate_bps: int = 500, fixed: dict[str, Any] | None = None, **match: str) -> dict[str, Any]:
    return {"match": match, "rate_bps": rate_bps} | ({"fixed": fixed} if fixed else {})


def charged(
    rules: list[dict[str, Any]], minor: int = 10_000, currency: str = "GBP", sale: Sale = SALE
) -> tuple[int, str]:
    fee = compile_fees("fee_X", rules).fee(sale, Money(minor, currency))
    return fee.minor, fee.rule


class TestAFee:
    def test_the_most_specific_rule_decides_wherever_it_stands(self):
        rules = [
            rule(100),
            rule(200, seller="acc_A"),
            rule(300, seller="acc_A", channel="online"),
            rule(50, category="wine"),
        ]

        assert charged(rules) == (300, "fee_X#2")
        assert charged(rules, sale=Sale("acc_A", "tea", "store")) == (200, "fee_X#1")
        assert charged(rules, sale=Sale("acc_B", "wine", "store")) == (50, "fee_X#3")
        assert charged(rules, sale=Sale("acc_B", "tea", "online")) == (100, "fee_X#0")

    def test_a_rate_is_rounded_down_and_a_fixed_part_added(self):
        assert charged([rule(333, fixed={"amount": 20, "currency": "GBP"})], 1_001) == (33 + 20, "fee_X#0")

    def test_a_fixed_part_is_for_lines_of_its_currency_only(self):
        assert charged([rule(500, fixed={"amount": 20, "currency": "GBP"})], 1_000, "EUR") == (50, "fee_X#0")

    @given(minor=st.integers(1, 2**53 - 1), rate=st.integers(0, 10_000), fixed=st.integers(1, 2**53 - 1))
    def test_it_never_exceeds_the_line(self, minor: int, rate: int, fixed: int):
        fee, _rule = charged([rule(rate, fixed={"amount": fixed, "currency": "GBP"})], minor)

        assert 0 <= fee <= minor


class TestASoundSchedule:
    def codes(self, *rules: dict[str, Any]) -> list[str]:
        return [problem["code"] for problem in problems_of(list(rules))]

    def test_has_a_rule_for_every_sale(self):
        assert self.codes(rule(seller="acc_A")) == ["uncovered"]
        assert self.codes(rule()) == []

    def test_has_no_two_rules_for_one_sale(self):
        assert self.codes(rule(), rule(600)) == ["ambiguous"]
        assert self.codes(rule(), rule(seller="acc_A"), rule(category="tea")) == ["ambiguous"]
        assert self.codes(rule(), rule(seller="acc_A"), rule(seller="acc_B")) == []

    def test_may_leave_a_tie_to_a_more_specific_rule(self):
        tie = [rule(), rule(seller="acc_A"), rule(category="tea")]

        assert self.codes(*tie, rule(seller="acc_A", category="tea")) == []
        assert self.codes(*tie, rule(seller="acc_A", category="wine")) == ["ambiguous"]

    matches = st.fixed_dictionaries(
        {},
        optional={
            "seller": st.sampled_from(["acc_A", "acc_B"]),
            "category": st.sampled_from(["tea", "wine"]),
            "channel": st.sampled_from(["online", "store"]),
        },
    )

    @given(st.lists(matches, max_size=8))
    def test_leaves_exactly_one_rule_to_decide_each_sale(self, matches: list[dict[str, str]]):
        rules = [rule(place, **match) for place, match in enumerate(matches)]
        if problems_of(rules):
            return

        for sale in product(["acc_A", "acc_B", "acc_C"], ["tea", "wine", ""], ["online", "store"]):
            matching = [r for r in rules if Sale(*sale).fits(r["match"])]
            most = max(len(r["match"]) for r in matching)
            assert sum(len(r["match"]) == most for r in matching) == 1


def test_the_table_does_not_depend_on_the_order_of_rules():
    rules = [rule(1), rule(2, channel="online"), rule(3, channel="online", category="tea")]

    def deciding(table: FeeTable) -> int:
        return table.fee(SALE, Money(10_000, "GBP")).minor

    assert deciding(compile_fees("x", rules)) == deciding(compile_fees("x", rules[::-1])) == 3


def test_an_unsound_table_would_be_found_out():
    with pytest.raises(StopIteration):
        compile_fees("x", [rule(category="wine")]).fee(SALE, Money(1, "GBP"))
