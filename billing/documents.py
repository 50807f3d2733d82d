"""The shape of a rule set document; what it means is checked in `billing.check`."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import Input, TextField, WholeNumberField
from core.money import BPS_WHOLE
from ledger.models import LEGS_MAX

NAME_LENGTH_MAX = 80
TEMPLATE_LENGTH_MAX = 80
RULES_MAX = 200  # per type
BATCH_MAX = 100_000


AMOUNT_SCHEMA = {
    "oneOf": [
        {"type": "string"},
        {
            "type": "object",
            "required": ["rest_of"],
            "properties": {"rest_of": {"type": "string"}},
            "additionalProperties": False,
        },
        {
            "type": "object",
            "required": ["of", "bps"],
            "properties": {
                "of": {"type": "string"},
                "bps": {"type": "integer", "minimum": 1, "maximum": BPS_WHOLE},
            },
            "additionalProperties": False,
        },
    ]
}


@extend_schema_field(AMOUNT_SCHEMA)
class AmountField(serializers.Field):
    """`"fee"`, `{"rest_of": "gross"}` or `{"of": "gross", "bps": 60}`."""

    default_error_messages = {"amount_form": "An amount is a name, the rest_of a name, or 1 to 10000 bps of a name."}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str) or self._is_rest(data) or self._is_share(data):
            return data
        return self.fail("amount_form")

    def to_representation(self, value: Any) -> Any:
        return value

    def _is_rest(self, data: Any) -> bool:
        return isinstance(data, dict) and set(data) == {"rest_of"} and isinstance(data["rest_of"], str)

    def _is_share(self, data: Any) -> bool:
        if not (isinstance(data, dict) and set(data) == {"of", "bps"} and isinstance(data["of"], str)):
            return False
        return type(data["bps"]) is int and 1 <= data["bps"] <= BPS_WHOLE


class TransferInput(Input):
    debit = TextField(max_length=TEMPLATE_LENGTH_MAX)
    credit = TextField(max_length=TEMPLATE_LENGTH_MAX)
    amount = AmountField()


class RuleInput(Input):
    name = TextField(max_length=NAME_LENGTH_MAX)
    match = serializers.DictField(child=TextField(max_length=120))
    transfers = serializers.ListField(child=TransferInput(), min_length=1, max_length=LEGS_MAX)


class BatchInput(Input):
    period_ms = WholeNumberField(required=False, min_value=1, max_value=3_600_000)
    max_accounts = WholeNumberField(required=False, min_value=1, max_value=BATCH_MAX)
    max_transfers = WholeNumberField(required=False, min_value=1, max_value=BATCH_MAX)


class RuleSetInput(Input):
    """`POST /billing/rule-sets`: the document itself."""

    name = TextField(max_length=NAME_LENGTH_MAX)
    batch = BatchInput(required=False)
    types = serializers.DictField(child=serializers.ListField(child=RuleInput(), max_length=RULES_MAX))
