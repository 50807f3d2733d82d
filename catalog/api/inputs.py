"""Bodies and query parameters of the catalogue."""

from typing import Any

from rest_framework import serializers

from catalog.fees import CHANNELS
from catalog.models import DESCRIPTION_LENGTH_MAX, TITLE_LENGTH_MAX, Item
from core.api.fields import Input, MomentField, MoneyInput, NumberField, TextField, WholeNumberField
from core.ids import PUBLIC_ID_LENGTH_MAX
from core.money import AMOUNT_MINOR_MAX, BPS_WHOLE

PROVIDERS_MAX = 50
FEE_RULES_MAX = 2_000


class PublicId(TextField):
    """An id as it was handed out; what it names is looked up later."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=PUBLIC_ID_LENGTH_MAX, **options)


class StoreInput(Input):
    name = TextField(max_length=200)
    latitude = NumberField(min_value=-90, max_value=90, required=False, allow_null=True)
    longitude = NumberField(min_value=-180, max_value=180, required=False, allow_null=True)
    area_code = TextField(max_length=40, required=False, allow_blank=True)
    address = TextField(max_length=500, required=False, allow_blank=True)


class StoreChanges(StoreInput):
    name = TextField(max_length=200, required=False)


class TrustedProvidersInput(Input):
    providers = serializers.ListField(child=TextField(max_length=40), max_length=PROVIDERS_MAX)


class ItemInput(Input):
    title = TextField(max_length=TITLE_LENGTH_MAX)
    description = TextField(max_length=DESCRIPTION_LENGTH_MAX, required=False, allow_blank=True)
    price = MoneyInput()
    kind = serializers.ChoiceField(choices=Item.Kind.choices)
    category = TextField(max_length=80, required=False, allow_blank=True)
    store = PublicId(required=False, allow_null=True)
    stock = WholeNumberField(min_value=0, max_value=AMOUNT_MINOR_MAX, required=False, allow_null=True)
    status = serializers.ChoiceField(choices=Item.Status.choices, required=False)


class ItemChanges(ItemInput):
    title = TextField(max_length=TITLE_LENGTH_MAX, required=False)
    price = MoneyInput(required=False)
    kind = serializers.ChoiceField(choices=Item.Kind.choices, required=False)


class FeeMatchInput(Input):
    seller = PublicId(required=False)
    category = TextField(max_length=80, required=False)
    channel = serializers.ChoiceField(choices=CHANNELS, required=False)


class FeeRuleInput(Input):
    match = FeeMatchInput(required=False)
    rate_bps = WholeNumberField(min_value=0, max_value=BPS_WHOLE)
    fixed = MoneyInput(required=False, allow_null=True)


class FeeScheduleInput(Input):
    name = TextField(max_length=80)
    effective_from = MomentField(required=False, allow_null=True)
    rules = serializers.ListField(child=FeeRuleInput(), min_length=1, max_length=FEE_RULES_MAX)


class ActivationInput(Input):
    effective_from = MomentField(required=False, allow_null=True)
