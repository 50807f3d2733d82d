"""
Logging in and out in a browser, by the same rules and limits as everywhere.

What was typed into a form whose session had ended goes through it, and stands in the form again after it.
"""

from datetime import datetime
from typing import Any

from django.contrib.auth.views import RedirectURLMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts import browser, services
from accounts.actor import Actor
from accounts.models import Account
from core.addresses import client_address
from portal.forms import CODE_LENGTH_MAX, LogInForm, SecondFactorForm
from portal.pages.base import FormPage, Page
from portal.pages.scanning import ScanPage, with_query
from portal.pages.starting import start_of
from portal.pages.typed import carried_typed, put_typed_back


class EntryPage(RedirectURLMixin, ScanPage, FormPage):
    """A page that lets somebody in: where they wanted to go, and the scan they came with, go through it."""

    lets_in = True

    def get_default_redirect_url(self) -> str:
        """Return where whoever has wanted to go nowhere begins."""
        return reverse("portal:browse") if self.actor is None else start_of(self.actor.acting)

    @property
    def referral_code(self) -> str:
        """Who sent somebody here who has no account yet."""
        return self.request.GET.get("referral_code", "")[:CODE_LENGTH_MAX]

    def get_success_url(self) -> str:
        return self.onward(super().get_success_url())

    def let_in(self, account: Account, *, second_factor_at: datetime | None = None) -> HttpResponse:
        """Log somebody in whom the caller has checked, and go on: the first use of the scan."""
        typed = carried_typed(self.request)
        browser.log_in(self.request, account, second_factor_at=second_factor_at)
        put_typed_back(self.request, typed)
        self.actor = Actor.own(account)
        claim = self.claim_scan(self.actor)
        if claim is None or self.get_redirect_url():
            return HttpResponseRedirect(self.get_success_url())
        return HttpResponseRedirect(self.onward(reverse("portal:item", args=[claim.item.public_id])))

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        taken_along = {self.redirect_field_name: self.get_redirect_url(), "referral_code": self.referral_code}
        pages = {
            name: self.onward(with_query(reverse(f"portal:{page}"), taken_along))
            for name, page in (("log_in", "log-in"), ("register", "register"))
        }
        return super().get_context_data(**pages, **context)


class LogIn(EntryPage):
    """/log-in, and then where somebody wanted to go"""

    template_name = "portal/log_in.html"
    form_class = LogInForm

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.actor is not None:
            return redirect(self.get_success_url())
        return super().get(request, *args, **kwargs)

    def act(self, form: Any) -> HttpResponse:
        said = form.cleaned_data
        account = services.check_credentials(said["username"], said["password"], address=client_address(self.request))
        if services.has_second_factor(account):
            browser.await_second_factor(self.request, account)
            wanted = {self.redirect_field_name: self.get_redirect_url()}
            return redirect(self.onward(with_query(reverse("portal:second-factor"), wanted)))
        return self.let_in(account)


class SecondFactor(EntryPage):
    """/log-in/second-factor: for somebody whose password was right a moment ago in this browser"""

    template_name = "portal/second_factor.html"
    form_class = SecondFactorForm
    refused_beside = {"credentials_invalid": "otp"}

    account: Account | None = None

    def refuse_entry(self) -> HttpResponseBase | None:
        self.account = browser.awaited(self.request)
        return redirect(self.onward(reverse("portal:log-in"))) if self.account is None else None

    def act(self, form: Any) -> HttpResponse:
        assert self.account is not None
        services.check_otp(self.account, form.cleaned_data["otp"])
        return self.let_in(self.account, second_factor_at=timezone.now())


class LogOut(Page):
    """POST /log-out"""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        browser.log_out(request)
        return redirect("portal:log-in")
