"""The shape of a plan document; what it means is checked in `distribution.plan_check`."""

from typing import Any

from rest_framework import serializers

from core.api.fields import CurrencyField, FlagField, Input, MinorUnitsField, TextField, WholeNumberField
from core.money import BPS_WHOLE
from distribution.models.allocations import Allocation
from distribution.models.plans import PLAN_NAME_LENGTH_MAX
from distribution.plans import VACANCIES

HOLD_DAYS_MAX = 3650
LINES_MAX = 20
ENTRY_FEE = ("entry_fee", "entry_fees", "joining_fee", "membership_fee")
RECRUITMENT = ("recruitment", "recruitment_pay", "recruiting", "registration", "sign_up", "signup", "headcount")
FORBIDDEN_SOURCES = (*ENTRY_FEE, *RECRUITMENT)  # The shape lets them in, so that the check can say what is wrong.


class RateInput(Input):
    bps = WholeNumberField(min_value=0, max_value=BPS_WHOLE)


class PoolInput(RateInput):
    of = serializers.ChoiceField(["fee", *FORBIDDEN_SOURCES])


class TierInput(RateInput):
    level = WholeNumberField(min_value=0, max_value=99)


class CapInput(Input):
    role = serializers.ChoiceField(Allocation.Role.values)
    per = serializers.ChoiceField(["order"])
    amount = MinorUnitsField()
    currency = CurrencyField()


class PlanInput(Input):
    """`POST /distribution/plans`: the document itself."""

    name = TextField(max_length=PLAN_NAME_LENGTH_MAX)
    pool = PoolInput()
    agents = serializers.ListField(child=TierInput(), required=False, max_length=LINES_MAX)
    differential = FlagField(required=False)
    referrers = serializers.ListField(child=TierInput(), required=False, max_length=LINES_MAX)
    merchant_referrer = RateInput(required=False, allow_null=True)
    cashback = RateInput(required=False, allow_null=True)
    vacancy = serializers.ChoiceField(VACANCIES, required=False)
    hold_days = WholeNumberField(required=False, min_value=0, max_value=HOLD_DAYS_MAX)
    caps = serializers.ListField(child=CapInput(), required=False, max_length=LINES_MAX)

    def get_fields(self) -> dict[str, Any]:
        """What no plan may have is read all the same: `check` names it, and activation refuses it."""
        return super().get_fields() | {name: serializers.JSONField(required=False) for name in FORBIDDEN_SOURCES}
