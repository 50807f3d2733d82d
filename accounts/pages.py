"""Operators' log-in, log-out and password pages: the same rules and limits as over HTTP."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy

from accounts import browser, services
from accounts.forms import OperatorLoginForm, OwnPasswordForm


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
        browser.log_in(self.request, form.get_user())
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
