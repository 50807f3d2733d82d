"""
What mails lead to: a new password, and the proof of an address.

Looking at a page changes nothing, however often a mail program looks before its reader does; the form on it does.
"""

from typing import Any, ClassVar

from django.forms import Form
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from accounts import services
from accounts.errors import MailTokenInvalid
from accounts.models import Account
from core.addresses import client_address
from core.errors import Refusal
from portal.forms import ForgottenForm, NewPasswordForm
from portal.pages.base import FormPage, TextPage


class Forgotten(FormPage):
    """/password/forgotten"""

    template_name = "portal/password_forgotten.html"
    form_class = ForgottenForm

    def act(self, form: Any) -> HttpResponse:
        services.request_password_reset(**form.cleaned_data, address=client_address(self.request))
        return redirect("portal:password-asked")


class Asked(TextPage):
    """/password/asked: the same for names that somebody has and for names that nobody has"""

    template_name = "portal/password_asked.html"


class TokenPage(FormPage):
    """A page behind a mailed link, about the account that its token is for."""

    template_when_no_good: ClassVar[str]

    account: Account | None = None

    def find_account(self, token: str) -> Account:
        raise NotImplementedError

    def refuse_entry(self) -> HttpResponseBase | None:
        self.account = self.find_account(self.kwargs["token"])
        return None

    def show_refusal(self, refusal: Refusal) -> HttpResponse:
        """Wrong, too old and used tokens are told apart for nobody; what to do next is the same."""
        if not isinstance(refusal, MailTokenInvalid):
            return super().show_refusal(refusal)
        answer = TemplateResponse(self.request, self.template_when_no_good, self.get_context_data(form=None))
        answer.status_code = refusal.status
        return answer.render()

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(account=self.account, **context)


class NewPassword(TokenPage):
    """/password/new/<token>"""

    template_name = "portal/password_new.html"
    template_when_no_good = "portal/password_link_no_good.html"
    form_class = NewPasswordForm
    refused_beside = {"password_too_weak": "new"}

    def find_account(self, token: str) -> Account:
        return services.find_forgetful(token=token)

    def act(self, form: Any) -> HttpResponse:
        services.reset_password(token=self.kwargs["token"], new=form.cleaned_data["new"])
        return redirect("portal:password-changed")


class Changed(TextPage):
    """/password/changed"""

    template_name = "portal/password_changed.html"


class ConfirmEmail(TokenPage):
    """/email/confirm/<token>"""

    template_name = "portal/email_confirm.html"
    template_when_no_good = "portal/email_link_no_good.html"
    form_class = Form

    def find_account(self, token: str) -> Account:
        return services.find_verifying(token=token)

    def act(self, form: Any) -> HttpResponse:
        services.verify_email(token=self.kwargs["token"])
        return redirect("portal:email-confirmed")


class Confirmed(TextPage):
    """/email/confirmed"""

    template_name = "portal/email_confirmed.html"
