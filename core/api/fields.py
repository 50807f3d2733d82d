"""The fields of request bodies, strict: what has another JSON type is refused, never converted."""

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, NoReturn

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.errors import FieldError, InvalidInput
from core.money import AMOUNT_MINOR_MAX, CURRENCY_DIGITS, Money

INTEGER_MAX = 2**31 - 1
FLOAT_INTEGER_MAX = 2**53

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)


class Input(serializers.Serializer):
    """A request's body. Fields it does not declare are refused, also inside nested objects."""

    default_error_messages = {"unknown_field": "There is no field of this name."}

    def to_internal_value(self, data: Any) -> Any:
        unknown = [name for name in data if name not in self.fields] if isinstance(data, dict) else []
        if unknown:
            message = serializers.ErrorDetail("There is no field of this name.", code="unknown_field")
            raise serializers.ValidationError({_shown(name): [message] for name in unknown})
        return super().to_internal_value(data)

    @classmethod
    def check(cls, data: Any) -> dict[str, Any]:
        """
        Return the fields of a body.

        One instance checks for everybody: it keeps nothing of what it has checked, and to make another one copies
        every field, which takes longer than the check.

        :raises InvalidInput: with one error per faulty field.
        """
        try:
            return cls._checker().run_validation(data)
        except serializers.ValidationError as faults:
            raise InvalidInput(list(flatten_errors(faults.detail))) from None

    @classmethod
    def names(cls) -> Collection[str]:
        """Return which fields there are."""
        return cls._checker().fields.keys()

    @classmethod
    def _checker(cls) -> "Input":
        return _checkers.get(cls) or _checkers.setdefault(cls, cls())


_checkers: dict[type[Input], Input] = {}


class TextField(serializers.CharField):
    """Text of a bounded length; numbers and truth values are not turned into text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class WholeNumberField(serializers.IntegerField):
    """A JSON integer; neither "1" nor 1.0 nor true."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_value", INTEGER_MAX)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return data


class NumberField(serializers.FloatField):
    """A JSON number that is finite; for coordinates, never for money."""

    def to_internal_value(self, data: Any) -> float:
        if type(data) not in (int, float) or abs(data) > FLOAT_INTEGER_MAX:
            self.fail("invalid")
        return float(data)


class FlagField(serializers.BooleanField):
    """JSON's true or false; neither "yes" nor 1."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=str(data)[:20])
        return data


class MomentField(serializers.DateTimeField):
    """A time as RFC 3339 with its offset from UTC; one without is refused, because nobody knows when it is."""

    default_error_messages = {"time_invalid": "A time is RFC 3339 with an offset, such as 2026-07-01T09:30:00Z."}

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str) or not _RFC_3339.match(value):
            self.fail("time_invalid")
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("time_invalid")


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": AMOUNT_MINOR_MAX, "example": 1999})
class MinorUnitsField(serializers.IntegerField):
    """An amount in minor units: a JSON integer from 1 to 2^53-1."""

    default_error_messages = {"amount_invalid": "An amount is a whole number of minor units from 1 to 2^53-1."}

    def __init__(self, **options: Any) -> None:
        self.least = options.pop("least", 1)
        super().__init__(**options)

    def fail(self, key: str, **values: Any) -> NoReturn:
        """Null is no amount either."""
        super().fail("amount_invalid" if key == "null" else key, **values)

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int or not self.least <= data <= AMOUNT_MINOR_MAX:
            self.fail("amount_invalid")
        return data


@extend_schema_field({"type": "string", "pattern": "^[A-Z]{3}$", "example": "GBP"})
class CurrencyField(serializers.CharField):
    """An ISO 4217 code of a currency that has minor units."""

    default_error_messages = {"currency_invalid": "A currency is an upper-case ISO 4217 code such as GBP."}

    def fail(self, key: str, **values: Any) -> NoReturn:
        """Null is no currency either."""
        super().fail("currency_invalid" if key == "null" else key, **values)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in CURRENCY_DIGITS:
            self.fail("currency_invalid")
        return data


class MoneyInput(Input):
    """`{amount, currency}` as an object of its own; `check()` and parents see a `Money`."""

    amount = MinorUnitsField()
    currency = CurrencyField()

    def to_internal_value(self, data: Any) -> Any:
        fields = super().to_internal_value(data)
        return Money(fields["amount"], fields["currency"])


def flatten_errors(errors: Any, path: str = "") -> list[FieldError]:
    """Turn DRF's nested errors into one list with dotted paths."""
    if isinstance(errors, dict):
        pairs = [(_joined(path, str(name)), inner) for name, inner in errors.items()]
    elif isinstance(errors, list) and any(isinstance(inner, dict) for inner in errors):
        pairs = [(_joined(path, str(index)), inner) for index, inner in enumerate(errors)]
    else:
        return [FieldError(path, getattr(error, "code", "invalid"), str(error)) for error in errors]
    return [found for inner_path, inner in pairs for found in flatten_errors(inner, inner_path)]


def _joined(path: str, name: str) -> str:
    if name == "non_field_errors":
        return path
    return f"{path}.{name}" if path else name


def _shown(name: Any) -> str:
    """An unknown field's name comes from outside: show a bounded, printable part of it."""
    return "".join(character if character.isprintable() else "?" for character in str(name)[:80])
