"""Operators' log-in, log-out and password pages: the same rules and limits as over HTTP."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView, RedirectURLMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.views.generic import FormView

from accounts import browser, services
from accounts.forms import OperatorLoginForm, OwnPasswordForm, SecondFactorForm


class OperatorLogin(LoginView):
    """/admin/login/"""

    template_name = "admin/login.html"
    authentication_form = OperatorLoginForm

    def get_default_redirect_url(self) -> str:
        return reverse("admin:index")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method == "GET" and admin.site.has_permission(request):
            return redirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        page = {"title": "Log in", "app_path": self.request.get_full_path()}
        return super().get_context_data(**admin.site.each_context(self.request), **page, **context)

    def form_valid(self, form: Any) -> HttpResponse:
        account = form.get_user()
        if services.has_second_factor(account):
            wanted = urlencode({"next": self.get_success_url()})
            browser.await_second_factor(self.request, account)
            return HttpResponseRedirect(f"{reverse('second_factor')}?{wanted}")
        browser.log_in(self.request, account)
        return HttpResponseRedirect(self.get_success_url())


class OperatorSecondFactor(RedirectURLMixin, FormView):
    """/admin/second-factor/: for somebody whose password was right a moment ago in this browser."""

    template_name = "accounts/second_factor.html"
    form_class = SecondFactorForm
    next_page = "admin:index"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.account = browser.awaited(request)
        if self.account is None:
            return redirect(reverse("admin:login"))
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"account": self.account}

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        page = {"title": "Second factor", "login_url": reverse("admin:login")}
        return super().get_context_data(**admin.site.each_context(self.request), **page, **context)

    def form_valid(self, form: Any) -> HttpResponse:
        assert self.account is not None
        browser.log_in(self.request, self.account, second_factor_at=timezone.now())
        return HttpResponseRedirect(self.get_success_url())


class OperatorLogout(LogoutView):
    """/admin/logout/"""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        browser.log_out(request)
        return redirect(reverse("admin:login"))


class OperatorPassword(PasswordChangeView):
    """/admin/password_change/"""

    form_class = OwnPasswordForm
    success_url = reverse_lazy("admin:index")

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request}

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(**admin.site.each_context(self.request), **context)

    def form_valid(self, form: Any) -> HttpResponse:
        actor = browser.actor_of(self.request)
        assert actor is not None
        services.replace_password(new=form.cleaned_data["new_password1"], actor=actor)
        messages.success(self.request, "Your password is changed; your other sessions have ended.")
        return HttpResponseRedirect(self.get_success_url())
