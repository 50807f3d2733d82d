"""Bodies and query parameters of orders and refunds."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import INTEGER_MAX, CurrencyField, Input, MinorUnitsField, TextField, WholeNumberField
from core.ids import PUBLIC_ID_LENGTH_MAX
from orders.errors import AmountOrLines, LineRepeated

REASON_LENGTH_MAX = 500
PROVIDER_LENGTH_MAX = 40


class PublicId(TextField):
    """An id as it was handed out; what it names is looked up later."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=PUBLIC_ID_LENGTH_MAX, **options)


class LineInput(Input):
    item = PublicId()
    quantity = WholeNumberField(min_value=1)


class ScansInput(Input):
    """Scan tokens are of whatever length and use: one that cannot be used never refuses an order."""

    @staticmethod
    def named_in(body: Mapping[str, Any]) -> list[str]:
        """Return the tokens of a checked body, in the order in which they stand there."""
        return [token for token in (body.get("scan"), *(body.get("scans") or ())) if token]

    scan = TextField(required=False, allow_null=True, allow_blank=True)
    scans = serializers.ListField(
        child=TextField(allow_null=True, allow_blank=True), required=False, allow_null=True, allow_empty=True
    )


class PlaceInput(ScansInput):
    lines = serializers.ListField(child=LineInput(), min_length=1, max_length=settings.ORDER_LINES_MAX)


class PayInput(Input):
    amount = MinorUnitsField()
    currency = CurrencyField()
    wallet = PublicId(required=False, allow_null=True)
    provider = TextField(max_length=PROVIDER_LENGTH_MAX, required=False, allow_null=True)


@extend_schema_field({"oneOf": [{"type": "boolean"}, {"type": "integer", "minimum": 0, "maximum": INTEGER_MAX}]})
class RestockField(serializers.Field):
    """How many units go back on the shelf, or true for those that the amount pays for."""

    default_error_messages = {"invalid": "Restock is true, false or a number of units."}

    def to_internal_value(self, data: Any) -> int | bool:
        if not isinstance(data, int) or not 0 <= data <= INTEGER_MAX:
            self.fail("invalid")
        return data

    def to_representation(self, value: int | bool) -> int | bool:
        return value


class RefundLineInput(Input):
    line = PublicId()
    amount = MinorUnitsField()
    restock = RestockField(required=False)


class LinesOnce(Input):
    """Whatever names lines of an order names each once."""

    def validate_lines(self, lines: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
        named = [line["line"] for line in lines or ()]
        if len(set(named)) < len(named):
            raise serializers.ValidationError(LineRepeated.message, code=LineRepeated.code)
        return lines


class RefundInput(LinesOnce):
    amount = MinorUnitsField(required=False)
    lines = serializers.ListField(
        child=RefundLineInput(), min_length=1, max_length=settings.ORDER_LINES_MAX, required=False
    )
    reason = TextField(max_length=REASON_LENGTH_MAX)

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        if ("amount" in fields) == ("lines" in fields):
            raise serializers.ValidationError({"amount": AmountOrLines.message}, code=AmountOrLines.code)
        return fields


class AskedLineInput(Input):
    line = PublicId()
    amount = MinorUnitsField()


class RefundRequestInput(LinesOnce):
    lines = serializers.ListField(
        child=AskedLineInput(),
        min_length=1,
        max_length=settings.ORDER_LINES_MAX,
        required=False,
        help_text="Without lines all that is left is asked for.",
    )
    reason = TextField(max_length=REASON_LENGTH_MAX)


class AnswerInput(Input):
    answer = TextField(max_length=REASON_LENGTH_MAX, required=False, allow_blank=True)
