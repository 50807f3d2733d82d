"""What request bodies of wallets look like."""

from core.api.fields import CurrencyField, Input, MinorUnitsField, TextField
from core.ids import PUBLIC_ID_LENGTH_MAX

PROVIDER_NAME_LENGTH_MAX = 40


class TopUpInput(Input):
    amount = MinorUnitsField()
    currency = CurrencyField()
    provider = TextField(required=False, max_length=PROVIDER_NAME_LENGTH_MAX, help_text="The demo has `local`.")


class MoneyOutInput(Input):
    amount = MinorUnitsField()
    currency = CurrencyField()


class WithdrawalInput(MoneyOutInput):
    payout_target = TextField(
        max_length=PUBLIC_ID_LENGTH_MAX,
        required=False,
        allow_null=True,
        help_text="Where it is to go: one of the own payout targets. The house may demand one; the demo does not.",
    )
