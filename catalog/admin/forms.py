"""The form of a fee schedule: a line for each rule, in percent and whole money as people write them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from billing.admin.forms import MomentInput
from catalog.fees import CHANNELS
from core.money import BPS_WHOLE, CURRENCY_DIGITS, format_minor, read_major

LINES_MAX = 200
EMPTY_LINES = 4
BPS_PER_PERCENT = BPS_WHOLE // 100


class FeeScheduleForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="What the version is known by, for example \u201cautumn\u201d.")
    effective_from = forms.DateTimeField(
        required=False,
        widget=MomentInput(),
        label="In force from",
        help_text="UTC. Empty: from the moment when another operator puts it in force.",
    )


class FeeLineForm(forms.Form):
    """One rule. What is left empty matches every sale; a line without a rate is left out."""

    seller = forms.CharField(max_length=32, required=False)
    category = forms.CharField(max_length=80, required=False)
    channel = forms.ChoiceField(required=False, choices=[("", "any"), *((name, name) for name in CHANNELS)])
    rate = forms.DecimalField(
        required=False, min_value=Decimal(0), max_value=Decimal(100), max_digits=5, decimal_places=2, label="rate, %"
    )
    fixed = forms.CharField(max_length=24, required=False, label="and per line")
    currency = forms.CharField(max_length=3, required=False)

    @classmethod
    def filled_from(cls, rule: Mapping[str, Any]) -> dict[str, Any]:
        """Return a rule as this form is filled with it."""
        fixed = rule.get("fixed")
        written = (
            {"fixed": format_minor(fixed["amount"], fixed["currency"]), "currency": fixed["currency"]} if fixed else {}
        )
        return {**rule["match"], "rate": Decimal(rule["rate_bps"]) / BPS_PER_PERCENT, **written}

    def clean_currency(self) -> str:
        return self.cleaned_data["currency"].upper()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        named = any(given.get(name) for name in ("seller", "category", "channel", "fixed", "currency"))
        if named and given.get("rate") is None and "rate" not in self.errors:
            self.add_error("rate", "A rule has a rate; 0 is one, too.")
        fixed, currency = given.get("fixed"), given.get("currency")
        if not fixed and not currency:
            return given
        if currency not in CURRENCY_DIGITS:
            self.add_error("currency", "A currency, by its three letters.")
        elif not read_major(fixed or "", currency):
            self.add_error("fixed", "This is no amount in this currency.")
        return given

    def document(self) -> dict[str, Any] | None:
        """Return the rule as the services take it; None for an empty line."""
        given = self.cleaned_data
        if given.get("rate") is None:
            return None
        match = {name: given[name].strip() for name in ("seller", "category", "channel") if given[name].strip()}
        rule: dict[str, Any] = {"match": match, "rate_bps": int(given["rate"] * BPS_PER_PERCENT)}
        minor = read_major(given["fixed"], given["currency"]) if given["fixed"] else None
        return rule | ({"fixed": {"amount": minor, "currency": given["currency"]}} if minor else {})


FeeLineFormSet = forms.formset_factory(FeeLineForm, extra=EMPTY_LINES, max_num=LINES_MAX, absolute_max=LINES_MAX)
