"""A cancellation takes back what was bought at the same price first, and of that the newest."""

from hypothesis import given
from hypothesis import strategies as st

from replay.matching import BoughtLine, by_order, match_line
from replay.reading import Line


def bought(order: str, *, quantity: int, unit: int, refunded: int = 0, returned: int = 0) -> BoughtLine:
    return BoughtLine(order, f"line of {order}", unit, quantity - returned, quantity * unit - refunded)


def given_back(quantity: int, unit: int) -> Line:
    return Line(1, "TEA", "Tea", quantity, unit)


def taken(line: Line, *earlier: BoughtLine) -> list[tuple[str, int, int]]:
    return [(back.bought.order, back.units, back.minor) for back in match_line(line, earlier)]


class TestMatchLine:
    """`earlier` is newest first."""

    def test_the_newest_purchase_comes_back_first(self) -> None:
        assert taken(given_back(5, 100), bought("new", quantity=3, unit=100), bought("old", quantity=9, unit=100)) == [
            ("new", 3, 300),
            ("old", 2, 200),
        ]

    def test_one_at_the_same_price_comes_before_a_newer_one(self) -> None:
        assert taken(given_back(2, 100), bought("new", quantity=5, unit=120), bought("old", quantity=5, unit=100)) == [
            ("old", 2, 200)
        ]

    def test_a_unit_is_worth_what_the_cancellation_says(self) -> None:
        assert taken(given_back(2, 90), bought("only", quantity=5, unit=100)) == [("only", 2, 180)]

    def test_but_no_more_than_is_left_of_the_line(self) -> None:
        assert taken(given_back(2, 150), bought("only", quantity=2, unit=100)) == [("only", 2, 200)]

    def test_what_came_back_before_is_not_there_any_more(self) -> None:
        assert taken(
            given_back(3, 100),
            bought("new", quantity=5, unit=100, returned=4, refunded=400),
            bought("old", quantity=5, unit=100),
        ) == [("new", 1, 100), ("old", 2, 200)]

    def test_nothing_bought_gives_nothing_back(self) -> None:
        assert taken(given_back(3, 100)) == []

    def test_two_lines_of_one_cancellation_share_what_is_there(self) -> None:
        earlier = [bought("only", quantity=5, unit=100)]

        backs = match_line(given_back(3, 100), earlier) + match_line(given_back(3, 100), earlier)

        ((together,),) = by_order(backs).values()
        assert (together.units, together.minor) == (5, 500)

    @given(
        quantity=st.integers(1, 50),
        unit=st.integers(1, 500),
        earlier=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 500), st.integers(0, 3)), max_size=6),
    )
    def test_it_never_takes_more_than_is_asked_for_or_is_there(
        self, quantity: int, unit: int, earlier: list[tuple[int, int, int]]
    ) -> None:
        lines = [
            BoughtLine(f"{n}", f"{n}", price, units, units * price // (1 + part))
            for n, (units, price, part) in enumerate(earlier)
        ]
        before = {line.line: (line.units_left, line.left_minor) for line in lines}

        backs = match_line(given_back(quantity, unit), lines)

        assert sum(back.units for back in backs) <= quantity
        assert sum(back.minor for back in backs) <= quantity * unit
        for back in backs:
            assert back.units > 0
            assert back.minor > 0
            assert (back.bought.units_left + back.units, back.bought.left_minor + back.minor) == before[
                back.bought.line
            ]
            assert back.bought.units_left >= 0
            assert back.bought.left_minor >= 0
