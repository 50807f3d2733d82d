"""Forms that check passwords as the API does: in equal time, and so often only."""

from typing import Any

from django import forms
from django.http import HttpRequest
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts import services
from accounts.errors import CredentialsInvalid, OtpInvalid
from accounts.models import Account
from core.addresses import client_address
from core.errors import TooManyAttempts


class OperatorLoginForm(AuthenticationForm):
    """Operators only; everybody else is told the same as for a wrong password."""

    def clean(self) -> dict[str, Any]:
        username, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if username and password:
            try:
                account = services.check_credentials(username, password, address=client_address(self.request))
            except CredentialsInvalid as refused:
                raise self.get_invalid_login_error() from refused
            except TooManyAttempts as refused:
                raise forms.ValidationError(refused.detail, code=refused.code) from refused
            self.confirm_login_allowed(account)
            self.user_cache = account
        return self.cleaned_data


class SecondFactorForm(forms.Form):
    """The code of somebody whose password was right."""

    otp = forms.CharField(
        label="Code of your authenticator, or a recovery code",
        max_length=20,
        widget=UnfoldAdminTextInputWidget(attrs={"autofocus": "", "autocomplete": "one-time-code"}),
    )

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        self.account = account
        super().__init__(*args, **kwargs)

    def clean_otp(self) -> str:
        otp = self.cleaned_data["otp"]
        try:
            services.check_otp(self.account, otp)
        except CredentialsInvalid as wrong:
            raise forms.ValidationError(OtpInvalid.message, code=OtpInvalid.code) from wrong
        except TooManyAttempts as refused:
            raise forms.ValidationError(refused.detail, code=refused.code) from refused
        return otp


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """The old password counts as a log-in."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        self.request = request
        super().__init__(*args, **kwargs)

    def clean_old_password(self) -> str:
        old = self.cleaned_data["old_password"]
        try:
            services.check_credentials(self.user.get_username(), old, address=client_address(self.request))
        except (CredentialsInvalid, TooManyAttempts) as refused:
            raise forms.ValidationError(refused.detail, code=refused.code) from refused
        return old
