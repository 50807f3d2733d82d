"""Forms of the counter."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.identity_proofs import EXTERNAL_ID_LENGTH_MAX
from catalog.models import TITLE_LENGTH_MAX
from catalog.search import SEARCH_LENGTH_MAX
from core.api.idempotency import KEY_LENGTH_MAX
from core.ids import PUBLIC_ID_LENGTH_MAX
from core.money import AMOUNT_MINOR_MAX, Money, format_minor, read_major
from orders.api.inputs import REASON_LENGTH_MAX
from orders.counter.api.inputs import PAY_CODE_LENGTH_MAX
from orders.counter.models import INSTITUTION_LENGTH_MAX
from portal.forms import CURRENCIES, PlainForm

WRITTEN_AMOUNT_LENGTH_MAX = 20
AS_DIGITS = {"inputmode": "decimal", "autocomplete": "off"}


class TillForm(PlainForm):
    """A new till."""

    name = forms.CharField(
        label=_("Name"),
        help_text=_("As your staff and your receipts call it: “Counter”, “Till 2”."),
        max_length=80,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    institution = forms.CharField(
        label=_("Institution"),
        help_text=_("Only where a bank's till stands in your store: the bank's name, for the booking rules."),
        max_length=INSTITUTION_LENGTH_MAX,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class SequenceForm(PlainForm):
    """Which sale, or which refund, of a till something is about."""

    sequence = forms.IntegerField(min_value=1, max_value=AMOUNT_MINOR_MAX)


class SaleForm(SequenceForm):
    """One change of a sale: one more of an item, what somebody typed, so many of a line, or nothing at all."""

    item = forms.CharField(required=False, max_length=PUBLIC_ID_LENGTH_MAX)
    find = forms.CharField(required=False, max_length=SEARCH_LENGTH_MAX)
    place = forms.IntegerField(required=False, min_value=0, max_value=settings.CART_LINES_MAX)
    quantity = forms.IntegerField(required=False, min_value=0, max_value=settings.CART_QUANTITY_MAX)
    empty = forms.BooleanField(required=False)


class FreeLineForm(SequenceForm):
    """Something that is not in the catalogue."""

    description = forms.CharField(
        label=_("What"), max_length=TITLE_LENGTH_MAX, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    price = forms.CharField(
        label=_("Price"), max_length=WRITTEN_AMOUNT_LENGTH_MAX, widget=forms.TextInput(attrs=AS_DIGITS)
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=CURRENCIES)

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if "price" in cleaned and "currency" in cleaned:
            cleaned["unit"] = _read_amount(self, "price", cleaned["currency"])
        return cleaned


class RingUpForm(SequenceForm):
    """What the cashier saw and asks the customer for."""

    amount = forms.IntegerField(min_value=1, max_value=AMOUNT_MINOR_MAX)
    currency = forms.ChoiceField(choices=CURRENCIES)


class TakePaymentForm(PlainForm):
    """How the customer pays: a code, or an identity that the store is trusted for."""

    amount = forms.IntegerField(min_value=1, max_value=AMOUNT_MINOR_MAX)
    currency = forms.ChoiceField(choices=CURRENCIES)
    pay_code = forms.CharField(required=False, max_length=PAY_CODE_LENGTH_MAX)
    provider = forms.CharField(required=False, max_length=40)
    external_id = forms.CharField(required=False, max_length=EXTERNAL_ID_LENGTH_MAX)

    def clean_pay_code(self) -> str:
        """Phones show the digits in groups."""
        return "".join(self.cleaned_data["pay_code"].split())

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if not cleaned.get("pay_code") and not (cleaned.get("provider") and cleaned.get("external_id")):
            field = "external_id" if cleaned.get("provider") else "pay_code"
            self.add_error(field, _("Scan or type what the customer shows."))
        return cleaned


class RefundForm(PlainForm):
    """How much to give back, and why."""

    amount = forms.CharField(
        label=_("How much"), max_length=WRITTEN_AMOUNT_LENGTH_MAX, widget=forms.TextInput(attrs=AS_DIGITS)
    )
    reason = forms.CharField(
        label=_("Why"), max_length=REASON_LENGTH_MAX, help_text=_("The customer and you can read it later.")
    )

    def __init__(self, *args: Any, left: Money, **kwargs: Any) -> None:
        whole = format_minor(left.minor, left.currency)
        super().__init__(*args, **{"initial": {"amount": whole}, **kwargs})
        self.left = left

    def clean_amount(self) -> Money:
        minor = read_major(self.cleaned_data["amount"], self.left.currency)
        if not minor:
            raise forms.ValidationError(_("Write an amount above zero, such as 150 or 150.00."))
        if minor > self.left.minor:
            raise forms.ValidationError(_("That is more than is left of what was paid."))
        return Money(minor, self.left.currency)


class ConfirmedRefundForm(SequenceForm):
    """The same, looked over."""

    amount = forms.IntegerField(min_value=1, max_value=AMOUNT_MINOR_MAX)
    reason = forms.CharField(max_length=REASON_LENGTH_MAX)


class SureForm(PlainForm):
    """A step that cannot be taken back was looked over; `key` is one for each look."""

    key = forms.CharField(max_length=KEY_LENGTH_MAX)


def _read_amount(form: forms.Form, field: str, currency: str) -> Money | None:
    minor = read_major(form.cleaned_data[field], currency)
    if not minor:
        form.add_error(field, _("Write an amount above zero, such as 150 or 150.00."))
        return None
    return Money(minor, currency)
