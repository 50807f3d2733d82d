import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.rule_numbers import NodeKind, RuleNumber, check_character, new_rule_number, parse_rule_number
from tests.docs.pages import DOCS, rows_after

CODES = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=9)
OF_AREAS = st.builds(
    RuleNumber,
    kind=st.sampled_from([NodeKind.AGENT, NodeKind.PLACEMENT]),
    scheme=CODES,
    code=CODES,
    level=st.integers(0, 9),
    serial=st.integers(1, 10**9 - 1),
    version=st.integers(1, 9_999),
)
OF_PEOPLE = st.builds(
    RuleNumber,
    kind=st.just(NodeKind.REFERRAL),
    serial=st.integers(1, 2**63 - 1),
    version=st.integers(1, 10**6),
)


class TestTheForm:
    """A number says what it names, and a mistyped one names nothing."""

    @given(OF_AREAS | OF_PEOPLE)
    def test_what_is_written_is_read_back(self, number: RuleNumber) -> None:
        assert parse_rule_number(str(number)) == number
        assert parse_rule_number(f" {str(number).lower()}\n") == number

    @given(OF_AREAS | OF_PEOPLE, st.data())
    def test_one_wrong_character_is_always_found(self, number: RuleNumber, data: st.DataObject) -> None:
        text = str(number)
        place = data.draw(st.sampled_from([p for p, character in enumerate(text) if character != "-"]))
        wrong = data.draw(st.sampled_from(sorted(set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") - {text[place]})))
        with pytest.raises(ValueError, match=r"rule number|check character"):
            parse_rule_number(text[:place] + wrong + text[place + 1 :])

    def test_the_check_character_is_that_of_the_standard(self) -> None:
        assert check_character("A1-2425G-ABC1234002") == "M"  # The example of the Global Release Identifier.

    @pytest.mark.parametrize("text", ["", "BR", "R-1", "BR-35-A1-000000012-0001", "BR-35-X1-000000012-0001-0"])
    def test_other_texts_are_no_numbers(self, text: str) -> None:
        with pytest.raises(ValueError, match="is no rule number"):
            parse_rule_number(text)

    def test_the_page_takes_a_true_number_apart(self) -> None:
        page = (DOCS / "rule_numbers.md").read_text()
        _header, *rows = rows_after(page, "BR-3550308-A2")
        *parts, check = [row[1].strip("`") for row in rows]
        assert str(parse_rule_number("-".join([*parts, check]))) in page


class TestVersions:
    """What replaces a row has the next version, and sorts behind it."""

    @given(OF_AREAS)
    def test_the_next_one_sorts_behind_the_one_before(self, number: RuleNumber) -> None:
        after = new_rule_number(
            number.kind,
            serial=number.serial,
            scheme=number.scheme,
            code=number.code,
            level=number.level,
            previous=str(number),
        )
        assert parse_rule_number(after).version == number.version + 1
        assert number.version == 9_999 or str(number) < after

    @given(OF_AREAS, OF_AREAS)
    def test_text_sorts_as_the_parts_do(self, one: RuleNumber, other: RuleNumber) -> None:
        def parts(number: RuleNumber) -> tuple[object, ...]:
            letter = str(number).split("-")[2]
            return number.scheme, number.code, letter, number.serial, number.version

        assert (str(one) < str(other)) == (parts(one) < parts(other))

    def test_an_area_without_letters_or_digits_has_none(self) -> None:
        with pytest.raises(ValueError, match="has no rule number"):
            new_rule_number(NodeKind.AGENT, serial=1, scheme="CN", code="中")
