"""Sums and times as pages say them."""

from datetime import date

import pytest
from django.utils import translation

from core.languages import say_money, say_month
from core.money import Money


class TestSayingMoney:
    """Every currency has its own digits, whichever was written before."""

    @pytest.mark.parametrize("language", ["en", "zh-hans"])
    def test_currencies_do_not_share_their_digits(self, language: str) -> None:
        with translation.override(language):
            amounts = [Money(196, "GBP"), Money(300, "JPY"), Money(12_750, "KWD"), Money(196, "GBP")]
            said = [say_money(amount) for amount in amounts]
        assert ["1.96" in said[0], "300" in said[1], "12.750" in said[2]] == [True, True, True], said
        assert said[3] == said[0]

    def test_a_sign_of_letters_stands_apart(self) -> None:
        assert [say_money(Money(1250, code)) for code in ("KWD", "GBP")] == ["KWD\xa01.250", "£12.50"]

    def test_a_month_is_said_in_the_readers_language(self) -> None:
        assert say_month(date(2026, 11, 1)) == "Nov 2026"
        with translation.override("zh-hans"):
            assert say_month(date(2026, 11, 1)) == "2026年11月"
