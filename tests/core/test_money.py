"""Money is whole minor units, and cutting it loses and invents none."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import AMOUNT_MINOR_MAX, CURRENCY_DIGITS, Money, format_minor, share_of, split, split_cumulative

AMOUNTS = st.integers(0, AMOUNT_MINOR_MAX)
WEIGHTS = st.dictionaries(st.text(max_size=3), st.integers(0, AMOUNT_MINOR_MAX), min_size=1, max_size=6)
SMALL_WEIGHTS = st.dictionaries(st.integers(0, 9), st.integers(0, 40), min_size=1, max_size=6)


class TestMoney:
    """An amount and its currency."""

    def test_it_is_written_in_the_currencys_own_digits(self):
        assert [str(Money(m, c)) for m, c in [(1234, "GBP"), (5, "GBP"), (-5, "GBP"), (1234, "JPY"), (1, "KWD")]] == [
            "12.34 GBP",
            "0.05 GBP",
            "-0.05 GBP",
            "1234 JPY",
            "0.001 KWD",
        ]

    def test_currencies_do_not_mix(self):
        with pytest.raises(ValueError, match="GBP and EUR"):
            Money(1, "GBP") + Money(1, "EUR")

    @pytest.mark.parametrize("currency", ["gbp", "XXX", "XAU", "", "£"])
    def test_only_real_currencies_with_minor_units_count(self, currency):
        with pytest.raises(ValueError, match="not an ISO 4217 currency"):
            Money(1, currency)

    @given(st.integers(-AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX), st.sampled_from(sorted(CURRENCY_DIGITS)))
    def test_what_is_written_is_the_amount(self, minor, currency):
        assert int(format_minor(minor, currency).replace(".", "")) == minor

    @given(AMOUNTS, st.integers(0, 10_000))
    def test_a_share_never_exceeds_the_whole(self, amount, bps):
        assert 0 <= share_of(amount, bps) <= amount
        assert share_of(amount, bps) * 10_000 <= amount * bps


class TestSplit:
    """Cut once: the parts sum to the whole, and nobody is off by a whole unit."""

    def test_left_over_units_go_to_the_largest_remainders_and_ties_to_the_smaller_key(self):
        assert split(100, {"b": 1, "a": 1, "c": 1}) == {"a": 34, "b": 33, "c": 33}
        assert split(10, {"x": 5, "y": 3, "z": 1}) == {"x": 6, "y": 3, "z": 1}
        assert split(7, {10: 1, 9: 1}) == {9: 4, 10: 3}

    @given(AMOUNTS, WEIGHTS)
    def test_the_parts_sum_to_the_whole_and_are_fair(self, total, weights):
        whole = sum(weights.values())
        if not whole and total:
            with pytest.raises(ValueError, match="nobody"):
                split(total, weights)
            return
        parts = split(total, weights)

        assert sum(parts.values()) == total
        assert parts.keys() == weights.keys()
        for key, weight in weights.items():
            assert abs(parts[key] * whole - total * weight) < whole or not whole

    @given(AMOUNTS, WEIGHTS.filter(lambda weights: sum(weights.values()) > 0))
    def test_the_order_in_which_the_weights_come_does_not_matter(self, total, weights):
        assert split(total, weights) == split(total, dict(reversed(weights.items())))

    @pytest.mark.parametrize(("total", "weights"), [(-1, {"a": 1}), (1, {"a": -1, "b": 2}), (1, {})])
    def test_nonsense_is_refused(self, total, weights):
        with pytest.raises(ValueError):
            split(total, weights)


class TestSplitCumulative:
    """Cut again and again: no part ever falls, and the end is exact."""

    def test_one_unit_after_the_other(self):
        weights = {"fee": 3, "seller": 7}

        assert [split_cumulative(r, weights)["fee"] for r in range(11)] == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3]

    @given(SMALL_WEIGHTS)
    def test_every_step_of_every_party_is_zero_or_more_up_to_the_exact_end(self, weights):
        whole = sum(weights.values())
        steps = [split_cumulative(refunded, weights) for refunded in range(whole + 1)]

        assert all(sum(parts.values()) == refunded for refunded, parts in enumerate(steps))
        assert all(after[key] >= before[key] for before, after in pairwise(steps) for key in weights)
        assert steps[-1] == weights

    @given(WEIGHTS, st.data())
    def test_it_sums_never_falls_and_ends_exactly_at_any_size(self, weights, data):
        whole = sum(weights.values())
        less = data.draw(st.integers(0, whole))
        more = data.draw(st.integers(less, whole))
        before, after = split_cumulative(less, weights), split_cumulative(more, weights)

        assert (sum(before.values()), sum(after.values())) == (less, more)
        assert all(0 <= before[key] <= after[key] <= weights[key] for key in weights)
        assert split_cumulative(whole, weights) == weights

    @pytest.mark.parametrize(("amount", "weights"), [(-1, {"a": 1}), (2, {"a": 1}), (1, {"a": 0})])
    def test_more_than_the_whole_is_refused(self, amount, weights):
        with pytest.raises(ValueError):
            split_cumulative(amount, weights)
