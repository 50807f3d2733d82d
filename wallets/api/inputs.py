"""What request bodies of wallets look like."""

from core.api.fields import CurrencyField, Input, MinorUnitsField, TextField

PROVIDER_NAME_LENGTH_MAX = 40


class TopUpInput(Input):
    amount = MinorUnitsField()
    currency = CurrencyField()
    provider = TextField(required=False, max_length=PROVIDER_NAME_LENGTH_MAX, help_text="The demo has `local`.")


class MoneyOutInput(Input):
    amount = MinorUnitsField()
    currency = CurrencyField()
