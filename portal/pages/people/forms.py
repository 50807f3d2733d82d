"""Forms of the pages about oneself."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.terms import BEHAVIOUR_KINDS
from portal.forms import NAME_LENGTH_MAX, OTP_LENGTH_MAX, PASSWORD_LENGTH_MAX, NewPasswordForm, PlainForm
from portal.wording import KINDS


class ProfileForm(PlainForm):
    """How others see one, and where mails go."""

    name = forms.CharField(
        label=_("Name"),
        help_text=_("As others see it: yours, or your company's."),
        max_length=NAME_LENGTH_MAX,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label=_("E-mail address"),
        help_text=_("For a forgotten password, and when support looks at your account."),
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class PasswordForm(NewPasswordForm):
    """The password that is known, and the one that takes its place."""

    old = forms.CharField(
        label=_("Password you have now"),
        max_length=PASSWORD_LENGTH_MAX,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    field_order = ["old"]


class CodeForm(PlainForm):
    """A code of the second factor."""

    otp = forms.CharField(
        label=_("Code"),
        max_length=OTP_LENGTH_MAX,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "none", "inputmode": "numeric", "class": "code"}
        ),
    )


class CodeOrRecoveryForm(CodeForm):
    """The same, where a recovery code will do."""

    otp = forms.CharField(
        label=_("Code"),
        help_text=_("The six digits that your authenticator app shows now, or one of your recovery codes."),
        max_length=OTP_LENGTH_MAX,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "characters", "class": "code"}
        ),
    )


class StepUpForm(PlainForm):
    """Whether those who act as this account have to show a second factor."""

    step_up = forms.BooleanField(required=False)


class ClosingForm(PlainForm):
    """The last word on an account."""

    password = forms.CharField(
        label=_("Your password"),
        max_length=PASSWORD_LENGTH_MAX,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    erase = forms.BooleanField(label=_("Also remove my name, user name, address and records"), required=False)
    sure = forms.BooleanField(label=_("I know that this cannot be taken back"))


class RecordsForm(PlainForm):
    """Which of the records are shown."""

    kind = forms.ChoiceField(
        label=_("What"),
        required=False,
        choices=[("", _("Everything")), *((kind, KINDS[kind]) for kind in BEHAVIOUR_KINDS)],
    )
    origin = forms.ChoiceField(
        label=_("Whose"),
        required=False,
        choices=[("", _("Everybody's")), ("own", _("This account's")), ("linked", _("Linked accounts'"))],
    )
