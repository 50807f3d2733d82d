"""Bodies and answers of what concerns share programs."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from catalog.api.outputs import MoneyDocument
from core.api.fields import Input, MoneyInput, TextField, WholeNumberField
from core.money import BPS_WHOLE, Money
from sharing.activity_urls import HOST_LENGTH_MAX, normalise_host
from sharing.errors import HostInvalid, RateOrAmount
from sharing.models import ShareBudget, ShareProgram
from sharing.program_terms import ProgramTerms
from sharing.shares import has_budget_left

PROGRAM = OpenApiExample(
    "A twentieth of each sale, for whoever came last",
    {
        "rate_bps": 500,
        "window_days": 30,
        "model": "last_touch",
        "lock_days": 90,
        "budget": {"amount": 100_000, "currency": "GBP"},
        "hosts": ["blog.example"],
    },
    request_only=True,
)


class ProgramInput(Input):
    rate_bps = WholeNumberField(
        required=False, allow_null=True, min_value=1, max_value=BPS_WHOLE, help_text="Of the line; or `amount`."
    )
    amount = MoneyInput(required=False, allow_null=True, help_text="For each unit sold; or `rate_bps`.")
    window_days = WholeNumberField(
        min_value=1, max_value=settings.SHARE_WINDOW_DAYS_MAX, help_text="An order finds scans that are so old at most."
    )
    model = serializers.ChoiceField(ShareProgram.Model.values, help_text="Which scan wins where there are several.")
    lock_days = WholeNumberField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=settings.SHARE_LOCK_DAYS_MAX,
        help_text="So long after an order its sharer has the buyer's further ones.",
    )
    budget = MoneyInput(required=False, allow_null=True, help_text="What the item's shares may cost in all.")
    hosts = serializers.ListField(
        child=TextField(max_length=HOST_LENGTH_MAX),
        required=False,
        max_length=settings.SHARE_HOSTS_MAX,
        help_text="Where activity pages may be, beside our own pages.",
    )


class PromisedTermsDocument(serializers.Serializer):
    version = serializers.IntegerField()
    rate_bps = serializers.IntegerField(allow_null=True, help_text="Of the line's amount; or `amount`.")
    amount = MoneyDocument(allow_null=True, help_text="For each unit sold; or `rate_bps`.")
    window_days = serializers.IntegerField()
    model = serializers.ChoiceField(ShareProgram.Model.values)
    lock_days = serializers.IntegerField(allow_null=True)
    budget = MoneyDocument(allow_null=True, help_text="The item's, whatever the version; null any sum.")
    budget_left = serializers.BooleanField(help_text="Whether shares of the item may still cost something.")


class ProgramDocument(PromisedTermsDocument):
    id = serializers.CharField()
    item = serializers.CharField()
    hosts = serializers.ListField(child=serializers.CharField(), help_text="Beside our own pages of items.")
    spent = MoneyDocument(allow_null=True, help_text="Of the budget; null to others than the seller and operators.")
    since = serializers.DateTimeField(help_text="When this version began.")


def wanted_terms(body: dict[str, Any]) -> ProgramTerms:
    """
    Return what a checked body asks for.

    :raises RateOrAmount: it says both or neither.
    :raises HostInvalid: a host is none, or our own.
    """
    rate_bps, amount = body.get("rate_bps"), body.get("amount")
    if (rate_bps is None) == (amount is None):
        raise RateOrAmount
    return ProgramTerms(
        rate_bps=rate_bps,
        amount=amount,
        window_days=body["window_days"],
        model=body["model"],
        lock_days=body.get("lock_days") or None,
        budget=body.get("budget"),
        hosts=tuple(sorted({_host(place, text) for place, text in enumerate(body.get("hosts", ()))})),
    )


def terms_document(program: ShareProgram, budget: ShareBudget | None) -> dict[str, Any]:
    """Return the terms of a version with what its item has of a budget now; whoever shares may see them."""
    limited = budget if budget is not None and budget.limit_minor is not None else None
    return {
        "version": program.version,
        "rate_bps": program.rate_bps,
        "amount": money_document(program.amount),
        "window_days": program.window_days,
        "model": program.model,
        "lock_days": program.lock_days,
        "budget": {"amount": limited.limit_minor, "currency": limited.currency} if limited else None,
        "budget_left": has_budget_left(budget),
    }


def program_document(program: ShareProgram, budget: ShareBudget | None, *, in_full: bool) -> dict[str, Any]:
    """Return the version in force; `in_full`: for the seller and operators, with what it has cost."""
    spent = {"amount": budget.spent_minor, "currency": budget.currency} if budget and in_full else None
    return {
        "id": program.public_id,
        "item": program.item.public_id,
        **terms_document(program, budget),
        "hosts": program.hosts,
        "spent": spent,
        "since": program.from_at,
    }


def money_document(money: Money | None) -> dict[str, Any] | None:
    return None if money is None else {"amount": money.minor, "currency": money.currency}


def _host(place: int, text: str) -> str:
    host = normalise_host(text)
    if host is None:
        raise HostInvalid.at(place)
    return host
