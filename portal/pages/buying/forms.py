"""Forms of the buyers' pages, checked for their shape; what they mean is the services' business."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.api.idempotency import KEY_LENGTH_MAX
from core.ids import PUBLIC_ID_LENGTH_MAX
from core.languages import say_money
from core.money import AMOUNT_MINOR_MAX, CURRENCY_DIGITS, Money, format_minor, read_major
from orders.api.inputs import REASON_LENGTH_MAX
from orders.models import Order, OrderLine
from portal.forms import CURRENCIES, OrderPaymentForm, PlainForm, QuantityForm
from wallets.pay_codes.models import NAME_LENGTH_MAX as PHONE_NAME_LENGTH_MAX
from wallets.payout_targets.api import DESTINATION_LENGTH_MAX, DESTINATION_LENGTH_MIN
from wallets.payout_targets.api import NAME_LENGTH_MAX as TARGET_NAME_LENGTH_MAX

AMOUNT_LENGTH_MAX = 24
DIGEST_LENGTH = 64
ENTIRE = "entire"


class KeyedForm(PlainForm):
    """A press that has its effect once; `key` is one for each look at its page."""

    key = forms.CharField(max_length=KEY_LENGTH_MAX)


class AddForm(KeyedForm):
    """So many more of an item into the cart, or `now` straight to its order."""

    quantity = QuantityForm.base_fields["quantity"]
    now = forms.BooleanField(required=False)


class CheckoutForm(OrderPaymentForm):
    """What was seen of a cart, and how it is paid: `seen` is the digest of its lines as they were shown."""

    seen = forms.CharField(max_length=DIGEST_LENGTH)


class AmountForm(PlainForm):
    """A sum as people write it, in a currency; once it is right, `cleaned_data["money"]` is that sum."""

    amount = forms.CharField(
        label=_("Amount"),
        max_length=AMOUNT_LENGTH_MAX,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=CURRENCIES)

    def offer_currencies(self, known: Sequence[str]) -> None:
        """Have those come first that the wallet has."""
        rest = [choice for choice in CURRENCIES if choice[0] not in known]
        field = self.fields["currency"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [*((code, code) for code in known), *rest]

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        written, currency = cleaned.get("amount"), cleaned.get("currency")
        if written and currency:
            minor = read_major(written, currency)
            if minor:
                cleaned["money"] = Money(minor, currency)
            else:
                self.add_error("amount", _faulty_amount(currency))
        return cleaned


class MaximumForm(AmountForm):
    """The most that a code pays; left empty it pays whatever the till asks for."""

    amount = forms.CharField(
        label=_("At most"),
        help_text=_("Leave it empty for any amount."),
        required=False,
        max_length=AMOUNT_LENGTH_MAX,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )


class PhoneForm(MaximumForm, KeyedForm):
    """A phone that is to make codes by itself."""

    name = forms.CharField(
        label=_("Name of this phone"),
        help_text=_("So that you know it again in the list."),
        required=False,
        max_length=PHONE_NAME_LENGTH_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class SumForm(KeyedForm):
    """A sum that was shown and is agreed to."""

    amount = forms.IntegerField(min_value=1, max_value=AMOUNT_MINOR_MAX)
    currency = forms.ChoiceField(choices=CURRENCIES)

    sum_shown: Money | None = None
    """What was agreed to, once the form is checked; it stays when that is refused."""

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if "amount" in cleaned and "currency" in cleaned:
            self.sum_shown = Money(cleaned["amount"], cleaned["currency"])
        return cleaned

    @property
    def money(self) -> Money:
        assert self.sum_shown is not None
        return self.sum_shown


class WithdrawalForm(AmountForm):
    """How much is to leave the wallet, and where it goes."""

    target = forms.ChoiceField(label=_("Where it goes"), required=False)

    def offer_targets(self, targets: Sequence[tuple[str, str]], *, is_required: bool) -> None:
        """Say which places there are; where none has to be named, the cash desk is one of them."""
        field = self.fields["target"]
        assert isinstance(field, forms.ChoiceField)
        desk = [] if is_required else [("", _("The cash desk"))]
        field.choices = [*targets, *desk]
        field.required = is_required


class WithdrawalSumForm(SumForm):
    """The same as it was shown before it is agreed to."""

    target = forms.CharField(max_length=PUBLIC_ID_LENGTH_MAX, required=False)


class TargetForm(PlainForm):
    """A place where withdrawals may go."""

    destination = forms.CharField(
        label=_("Account number"),
        help_text=_("An IBAN, for example. Only its last four characters are shown again."),
        min_length=DESTINATION_LENGTH_MIN,
        max_length=DESTINATION_LENGTH_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}),
    )
    name = forms.CharField(
        label=_("What you call it"),
        required=False,
        max_length=TARGET_NAME_LENGTH_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class PeriodForm(PlainForm):
    """From which day to which, both included; days begin and end in UTC."""

    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("This is before the first day."))
        return cleaned

    def period(self) -> dict[str, datetime | None]:
        """Return the first moment and the first one after, as selectors want them."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        return {
            "since": datetime.combine(since, time(), UTC) if since else None,
            "until": datetime.combine(until, time(), UTC) + timedelta(days=1) if until else None,
        }


class RefundForm(KeyedForm):
    """
    What of an order is asked back: lines that are ticked, each with how much of it, and why.

    `offer_lines` makes two fields of each line that has something left.
    """

    reason = forms.CharField(
        label=_("What is wrong?"),
        help_text=_("The seller reads this, and answers it."),
        max_length=REASON_LENGTH_MAX,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def offer_lines(self, order: Order, lines: Sequence[OrderLine]) -> None:
        self.currency = order.currency
        self.offered = [line for line in lines if line.refundable_minor]
        for line in self.offered:
            left = format_minor(line.refundable_minor, order.currency)
            self.fields[_ticked(line)] = forms.BooleanField(required=False, label=line.title)
            self.fields[_asked(line)] = forms.CharField(
                label=_("How much of it"),
                required=False,
                initial=left,
                max_length=AMOUNT_LENGTH_MAX,
                widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
            )

    def rows(self) -> Iterator[tuple[OrderLine, Any, Any, Money]]:
        """Yield each line with its two fields and what is left of it."""
        for line in self.offered:
            yield line, self[_ticked(line)], self[_asked(line)], Money(line.refundable_minor, self.currency)

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        ticked = [line for line in self.offered if cleaned.get(_ticked(line))]
        if not ticked:
            self.add_error(None, _("Tick at least one thing that you want money back for."))
        cleaned["asked"] = {line.public_id: self._asked_minor(line) for line in ticked}
        return cleaned

    def _asked_minor(self, line: OrderLine) -> int:
        """Zero where what is written is faulty, which is said beside it."""
        minor = read_major(self.cleaned_data.get(_asked(line), ""), self.currency)
        if not minor:
            self.add_error(_asked(line), _faulty_amount(self.currency))
        elif minor > line.refundable_minor:
            left = Money(line.refundable_minor, self.currency)
            self.add_error(_asked(line), _("At most %(left)s are left of it.") % {"left": say_money(left)})
        return minor or 0


def _ticked(line: OrderLine) -> str:
    return f"want-{line.public_id}"


def _asked(line: OrderLine) -> str:
    return f"much-{line.public_id}"


def _faulty_amount(currency: str) -> str:
    example = format_minor(15 * 10 ** CURRENCY_DIGITS[currency], currency)
    return _("Write an amount above zero, such as %(example)s.") % {"example": example}
