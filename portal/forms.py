"""Forms of the pages: what a person types, checked for its shape; what it means is the services' business."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.api.views import USERNAME_PATTERN
from accounts.models import Account
from accounts.terms import BEHAVIOUR_KINDS, CapKind, Direction, SwitchRight, Terms
from catalog.search import SEARCH_LENGTH_MAX
from core.api.idempotency import KEY_LENGTH_MAX
from core.ids import PUBLIC_ID_LENGTH_MAX
from core.money import AMOUNT_MINOR_MAX, CURRENCY_DIGITS, Money, format_minor, read_major
from portal.wording import KINDS

PASSWORD_LENGTH_MAX = 1000
USERNAME_LENGTH_MAX = 1000
NAME_LENGTH_MAX = 200
CODE_LENGTH_MAX = 40
OTP_LENGTH_MAX = 20
CURRENCIES = [(code, code) for code in sorted(CURRENCY_DIGITS)]


class PlainForm(forms.Form):
    """Labels stand above their fields, and need no colon."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})


class CurrencyField(forms.ChoiceField):
    """A currency by its three letters, however they are typed: a list of all would weigh more than the page."""

    def __init__(self, **options: Any) -> None:
        attrs = {"maxlength": "3", "autocomplete": "off", "autocapitalize": "characters", "placeholder": "GBP"}
        super().__init__(choices=CURRENCIES, widget=forms.TextInput(attrs=attrs), **options)

    def to_python(self, value: Any) -> str:
        return super().to_python(value).strip().upper()


class BrowseForm(PlainForm):
    """What somebody looks for, and what comes first."""

    SORTS = (("newest", _("Newest")), ("price", _("Lowest price")), ("-price", _("Highest price")))

    search = forms.CharField(
        label=_("What are you looking for?"),
        required=False,
        max_length=SEARCH_LENGTH_MAX,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    sort = forms.ChoiceField(
        label=_("Order"),
        required=False,
        choices=SORTS,
    )


class LogInForm(PlainForm):
    """User name and password."""

    username = forms.CharField(
        label=_("User name"),
        max_length=USERNAME_LENGTH_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=PASSWORD_LENGTH_MAX,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class SecondFactorForm(PlainForm):
    """The code of somebody whose password was right."""

    otp = forms.CharField(
        label=_("Code"),
        help_text=_("The six digits that your authenticator app shows now, or one of your recovery codes."),
        max_length=OTP_LENGTH_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "autocapitalize": "none"}),
    )


class ForgottenForm(PlainForm):
    """Whose password is forgotten."""

    username = LogInForm.base_fields["username"]


def clean_twice(form: forms.Form) -> dict[str, Any]:
    """What is typed unseen is typed twice."""
    cleaned = form.cleaned_data
    if "new" in cleaned and "again" in cleaned and cleaned["new"] != cleaned["again"]:
        form.add_error("again", _("The two are not the same."))
    return cleaned


class NewPasswordForm(PlainForm):
    """A new password, twice: who cannot see what is typed finds the slip here and not at the next log-in."""

    new = forms.CharField(
        label=_("New password"),
        help_text=_("At least %(length)d characters, not only digits, and nothing that many people use.")
        % {"length": settings.PASSWORD_LENGTH_MIN},
        max_length=PASSWORD_LENGTH_MAX,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "minlength": settings.PASSWORD_LENGTH_MIN}),
    )
    again = forms.CharField(
        label=_("Once more"),
        max_length=PASSWORD_LENGTH_MAX,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    clean = clean_twice


class RegisterForm(PlainForm):
    """What an account needs; who else may ask for it decides (`accounts.services.register_account`)."""

    name = forms.CharField(
        label=_("Your name"),
        help_text=_("As others see it: yours, or your company's."),
        max_length=NAME_LENGTH_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    username = forms.RegexField(
        USERNAME_PATTERN,
        label=_("User name"),
        help_text=_("Letters, digits and @ . + - _ only. You log in with it."),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    email = forms.EmailField(
        label=_("E-mail address"),
        help_text=_("If you give one, we can help when you forget your password."),
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    new = NewPasswordForm.base_fields["new"]
    again = NewPasswordForm.base_fields["again"]
    side = forms.ChoiceField(
        label=_("What you are here for"),
        initial=Account.Side.BUYER,
        choices=[(Account.Side.BUYER, _("To buy")), (Account.Side.SELLER, _("To sell"))],
    )
    kind = forms.ChoiceField(
        label=_("Who you are"),
        initial=Account.Kind.PERSONAL,
        choices=[(Account.Kind.PERSONAL, _("A person")), (Account.Kind.ENTERPRISE, _("A company"))],
    )
    referral_code = forms.CharField(
        label=_("Referral code"),
        help_text=_("Only if somebody gave you one."),
        required=False,
        max_length=CODE_LENGTH_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )

    clean = clean_twice


class QuantityForm(PlainForm):
    """How many of an item."""

    quantity = forms.IntegerField(
        label=_("How many"),
        min_value=1,
        max_value=settings.CART_QUANTITY_MAX,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


class ShareForm(PlainForm):
    """Where a code will hang, for those who have stores."""

    store = forms.ChoiceField(
        label=_("Where it hangs"), help_text=_("Then you see what each store's poster brings."), required=False
    )

    def offer_stores(self, stores: list[tuple[str, str]]) -> None:
        """Say which stores there are to choose from; without any, nothing is asked."""
        field = self.fields["store"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("In no store")), *stores]
        if not stores:
            field.widget = field.hidden_widget()


class PaymentForm(PlainForm):
    """What somebody saw on a page that asks for money and says yes to; `key` is one for each look at it."""

    wallet = forms.CharField(max_length=PUBLIC_ID_LENGTH_MAX)
    amount = forms.IntegerField(min_value=1, max_value=AMOUNT_MINOR_MAX)
    currency = forms.ChoiceField(choices=CURRENCIES)
    key = forms.CharField(max_length=KEY_LENGTH_MAX)


class TradePaymentForm(PaymentForm):
    """
    At the counter: `confirms` says yes to what the till has asked for; `provider` has what the wallet lacks charged by
    PORTAL_PROVIDER.
    """

    confirms = forms.BooleanField(required=False)
    provider = forms.BooleanField(required=False)


class OrderPaymentForm(PaymentForm):
    """Online: `provider` has what the wallet lacks charged by PORTAL_PROVIDER."""

    provider = forms.BooleanField(required=False)


class OrderForm(OrderPaymentForm):
    """The same for what is only ordered by it; `later` leaves the payment for another moment."""

    quantity = QuantityForm.base_fields["quantity"]
    later = forms.BooleanField(required=False)


class CodeForm(PlainForm):
    """An invitation's code, however it is written."""

    code = forms.CharField(
        label=_("Invitation code"),
        help_text=_("Ten letters and digits. Capitals and dashes do not matter."),
        max_length=CODE_LENGTH_MAX,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "class": "code"}
        ),
    )


class TermsForm(PlainForm):
    """Under which terms two accounts are linked, in the words of the one that has invited; as it comes, the house's."""

    switch = forms.ChoiceField(
        label=_("Who may act as whom"),
        initial=SwitchRight.BOTH,
        choices=[
            (SwitchRight.BOTH, _("Each as the other")),
            (SwitchRight.INVITER_AS_INVITEE, _("You as them")),
            (SwitchRight.INVITEE_AS_INVITER, _("They as you")),
            (SwitchRight.NONE, _("Neither")),
        ],
    )
    direction = forms.ChoiceField(
        label=_("Who sees what the other does"),
        initial=Direction.BOTH,
        choices=[
            (Direction.BOTH, _("Each sees the other")),
            (Direction.TO_INVITER, _("You see them")),
            (Direction.TO_INVITEE, _("They see you")),
            (Direction.NONE, _("Neither")),
        ],
    )
    mirror = forms.MultipleChoiceField(
        label=_("What is seen"),
        required=False,
        initial=BEHAVIOUR_KINDS,
        choices=[(kind, KINDS[kind]) for kind in BEHAVIOUR_KINDS],
        widget=forms.CheckboxSelectMultiple,
    )
    cap = forms.ChoiceField(
        label=_("Paying from each other's wallet"),
        initial=CapKind.NONE,
        choices=[
            (CapKind.NONE, _("Not at all")),
            (CapKind.AMOUNT, _("Up to an amount, counted in all")),
            (CapKind.UNLIMITED, _("Without a limit")),
        ],
    )
    amount = forms.CharField(
        label=_("Amount"),
        required=False,
        max_length=20,
        help_text=_("For “up to an amount”, such as 150.00."),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    currency = CurrencyField(label=_("Currency"), required=False)

    def clean(self) -> dict[str, Any]:
        """What belongs to an amount is looked at only where there is one."""
        cleaned = self.cleaned_data
        if cleaned.get("cap") == CapKind.AMOUNT:
            currency = cleaned.get("currency")
            minor = read_major(cleaned.get("amount", ""), currency) if currency else None
            if not currency:
                self.add_error("currency", _("Choose the currency of the amount."))
            elif not minor:
                self.add_error("amount", _("Write an amount above zero, such as 150 or 150.00."))
            else:
                cleaned["money"] = Money(minor, currency)
        return cleaned

    def terms(self) -> Terms:
        """Return the terms that the checked form says."""
        said = self.cleaned_data
        return Terms(
            mirror=tuple(kind for kind in BEHAVIOUR_KINDS if kind in said["mirror"]),
            direction=said["direction"],
            switch=said["switch"],
            cap_kind=said["cap"],
            cap=said.get("money"),
        )

    def speak_to_invitee(self) -> None:
        """Say the same from the other side: "you" is who was invited."""
        self._say(
            "switch",
            {SwitchRight.INVITER_AS_INVITEE: _("They as you"), SwitchRight.INVITEE_AS_INVITER: _("You as them")},
        )
        self._say("direction", {Direction.TO_INVITER: _("They see you"), Direction.TO_INVITEE: _("You see them")})

    def _say(self, name: str, labels: Mapping[Any, Any]) -> None:
        field: Any = self.fields[name]
        field.choices = [(value, labels.get(value, label)) for value, label in field.choices]

    @staticmethod
    def initial_of(terms: Terms) -> dict[str, Any]:
        """Return what the form shows of terms that are in force."""
        cap = terms.cap
        return {
            "switch": terms.switch,
            "direction": terms.direction,
            "mirror": list(terms.mirror),
            "cap": terms.cap_kind,
            "amount": format_minor(cap.minor, cap.currency) if cap else "",
            "currency": cap.currency if cap else "",
        }


class InvitationForm(TermsForm):
    """How many codes, under which terms."""

    count = forms.IntegerField(
        label=_("How many codes"),
        help_text=_("One for each account that you invite."),
        min_value=1,
        max_value=settings.INVITATION_CODES_MAX,
        initial=1,
    )

    field_order = ["count"]
