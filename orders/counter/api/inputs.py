"""Bodies and query parameters of tills and their trades."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.identity_proofs import EXTERNAL_ID_LENGTH_MAX
from catalog.models import TITLE_LENGTH_MAX
from core.api.fields import CurrencyField, Input, MinorUnitsField, TextField, WholeNumberField
from core.ids import PUBLIC_ID_LENGTH_MAX
from core.money import AMOUNT_MINOR_MAX
from orders.api.inputs import PROVIDER_LENGTH_MAX, REASON_LENGTH_MAX
from orders.counter.errors import ItemOrDescription, PayCodeOrIdentity, SequenceOrTradeNo
from orders.counter.models import INSTITUTION_LENGTH_MAX

PAY_CODE_LENGTH_MAX = 64  # Whatever a till reads off a screen is a code, if a wrong one.


class TerminalInput(Input):
    name = TextField(max_length=80)
    institution = TextField(
        max_length=INSTITUTION_LENGTH_MAX,
        required=False,
        allow_blank=True,
        help_text="Whose till it is, a bank's for example: a parameter of its trades' money, for the rules.",
    )


class SequenceField(WholeNumberField):
    """The till's own number of what it asks for."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=AMOUNT_MINOR_MAX, **options)


class TradeNoField(TextField):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=PUBLIC_ID_LENGTH_MAX, **options)


class SoldLineInput(Input):
    item = TextField(max_length=PUBLIC_ID_LENGTH_MAX, required=False)
    description = TextField(max_length=TITLE_LENGTH_MAX, required=False)
    quantity = WholeNumberField(min_value=1)
    unit_amount = MinorUnitsField(required=False)

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        is_free = "description" in fields and "unit_amount" in fields
        is_item = "item" in fields and not {"description", "unit_amount"} & fields.keys()
        if is_free == is_item or (is_free and "item" in fields):
            raise serializers.ValidationError({"item": ItemOrDescription.message}, code=ItemOrDescription.code)
        return fields


class IdentityInput(Input):
    provider = TextField(max_length=40)
    external_id = TextField(max_length=EXTERNAL_ID_LENGTH_MAX)


class NamedScan(Input):
    """What is named is of whatever length and use: what cannot be used never refuses a trade."""

    scan = TextField(
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="Who brought the customer: the token of a scan, or a sharer's code.",
    )


class TradeInput(NamedScan):
    sequence = SequenceField()
    lines = serializers.ListField(child=SoldLineInput(), min_length=1, max_length=settings.ORDER_LINES_MAX)
    amount = MinorUnitsField()
    currency = CurrencyField()
    pay_code = TextField(max_length=PAY_CODE_LENGTH_MAX, required=False)
    identity = IdentityInput(required=False)

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        if "pay_code" in fields and "identity" in fields:
            raise serializers.ValidationError({"pay_code": PayCodeOrIdentity.message}, code=PayCodeOrIdentity.code)
        return fields


class TillPaymentInput(Input):
    pay_code = TextField(max_length=PAY_CODE_LENGTH_MAX, required=False)
    identity = IdentityInput(required=False)
    amount = MinorUnitsField()
    currency = CurrencyField()

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        if ("pay_code" in fields) == ("identity" in fields):
            raise serializers.ValidationError({"pay_code": PayCodeOrIdentity.message}, code=PayCodeOrIdentity.code)
        return fields


class CancelInput(Input):
    sequence = SequenceField(required=False)
    trade_no = TradeNoField(required=False)

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        if ("sequence" in fields) == ("trade_no" in fields):
            raise serializers.ValidationError({"sequence": SequenceOrTradeNo.message}, code=SequenceOrTradeNo.code)
        return fields


class TillRefundInput(Input):
    sequence = SequenceField()
    amount = MinorUnitsField()
    reason = TextField(max_length=REASON_LENGTH_MAX)


class PhonePaymentInput(NamedScan):
    amount = MinorUnitsField()
    currency = CurrencyField()
    wallet = TextField(max_length=PUBLIC_ID_LENGTH_MAX, required=False, allow_null=True)


class PhonePaymentByProviderInput(PhonePaymentInput):
    provider = TextField(
        max_length=PROVIDER_LENGTH_MAX,
        required=False,
        allow_null=True,
        help_text="Who charges what the wallet lacks.",
    )
