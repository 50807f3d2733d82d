"""Sums and times as pages say them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.utils import translation

from core.languages import say_day, say_moment, say_money, say_month, say_number, say_rate
from core.money import Money

CHINA = timezone(timedelta(hours=8))


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


class TestSaying:
    """What a reader expects in each language."""

    @pytest.mark.parametrize(
        ("said", "english", "chinese"),
        [
            (lambda: say_money(Money(123_456, "GBP")), "£1,234.56", "£1,234.56"),
            (lambda: say_money(Money(-500, "JPY")), "-JP¥500", "-JP¥500"),
            (lambda: say_money(Money(9900, "CNY")), "CN¥99.00", "¥99.00"),
            (lambda: say_number(1_234_567), "1,234,567", "1,234,567"),
            (lambda: say_rate(250), "2.5%", "2.5%"),
            (lambda: say_day(datetime(2026, 11, 22, 1, tzinfo=CHINA)), "21 Nov 2026", "2026年11月21日"),
            (
                lambda: say_moment(datetime(2026, 11, 22, 13, 5, 59, tzinfo=UTC)),
                "22 Nov 2026, 13:05 UTC",
                "2026年11月22日 13:05 UTC",
            ),
        ],
    )  # fmt: skip
    def test_is_as_its_readers_write_it(self, said, english, chinese):
        assert said() == english
        with translation.override("zh-hans"):
            assert said() == chinese
