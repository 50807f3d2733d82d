"""The forms of billing's pages; what they mean is decided by the services."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from billing.types import all_types
from core.money import CURRENCY_DIGITS, Money, read_major

REASON_LENGTH_MAX = 500
ROWS_OF_A_TYPE = 6
TEXT_LENGTH_MAX = 1_000_000


class MomentInput(forms.DateTimeInput):
    """The browser's own calendar; times are UTC, as everywhere on these pages."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M", attrs={"step": "60"})


class DocumentForm(forms.Form):
    """A document as text, or as a file that replaces the text."""

    text = forms.CharField(
        max_length=TEXT_LENGTH_MAX,
        required=False,
        strip=False,
        label="Rules",
        widget=forms.Textarea(attrs={"spellcheck": "false", "wrap": "off", "aria-label": "The document"}),
    )
    file = forms.FileField(
        required=False, label="Take it from a file", widget=forms.FileInput(attrs={"accept": ".json"})
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file and file.size > TEXT_LENGTH_MAX:
            raise forms.ValidationError("This file is too large.")
        return file

    def written(self) -> str:
        file = self.cleaned_data["file"]
        return file.read().decode(errors="replace") if file else self.cleaned_data["text"].replace("\r\n", "\n")


class ActivationForm(forms.Form):
    effective_from = forms.DateTimeField(
        required=False,
        widget=MomentInput(),
        label="In force from",
        help_text="UTC. Empty: from now on. The past stays as it was booked; repair corrects it.",
    )


class PeriodForm(forms.Form):
    since = forms.DateTimeField(widget=MomentInput(), label="From", help_text="UTC. What happened then or later.")
    until = forms.DateTimeField(widget=MomentInput(), label="Until", help_text="UTC. What happened before then.")


class RepairForm(PeriodForm):
    reason = forms.CharField(
        max_length=REASON_LENGTH_MAX,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept with every journal that is taken back.",
    )


class ReversalForm(forms.Form):
    journal = forms.CharField(max_length=32, help_text="Its id, jrn_…")
    reason = forms.CharField(max_length=REASON_LENGTH_MAX, widget=forms.Textarea(attrs={"rows": 3}))


class ServiceKeyForm(forms.Form):
    """For one payment server."""

    name = forms.CharField(max_length=120, help_text="Whose key it is, for example “city parking”.")
    types = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple, label="May send", help_text="Only external event types can be sent."
    )
    limit = forms.CharField(
        max_length=24, required=False, label="Daily limit", help_text="For example 250.00. Empty: no limit."
    )
    currency = forms.CharField(
        max_length=3, required=False, label="Currency of the limit", help_text="In others nothing may be sent then."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [spec.type for spec in all_types().values() if spec.external]
        self.fields["types"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        given["daily_limit"] = None
        limit, currency = given.get("limit"), (given.get("currency") or "").upper()
        if not limit and not currency:
            return given
        if currency not in CURRENCY_DIGITS:
            self.add_error("currency", "A limit has a currency, by its three letters.")
            return given
        minor = read_major(limit or "", currency)
        if not minor:
            self.add_error("limit", "This is no amount in this currency.")
            return given
        given["daily_limit"] = Money(minor, currency)
        return given


class EventTypeForm(forms.Form):
    type = forms.CharField(max_length=80, help_text="Lower-case words joined by dots, such as parking.paid.")
    parameters = forms.CharField(
        max_length=500,
        required=False,
        help_text="Names with commas between them. institution, channel and currency belong to every type.",
    )
    external = forms.BooleanField(
        required=False, initial=True, label="May be sent from outside", help_text="By payment servers with a key."
    )

    def clean_parameters(self) -> list[str]:
        return [name.strip() for name in self.cleaned_data["parameters"].split(",") if name.strip()]


class PartyForm(forms.Form):
    name = forms.CharField(max_length=40, required=False, label="Party")
    is_ = forms.ChoiceField(
        choices=[("account", "an account of somebody"), ("ledger", "a ledger account")], label="Is", required=False
    )

    def document(self) -> Mapping[str, Any]:
        return {"name": self.cleaned_data["name"].strip(), "is": self.cleaned_data["is_"] or "account"}


class AmountForm(forms.Form):
    name = forms.CharField(max_length=40, required=False, label="Amount")
    part_of = forms.CharField(max_length=40, required=False, label="Part of")

    def document(self) -> Mapping[str, Any]:
        whole = self.cleaned_data["part_of"].strip()
        return {"name": self.cleaned_data["name"].strip()} | ({"part_of": whole} if whole else {})


PartyFormSet = forms.formset_factory(PartyForm, extra=ROWS_OF_A_TYPE, max_num=20)
AmountFormSet = forms.formset_factory(AmountForm, extra=ROWS_OF_A_TYPE, max_num=20)


def sent(request: HttpRequest) -> QueryDict | None:
    """What was posted, an empty form too; None where somebody only looks."""
    return request.POST if request.method == "POST" else None


def filled(rows: Any) -> list[Mapping[str, Any]]:
    """The rows that name something."""
    return [row.document() for row in rows if row.cleaned_data.get("name", "").strip()]


def now_to_the_minute() -> Any:
    return timezone.now().replace(second=0, microsecond=0)
