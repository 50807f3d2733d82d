"""How a page says sums, times and numbers in its reader's language. The API says none of them in words."""

from copy import copy
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import NumberPattern, format_decimal, format_percent, get_currency_symbol, parse_pattern
from django.utils import translation

from core.money import BPS_WHOLE, CURRENCY_DIGITS, Money

# English as it is written where days come before months; Babel's own "en" is American.
_LOCALES = {"en": "en_GB", "zh-hans": "zh_Hans_CN"}


def readers_locale() -> Locale:
    """Return the locale of the language that is active."""
    language = translation.get_language() or "en"
    return _locale(_LOCALES.get(language, language.replace("-", "_")))


def say_money(amount: Money) -> str:
    """
    Write an amount for people: 123456 GBP is "£1,234.56", 500 JPY in Chinese "JP¥500".

    The digits are those of ISO 4217, as everywhere in the house; Babel's differ for a few currencies.
    """
    locale, digits = readers_locale(), CURRENCY_DIGITS[amount.currency]
    value = Decimal(amount.minor).scaleb(-digits)
    pattern = _currency_pattern(str(locale), amount.currency, digits)
    return pattern.apply(value, locale, currency=amount.currency, currency_digits=False)


def say_moment(moment: datetime) -> str:
    """Write a time to the minute, in UTC: "22 Nov 2026, 13:40 UTC"."""
    return f"{format_datetime(moment.astimezone(UTC), _MOMENT[_is_chinese()], locale=readers_locale())} UTC"


def say_day(day: date) -> str:
    """Write a day: "22 Nov 2026"; of a time, its day in UTC."""
    if isinstance(day, datetime):
        day = day.astimezone(UTC).date()
    return format_date(day, "medium", locale=readers_locale())


def say_month(month: date) -> str:
    """Write a month: "Nov 2026"."""
    return format_skeleton("yMMM", month, locale=readers_locale())


def say_number(number: int | float | Decimal) -> str:
    return format_decimal(number, locale=readers_locale())


def say_rate(bps: int) -> str:
    """Write basis points as a percentage: 250 is "2.5%"."""
    return format_percent(Decimal(bps) / BPS_WHOLE, "#,##0.##%", locale=readers_locale())


_MOMENT = {False: "d MMM y, HH:mm", True: "y年M月d日 HH:mm"}


def _is_chinese() -> bool:
    return readers_locale().language == "zh"


@lru_cache
def _locale(name: str) -> Locale:
    return Locale.parse(name)


@lru_cache
def _currency_pattern(locale: str, currency: str, digits: int) -> NumberPattern:
    """A sign of letters stands apart from the number, by a space that does not break: "KWD 1.250" and "£1.25"."""
    written = Locale.parse(locale).currency_formats["standard"].pattern
    if get_currency_symbol(currency, locale)[-1].isalpha():
        written = written.replace("¤", "¤\N{NO-BREAK SPACE}")
    pattern = copy(parse_pattern(written))  # All currencies of a locale share Babel's own.
    pattern.frac_prec = (digits, digits)
    return pattern
