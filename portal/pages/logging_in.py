"""Logging in and out in a browser, by the same rules and limits as everywhere."""

from typing import Any

from django.contrib.auth.views import RedirectURLMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts import browser, services
from accounts.models import Account
from core.addresses import client_address
from portal.forms import LogInForm, SecondFactorForm
from portal.pages.base import FormPage, Page


class LogIn(RedirectURLMixin, FormPage):
    """/log-in, and then where somebody wanted to go"""

    template_name = "portal/log_in.html"
    form_class = LogInForm
    next_page = "portal:join"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.actor is not None:
            return redirect(self.get_success_url())
        return super().get(request, *args, **kwargs)

    def act(self, form: Any) -> HttpResponse:
        said = form.cleaned_data
        account = services.check_credentials(said["username"], said["password"], address=client_address(self.request))
        if services.has_second_factor(account):
            browser.await_second_factor(self.request, account)
            wanted = urlencode({self.redirect_field_name: self.get_success_url()})
            return redirect(f"{reverse('portal:second-factor')}?{wanted}")
        browser.log_in(self.request, account)
        return HttpResponseRedirect(self.get_success_url())


class SecondFactor(RedirectURLMixin, FormPage):
    """/log-in/second-factor: for somebody whose password was right a moment ago in this browser"""

    template_name = "portal/second_factor.html"
    form_class = SecondFactorForm
    next_page = "portal:join"
    refused_beside = {"credentials_invalid": "otp"}

    account: Account | None = None

    def refuse_entry(self) -> HttpResponseBase | None:
        self.account = browser.awaited(self.request)
        return redirect("portal:log-in") if self.account is None else None

    def act(self, form: Any) -> HttpResponse:
        assert self.account is not None
        services.check_otp(self.account, form.cleaned_data["otp"])
        browser.log_in(self.request, self.account, second_factor_at=timezone.now())
        return HttpResponseRedirect(self.get_success_url())


class LogOut(Page):
    """POST /log-out"""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        browser.log_out(request)
        return redirect("portal:log-in")
