"""Making an account in a browser, and going on where one was."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import services
from core import clock
from core.addresses import client_address
from portal.forms import RegisterForm
from portal.pages.logging_in import EntryPage


class Register(EntryPage):
    """/register, and then where somebody wanted to go"""

    template_name = "portal/register.html"
    form_class = RegisterForm
    refused_beside = {
        "password_too_weak": "new",
        "referral_code_unknown": "referral_code",
        "username_taken": "username",
    }

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.actor is not None:
            return redirect(self.get_success_url())
        return super().get(request, *args, **kwargs)

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "referral_code": self.referral_code}

    def act(self, form: Any) -> HttpResponse:
        said = dict(form.cleaned_data)
        password, _again = said.pop("new"), said.pop("again")
        account = services.register_account(
            **said, password=password, address=client_address(self.request), now=clock.now()
        )
        return self.let_in(account)
