"""What sellers type: checked for its shape; what it means is the services' business."""

import math
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from catalog.models import ALT_LENGTH_MAX, DESCRIPTION_LENGTH_MAX, TITLE_LENGTH_MAX, Item, Store
from catalog.search import SEARCH_LENGTH_MAX
from core.api.idempotency import KEY_LENGTH_MAX
from core.ids import PUBLIC_ID_LENGTH_MAX
from core.money import AMOUNT_MINOR_MAX, BPS_WHOLE, Money, format_minor, read_major
from distribution.areas.codes import PUBLIC_CODE_LENGTH_MAX
from orders.api.inputs import REASON_LENGTH_MAX
from orders.models import Order, OrderLine
from orders.services import WantedRefundLine
from portal.forms import CURRENCIES, PlainForm
from sharing.activity_urls import normalise_host
from sharing.models import ShareProgram
from sharing.program_terms import ProgramTerms, terms_of

AMOUNT_DIGITS_MAX = 20
_TYPED_NUMBER = {"inputmode": "decimal", "autocomplete": "off"}
_NOT_AN_AMOUNT = _("Write an amount above zero, such as 150 or 150.00.")


def amount_field(label: Any, *, required: bool = True, help_text: Any = "") -> forms.CharField:
    """An amount as people write it, in a currency that something else says."""
    widget = forms.TextInput(attrs=_TYPED_NUMBER)
    return forms.CharField(
        label=label, required=required, max_length=AMOUNT_DIGITS_MAX, widget=widget, help_text=help_text
    )


def read_amount(form: forms.Form, name: str, currency: str | None) -> Money | None:
    """Return the amount that a field says in a currency; what is none is said beside the field."""
    written = form.cleaned_data.get(name)
    if not written or not currency:
        return None
    minor = read_major(written, currency)
    if not minor:
        form.add_error(name, _NOT_AN_AMOUNT)
        return None
    return Money(minor, currency)


class OnceForm(PlainForm):
    """What is done once, however often its button is pressed: `key` is one for each look at the page."""

    key = forms.CharField(max_length=KEY_LENGTH_MAX, widget=forms.HiddenInput)


class ItemsForm(PlainForm):
    """Which of the own items."""

    search = forms.CharField(
        label=_("Search your items"),
        required=False,
        max_length=SEARCH_LENGTH_MAX,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off", "placeholder": _("Search your items")}),
    )
    state = forms.ChoiceField(
        required=False,
        choices=[("", ""), *((status, status) for status in Item.Status.values), ("sold_out", "sold_out")],
        widget=forms.HiddenInput,
    )


class ItemForm(PlainForm):
    """All that a seller says of an item but its pictures and whether it is on sale."""

    title = forms.CharField(
        label=_("Title"), max_length=TITLE_LENGTH_MAX, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    description = forms.CharField(
        label=_("Description"),
        required=False,
        max_length=DESCRIPTION_LENGTH_MAX,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    kind = forms.ChoiceField(
        label=_("Kind"), choices=[(Item.Kind.GOODS, _("Goods")), (Item.Kind.SERVICE, _("A service"))]
    )
    category = forms.CharField(
        label=_("Category"),
        required=False,
        max_length=80,
        help_text=_("One word or two; the platform's fee may depend on it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    price = amount_field(_("Price"))
    currency = forms.ChoiceField(label=_("Currency"), choices=CURRENCIES)
    stock = forms.IntegerField(
        label=_("In stock"),
        required=False,
        min_value=0,
        max_value=AMOUNT_MINOR_MAX,
        help_text=_("Leave it empty if there are always enough."),
        show_hidden_initial=True,  # So that who changes the title does not put back what was sold meanwhile.
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    store = forms.ChoiceField(label=_("Store"), required=False)

    def offer_stores(self, stores: list[tuple[str, str]]) -> None:
        """Say which of the seller's open stores there are to choose from."""
        field = self.fields["store"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("In no store: online only")), *stores]

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        cleaned["money"] = read_amount(self, "price", cleaned.get("currency"))
        return cleaned

    def said(self) -> dict[str, Any]:
        """Return what the checked form says, as the services take it."""
        cleaned = self.cleaned_data
        plain = {name: cleaned[name] for name in ("title", "description", "kind", "category", "stock")}
        return {**plain, "price": cleaned["money"], "store": cleaned["store"] or None}


class NewItemForm(ItemForm, OnceForm):
    """The same, and whether it is offered at once."""

    publish = forms.BooleanField(required=False)


def fields_of(item: Item) -> dict[str, Any]:
    """Return what a form about an item begins with."""
    return {
        "title": item.title,
        "description": item.description,
        "kind": item.kind,
        "category": item.category,
        "price": format_minor(item.price_minor, item.currency),
        "currency": item.currency,
        "stock": item.stock,
        "store": item.store.public_id if item.store else "",
    }


class StatusForm(PlainForm):
    """Whether an item is on sale."""

    status = forms.ChoiceField(choices=Item.Status.choices)


class PicturesInput(forms.ClearableFileInput):
    """Several files at once."""

    allow_multiple_selected = True


class PicturesField(forms.FileField):
    """One file or several, none of them empty."""

    widget = PicturesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = data if isinstance(data, (list, tuple)) else [data]
        return [super(PicturesField, self).clean(file, initial) for file in files or [None]]


class PicturesForm(PlainForm):
    """Pictures to be added."""

    pictures = PicturesField(
        label=_("Add pictures"),
        help_text=_("JPEG, PNG or WebP, at most %(megabytes)d MB each.")
        % {"megabytes": settings.ITEM_PICTURE_BYTES_MAX // 2**20},
        widget=PicturesInput(attrs={"accept": "image/jpeg,image/png,image/webp", "multiple": True}),
    )


class PictureForm(PlainForm):
    """What is to be seen on a picture."""

    alt = forms.CharField(
        label=_("What the picture shows"),
        required=False,
        max_length=ALT_LENGTH_MAX,
        help_text=_("Read aloud to people who cannot see it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class PlaceForm(PlainForm):
    """A place in an order, from 0."""

    place = forms.IntegerField(min_value=0, max_value=settings.ITEM_PICTURES_MAX)


class StoreForm(PlainForm):
    """Where a store is; `frame` is the part of the earth that its map shows."""

    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    address = forms.CharField(
        label=_("Address"),
        required=False,
        max_length=500,
        help_text=_("As customers read it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    latitude = forms.FloatField(
        label=_("Latitude"),
        required=False,
        min_value=-90,
        max_value=90,
        widget=forms.TextInput(attrs=_TYPED_NUMBER),
        help_text=_("In degrees, such as 22.5405."),
    )
    longitude = forms.FloatField(
        label=_("Longitude"),
        required=False,
        min_value=-180,
        max_value=180,
        widget=forms.TextInput(attrs=_TYPED_NUMBER),
        help_text=_("In degrees, such as 113.9345."),
    )
    area_code = forms.CharField(
        label=_("Code of the area"),
        required=False,
        max_length=PUBLIC_CODE_LENGTH_MAX,
        help_text=_("Only if you know it, such as CN:440305. The place on the map counts more."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )

    def clean_latitude(self) -> float | None:
        return _finite(self.cleaned_data["latitude"])

    def clean_longitude(self) -> float | None:
        return _finite(self.cleaned_data["longitude"])

    def said(self) -> dict[str, Any]:
        """Return what the checked form says, as the services take it."""
        return {name: self.cleaned_data[name] for name in ("name", "address", "latitude", "longitude", "area_code")}


class NewStoreForm(StoreForm, OnceForm):
    """The same for a store that is opened by it."""


def fields_of_store(store: Store) -> dict[str, Any]:
    """Return what a form about a store begins with."""
    return {name: getattr(store, name) for name in ("name", "address", "latitude", "longitude", "area_code")}


def _finite(degrees: float | None) -> float | None:
    if degrees is not None and not math.isfinite(degrees):
        raise forms.ValidationError(_("Write degrees as a number."))
    return degrees


class RefundForm(PlainForm):
    """
    What of an order is to be given back: all that is left, an amount, or an amount of each line.

    The fields of line N are `line_N` and `back_N` (whether its goods go back on the shelf).
    """

    WHOLE, AMOUNT, LINES = "whole", "amount", "lines"

    how = forms.ChoiceField(
        label=_("How much"),
        initial=WHOLE,
        choices=[(WHOLE, _("All that is left")), (AMOUNT, _("A part of it")), (LINES, _("By item"))],
        widget=forms.RadioSelect,
    )
    amount = amount_field(_("Amount"), required=False)
    reason = forms.CharField(
        label=_("Why"),
        max_length=REASON_LENGTH_MAX,
        help_text=_("The customer reads it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    sum = forms.IntegerField(required=False, min_value=0, max_value=AMOUNT_MINOR_MAX, widget=forms.HiddenInput)

    def __init__(self, *args: Any, order: Order, lines: list[OrderLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order, self.lines = order, lines
        for number, line in enumerate(lines):
            left = Money(line.refundable_minor, order.currency)
            label = _("%(title)s: of %(left)s") % {"title": line.title, "left": left}
            self.fields[f"line_{number}"] = amount_field(label, required=False)
            self.fields[f"back_{number}"] = forms.BooleanField(
                label=_("Back on the shelf"), required=False, disabled=line.item_id is None
            )

    def clean(self) -> dict[str, Any]:
        """What is not chosen is not looked at."""
        cleaned = self.cleaned_data
        how, currency = cleaned.get("how"), self.order.currency
        cleaned["amount_minor"], cleaned["wanted"] = None, []
        if how == self.WHOLE:
            cleaned["amount_minor"] = self.order.refundable_minor
        elif how == self.AMOUNT:
            money = read_amount(self, "amount", currency)
            if money is None and not self.has_error("amount"):
                self.add_error("amount", _NOT_AN_AMOUNT)
            cleaned["amount_minor"] = money.minor if money else None
        elif how == self.LINES:
            cleaned["wanted"] = [wanted for number in range(len(self.lines)) if (wanted := self._wanted(number))]
            if not cleaned["wanted"] and not self.errors:
                self.add_error("how", _("Write beside at least one item how much goes back."))
        return cleaned

    def _wanted(self, number: int) -> WantedRefundLine | None:
        money = read_amount(self, f"line_{number}", self.order.currency)
        if money is None:
            return None
        return WantedRefundLine(
            self.lines[number].public_id, money.minor, restock=bool(self.cleaned_data.get(f"back_{number}"))
        )

    @property
    def asked_minor(self) -> int:
        """What the checked form comes to."""
        amount_minor = self.cleaned_data["amount_minor"]
        return sum(line.amount_minor for line in self.cleaned_data["wanted"]) if amount_minor is None else amount_minor

    @property
    def by_line(self) -> list[tuple[Any, Any]]:
        """The two fields of each line of which something is left."""
        left = [number for number, line in enumerate(self.lines) if line.refundable_minor]
        return [(self[f"line_{number}"], self[f"back_{number}"]) for number in left]


class ConfirmedForm(OnceForm):
    """Yes to a sum that was named: another sum by now is asked for anew."""

    sum = forms.IntegerField(min_value=0, max_value=AMOUNT_MINOR_MAX, widget=forms.HiddenInput)


class AnswerForm(ConfirmedForm):
    """Yes or no to a refund request, with a word to the customer."""

    answer = forms.CharField(
        label=_("Your answer"),
        required=False,
        max_length=REASON_LENGTH_MAX,
        help_text=_("The customer reads it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    verdict = forms.ChoiceField(choices=[("accept", "accept"), ("refuse", "refuse")])


class ProgramForm(PlainForm):
    """What a seller gives to those who bring customers to an item."""

    gives = forms.ChoiceField(
        label=_("What you give"),
        initial="rate",
        choices=[("rate", _("A part of what is sold")), ("amount", _("A fixed amount for each one sold"))],
        widget=forms.RadioSelect,
    )
    percent = forms.DecimalField(
        label=_("Per cent"),
        required=False,
        min_value=0,
        max_value=100,
        decimal_places=2,
        widget=forms.TextInput(attrs=_TYPED_NUMBER),
    )
    amount = amount_field(_("Amount for each"), required=False)
    window_days = forms.IntegerField(
        label=_("Days from scan to order"),
        initial=30,
        min_value=1,
        max_value=settings.SHARE_WINDOW_DAYS_MAX,
        help_text=_("An order counts if the code was scanned at most so many days before."),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    model = forms.ChoiceField(
        label=_("If several people's codes were scanned"),
        choices=[
            (ShareProgram.Model.LAST_TOUCH, _("The last one counts")),
            (ShareProgram.Model.FIRST_TOUCH, _("The first one counts")),
        ],
    )
    lock_days = forms.IntegerField(
        label=_("Days that a customer stays theirs"),
        required=False,
        min_value=0,
        max_value=settings.SHARE_LOCK_DAYS_MAX,
        help_text=_("So long after an order the same customer's further orders count as well. Empty: not at all."),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    budget = amount_field(
        _("Budget"),
        required=False,
        help_text=_("What all shares of this item may cost in all, ever. Empty: without a limit."),
    )
    hosts = forms.CharField(
        label=_("Other sites that codes may lead to"),
        required=False,
        help_text=_("Host names such as blog.example, separated by spaces. Empty: only our page of the item."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        gives = cleaned.get("gives")
        cleaned["rate_bps"] = self._rate_bps() if gives == "rate" else None
        cleaned["each"] = read_amount(self, "amount", self.currency) if gives == "amount" else None
        if gives == "amount" and cleaned["each"] is None and not self.has_error("amount"):
            self.add_error("amount", _NOT_AN_AMOUNT)
        cleaned["limit"] = read_amount(self, "budget", self.currency)
        cleaned["names"] = self._hosts()
        return cleaned

    def _rate_bps(self) -> int | None:
        percent = self.cleaned_data.get("percent")
        rate_bps = int(percent * (BPS_WHOLE // 100)) if percent is not None else 0
        if not rate_bps and not self.has_error("percent"):
            self.add_error("percent", _("Write how many per cent you give, such as 5."))
        return rate_bps or None

    def _hosts(self) -> tuple[str, ...]:
        named = (self.cleaned_data.get("hosts") or "").replace(",", " ").split()
        found = {text: normalise_host(text) for text in named}
        wrong = [text for text, host in found.items() if host is None]
        if wrong:
            self.add_error("hosts", _("This is no public host name: %(name)s") % {"name": wrong[0]})
        if len(found) > settings.SHARE_HOSTS_MAX:
            self.add_error("hosts", _("At most %(most)d sites.") % {"most": settings.SHARE_HOSTS_MAX})
        return tuple(sorted({host for host in found.values() if host}))

    def terms(self) -> ProgramTerms:
        """Return the terms that the checked form says."""
        cleaned = self.cleaned_data
        return ProgramTerms(
            rate_bps=cleaned["rate_bps"],
            amount=cleaned["each"],
            window_days=cleaned["window_days"],
            model=cleaned["model"],
            lock_days=cleaned["lock_days"] or None,
            budget=cleaned["limit"],
            hosts=cleaned["names"],
        )


def fields_of_program(program: ShareProgram) -> dict[str, Any]:
    """Return what a form about a program begins with."""
    terms = terms_of(program)
    return {
        "gives": "rate" if terms.rate_bps is not None else "amount",
        "percent": f"{terms.rate_bps / 100:g}" if terms.rate_bps is not None else "",
        "amount": format_minor(terms.amount.minor, terms.amount.currency) if terms.amount else "",
        "window_days": terms.window_days,
        "model": terms.model,
        "lock_days": terms.lock_days,
        "budget": format_minor(terms.budget.minor, terms.budget.currency) if terms.budget else "",
        "hosts": " ".join(terms.hosts),
    }


class PeriodForm(PlainForm):
    """From one day until another, both included; days are UTC."""

    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}))


class SoldForm(PlainForm):
    """Which of the own sales."""

    state = forms.ChoiceField(required=False, choices=[("", ""), *Order.Status.choices], widget=forms.HiddenInput)


class SoldOrderForm(OnceForm):
    """Something done to an order without further words."""

    order = forms.CharField(required=False, max_length=PUBLIC_ID_LENGTH_MAX, widget=forms.HiddenInput)
