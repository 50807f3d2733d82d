"""The proof at activation: what passes it cannot fail later, and each fault has its code."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from billing.check import PROBLEMS_MAX, check_document
from billing.document_text import write_document
from billing.event_types import BUILT_IN, Amount, Party, TypeSpec
from billing.rules import compile_rules
from core.ids import PUBLIC_ID_LENGTH_MAX
from core.money import CURRENCY_DIGITS
from ledger.models import CODE_LENGTH_MAX

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
    assert all(problem.path.startswith("types") and problem.line >= 1 for problem in problems)
    return [problem.code for problem in problems]


def with_transfer(place: int, **changes: Any) -> dict[str, Any]:
    rule = copy.deepcopy(SOUND)
    rule["transfers"][place] |= changes
    return rule


def without(place: int) -> dict[str, Any]:
    rule = copy.deepcopy(SOUND)
    del rule["transfers"][place]
    return rule


def plus(transfer: dict[str, Any]) -> dict[str, Any]:
    return SOUND | {"transfers": [*SOUND["transfers"], transfer]}


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
            (with_transfer(1, amount={"rest_of": "fee"}), "amount_redefined"),
            (with_transfer(0, credit="wallet"), "bad_template"),
            (with_transfer(0, credit="wallet:house:{shop}"), "bad_template"),
            (with_transfer(0, credit="platform:{shop}:{buyer}:{shop}"), "bad_template"),
            (with_transfer(0, credit="platform:" + "x" * 39 + ":{shop}"), "bad_template"),
            (with_transfer(0, amount="gross"), "over_allocated"),
            (with_transfer(1, amount={"rest_of": "gross"}), "over_allocated"),
            (with_transfer(1, amount={"of": "gross", "bps": 10_000}), "over_allocated"),
            (plus({"debit": "{till}", "credit": "platform:a", "amount": {"of": "gross", "bps": 1}}), "over_allocated"),
            (plus({"debit": "{till}", "credit": "platform:a", "amount": "fee"}), "over_allocated"),
            (plus({"debit": "{till}", "credit": "platform:a", "amount": {"of": "tip", "bps": 1}}), "over_allocated"),
            (SOUND | {"match": {"currency": "XXX"}}, "dead"),
        ],
    )
    def test_names_each_fault(self, rule: dict[str, Any], code: str) -> None:
        assert code in codes(rule)

    @pytest.mark.parametrize(
        "transfers",
        [
            [("gross", "{till}"), ("tip", "{till}")],
            [({"of": "gross", "bps": 5000}, "cash:a"), ({"of": "gross", "bps": 5000}, "cash:b"), ("tip", "{till}")],
            [({"rest_of": "gross"}, "{till}"), ({"of": "gross", "bps": 9999}, "{till}"), ("tip", "{till}")],
            [({"rest_of": "gross"}, "{till}"), ("fee", "{till}"), ({"of": "tip", "bps": 10_000}, "{till}")],
            [({"rest_of": "gross"}, "{till}"), ({"rest_of": "tip"}, "cash:tips")],
        ],
    )
    def test_every_way_of_using_a_whole_up_is_sound(self, transfers: list[Any]) -> None:
        lines = [{"debit": debit, "credit": "platform:{shop}", "amount": amount} for amount, debit in transfers]

        assert codes(SOUND | {"transfers": lines}) == []

    @pytest.mark.parametrize(
        "template",
        [
            "{",
            "}",
            "{}",
            "cash:{",
            "cash:}",
            "{A}",
            "cash:{a-b}",
            "cash:{shop}{",
            "cash:{shop",
            "{0}",
            "cash:{shop!r}",
            "cash:{shop.pk}",
            "cash:{shop[0]}",
            "cash:%s",
            "cash:%(shop)s",
            "{{shop}}",
            "cash:{shop}{buyer}",
        ],
    )
    def test_a_template_that_means_nothing_is_a_problem_and_no_error(self, template: str) -> None:
        assert codes(with_transfer(0, credit=template)) == ["bad_template"]

    def test_a_code_may_be_as_long_as_the_book_takes_it(self) -> None:
        longest = "platform:" + "x" * (CODE_LENGTH_MAX - PUBLIC_ID_LENGTH_MAX - 10) + ":{shop}"

        assert codes(with_transfer(0, credit=longest)) == []
        assert codes(with_transfer(0, credit=longest.replace(":x", ":xx"))) == ["bad_template"]

    def test_parties_may_have_digits_in_their_names(self) -> None:
        spec = TypeSpec("a.b", (Party("side_1"), Party("side_2")), (Amount("gross"),))
        line = {"debit": "wallet:{side_1}", "credit": "wallet:{side_2}", "amount": "gross"}

        assert codes({"name": "r", "match": {}, "transfers": [line]}, spec=spec) == []

    def test_a_type_without_a_rule_that_always_matches_is_uncovered(self) -> None:
        assert codes(SOUND | {"match": {"channel": "store"}}) == ["uncovered"]
        assert codes() == ["uncovered"]

    def test_rules_for_a_type_nobody_declared_are_dead(self) -> None:
        problems = check_document({"types": {"never.heard": [SOUND]}}, {})
        assert [problem.code for problem in problems] == ["dead"]

    def test_a_rule_of_the_same_match_as_another_is_never_chosen(self) -> None:
        at_store = SOUND | {"name": "a", "match": {"channel": "store"}}

        assert codes(SOUND, at_store, at_store | {"name": "b"}) == ["ambiguous", "dead"]

    def test_a_rule_is_dead_where_every_currency_has_one_of_its_own(self) -> None:
        at_store = SOUND | {"name": "a", "match": {"channel": "store"}}
        by_currency = [
            SOUND | {"name": code, "match": {"channel": "store", "currency": code}} for code in sorted(CURRENCY_DIGITS)
        ]

        assert codes(SOUND, at_store, *by_currency) == ["dead"]
        assert codes(SOUND, at_store, *by_currency[1:]) == []

    def test_corrections_have_no_rules(self) -> None:
        document = {"types": SHIPPED["types"] | {"journal.reversed": [SOUND]}}

        assert [problem.code for problem in check_document(document, BUILT_IN)] == ["dead"]

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


class TestWhereAProblemIs:
    """Each problem names the place in the document, and the line of it as the house writes it."""

    BROKEN = {
        "name": "broken",
        "types": {
            "sale.made": [
                SOUND,
                SOUND
                | {
                    "name": "second",
                    "match": {"colour": "red"},
                    "transfers": [
                        {"debit": "{till}", "credit": "wallet:{nobody}", "amount": {"rest_of": "gross"}},
                        {"debit": "cash:other", "credit": "platform:fees", "amount": "fee"},
                        {"debit": "wallet:{buyer}", "credit": "wallet:{shop}", "amount": "vat"},
                    ],
                },
            ],
            "never.heard": [],
        },
    }

    def test_it_is_path_and_line(self) -> None:
        problems = check_document(self.BROKEN, {"sale.made": SALE, "other.type": TypeSpec("other.type", (), ())})
        lines = write_document(self.BROKEN).text.splitlines()

        found = {problem.code: (problem.path, lines[problem.line - 1].strip()) for problem in problems}
        rule = "types.sale.made.1"
        assert found == {
            "uncovered": ("types", '"types": {'),
            "dead": ("types.never.heard", '"never.heard": [],'),
            "unknown_parameter": (f"{rule}.match.colour", '"match": {"colour": "red"},'),
            "unknown_party": (
                f"{rule}.transfers.0.credit",
                '{"debit": "{till}", "credit": "wallet:{nobody}", "amount": {"rest_of": "gross"}},',
            ),
            "over_allocated": (
                f"{rule}.transfers.1.amount",
                '{"debit": "cash:other", "credit": "platform:fees", "amount": "fee"},',
            ),
            "unknown_amount": (
                f"{rule}.transfers.2.amount",
                '{"debit": "wallet:{buyer}", "credit": "wallet:{shop}", "amount": "vat"}',
            ),
            "under_allocated": (f"{rule}.transfers", '"transfers": ['),
        }
        assert [problem.line for problem in problems] == sorted(problem.line for problem in problems)

    def test_there_are_never_more_than_anybody_reads(self) -> None:
        rules = [SOUND | {"name": str(n), "match": {"city": "Rome", "channel": "store"}} for n in range(200)]

        assert len(codes(*rules)) == PROBLEMS_MAX

    @given(
        document=st.recursive(
            st.one_of(st.text(max_size=30), st.integers()),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
        ).map(lambda inner: {"name": inner})
    )
    def test_the_text_says_what_the_document_says(self, document: dict[str, Any]) -> None:
        written = write_document(document)

        assert json.loads(written.text) == document
        assert set(written.line_by_path.values()) <= set(range(1, len(written.text.splitlines()) + 1))
        assert written.text.splitlines() == written.text.split("\n")[:-1]


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
