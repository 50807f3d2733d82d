"""What an account says of itself: its name, its address, its password and second factor."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import services
from accounts.errors import SecondFactorMissing
from accounts.selectors import bound_identities
from core.addresses import client_address
from core.errors import Refusal
from core.qr import qr_svg
from portal.pages.base import FormPage, PressPage, TextPage
from portal.pages.people.forms import CodeForm, CodeOrRecoveryForm, PasswordForm, ProfileForm, StepUpForm
from portal.pages.people.own import OwnPage
from portal.wording import say


class Profile(OwnPage, FormPage):
    """/settings"""

    template_name = "portal/people/profile.html"
    form_class = ProfileForm

    def get_initial(self) -> dict[str, Any]:
        account = self.customer.login
        return {"name": account.name, "email": account.email}

    def about(self) -> dict[str, Any]:
        return {"identities": list(bound_identities(visible_to=self.customer.login))}

    def act(self, form: Any) -> HttpResponse:
        services.update_account(**form.cleaned_data, actor=self.customer)
        messages.success(self.request, _("Saved."))
        return redirect("portal:settings")


class VerifyEmail(OwnPage, PressPage):
    """POST /settings/email: a mail that proves the address"""

    def page_of_button(self) -> str:
        return reverse("portal:settings")

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            services.request_email_verification(actor=self.customer, address=client_address(request))
        except Refusal as refusal:
            messages.error(request, say(refusal))
        else:
            said = _("A mail is on its way to %(email)s. Open the link in it.")
            messages.success(request, said % {"email": self.customer.login.email})
        return redirect(self.page_of_button())


class Security(OwnPage, TextPage):
    """/settings/security"""

    template_name = "portal/people/security.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        has_factor = services.has_second_factor(self.customer.login)
        return self.render_to_response(self.get_context_data(has_factor=has_factor))


class ChangePassword(OwnPage, FormPage):
    """/settings/password"""

    template_name = "portal/people/password.html"
    form_class = PasswordForm
    refused_beside = {"credentials_invalid": "old", "password_too_weak": "new"}

    def act(self, form: Any) -> HttpResponse:
        said = form.cleaned_data
        services.change_password(
            old=said["old"], new=said["new"], address=client_address(self.request), actor=self.customer
        )
        messages.success(self.request, _("Your password is changed. Everywhere else you were logged out."))
        return redirect("portal:security")


@dataclass(frozen=True, slots=True)
class Drawn:
    """What an authenticator app needs, shown once: a code to scan, and the secret to type in fours."""

    qr: str
    secret: str

    @property
    def in_fours(self) -> list[str]:
        return [self.secret[place : place + 4] for place in range(0, len(self.secret), 4)]


class BeginFactor(OwnPage, PressPage):
    """POST /settings/second-factor/begin: the page with the code to scan, which no address leads back to"""

    def page_of_button(self) -> str:
        return reverse("portal:security")

    def post(self, request: HttpRequest) -> HttpResponse:
        enrolment = services.enrol(actor=self.customer)
        drawn = Drawn(qr_svg(enrolment.otpauth_url), enrolment.secret)
        context = self.get_context_data(drawn=drawn, form=CodeForm())
        return TemplateResponse(request, "portal/people/factor_confirm.html", context)


class ConfirmFactor(OwnPage, FormPage):
    """/settings/second-factor/confirm: a first code, and then the recovery codes, shown once"""

    template_name = "portal/people/factor_confirm.html"
    form_class = CodeForm
    refused_beside = {"otp_invalid": "otp"}

    def act(self, form: Any) -> HttpResponse:
        """No redirect: the recovery codes are nowhere to be read again."""
        try:
            codes = services.confirm_second_factor(otp=form.cleaned_data["otp"], actor=self.customer)
        except SecondFactorMissing:
            return redirect("portal:security")
        halves = [(code[: len(code) // 2], code[len(code) // 2 :]) for code in codes]
        context = self.get_context_data(form=form, codes=["-".join(half) for half in halves])
        return self.response_class(self.request, ["portal/people/factor_codes.html"], context)


class RemoveFactor(OwnPage, FormPage):
    """/settings/second-factor/remove"""

    template_name = "portal/people/factor_remove.html"
    form_class = CodeOrRecoveryForm
    refused_beside = {"otp_invalid": "otp"}

    def act(self, form: Any) -> HttpResponse:
        services.remove_second_factor(otp=form.cleaned_data["otp"], actor=self.customer)
        messages.success(self.request, _("The second factor is removed. The password alone lets you in."))
        return redirect("portal:security")


class DemandFactor(OwnPage, PressPage):
    """POST /settings/second-factor/demand: whether linked accounts need a fresh code to act as this one"""

    def page_of_button(self) -> str:
        return reverse("portal:security")

    def post(self, request: HttpRequest) -> HttpResponse:
        form = StepUpForm(request.POST)
        demanded = form.is_valid() and form.cleaned_data["step_up"]
        services.update_account(step_up=demanded, actor=self.customer)
        minutes = int(settings.STEP_UP_LIFETIME.total_seconds() // 60)
        if demanded:
            said = _("Whoever acts as you through a link now shows a second factor, of the last %(minutes)d minutes.")
        else:
            said = _("Linked accounts act as you without showing a second factor.")
        messages.success(request, said % {"minutes": minutes})
        return redirect(self.page_of_button())
