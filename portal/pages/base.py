"""What every page for customers has in common: who looks at it, what browsers are told, how it says no."""

from typing import Any, ClassVar

from django.conf import settings
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.generic import FormView, TemplateView
from django.views.generic.base import ContextMixin, View

from accounts import browser
from accounts.actor import Actor
from core.errors import Refusal, TooManyAttempts
from portal.header import Header
from portal.wording import say

# Scripts come from our own files or not at all and ask nobody else; pictures drawn for one page (QR codes) are in it.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; media-src 'self' blob:; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


class Page(ContextMixin, View):
    """
    One page. `actor` is who is logged in in this browser, or None.

    A refusal of a service becomes a page that says what to do next, with the refusal's status.
    """

    # Nobody learns from a Referer where on this site a link was. Not `no-referrer`: with it browsers send
    # `Origin: null` along with forms, which is refused as a forgery.
    referrer_policy: ClassVar[str] = "strict-origin"

    actor: Actor | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.actor = browser.actor_of(request)
        try:
            answer = self.refuse_entry() or super().dispatch(request, *args, **kwargs)
            if isinstance(answer, TemplateResponse):
                answer = answer.render()
        except Refusal as refusal:
            answer = self.show_refusal(refusal)
        return _as_the_browser_needs_it(answer, self.referrer_policy)

    def refuse_entry(self) -> HttpResponseBase | None:
        """Say where to go instead, for somebody whom this page is not for."""
        return None

    def onward(self, path: str) -> str:
        """Return where to go on our own site, with what is taken along on the way."""
        return path

    def show_refusal(self, refusal: Refusal) -> HttpResponse:
        context = self.get_context_data(said=say(refusal), code=refusal.code)
        answer = TemplateResponse(self.request, "portal/refusal.html", context, status=refusal.status)
        return _with_retry_after(answer.render(), refusal)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        header = None if self.actor is None else Header(self.actor)
        common = {"actor": self.actor, "header": header, "site_name": settings.SITE_NAME, **self._ways_in()}
        return super().get_context_data(**{**common, **context})

    def way_back(self) -> str:
        """Return where somebody is to be after having logged in."""
        return self.request.path

    def _ways_in(self) -> dict[str, str]:
        """Return where to log in and to register, and come back from there with all that is taken along."""
        here = urlencode({"next": self.way_back()})
        pages = (("log_in", "portal:log-in"), ("register", "portal:register"))
        return {name: self.onward(f"{reverse(page)}?{here}") for name, page in pages}


class TextPage(Page, TemplateView):
    """A page that only says something."""


class FormPage(Page, FormView):
    """A page with one form: `act` does what it is for. What a service refuses is said beside the form."""

    refused_beside: ClassVar[dict[str, str]] = {}
    """Code of a refusal -> the field that it is said beside; others are said above the form."""

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            return self.act(form)
        except Refusal as refusal:
            form.add_error(self.refused_beside.get(refusal.code), say(refusal))
            return _with_retry_after(self.show_form(form, status=refusal.status), refusal)

    def form_invalid(self, form: Form) -> HttpResponse:
        return self.show_form(form, status=422)

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        answer = self.render_to_response(self.get_context_data(form=form))
        answer.status_code = status
        return answer

    def act(self, form: Any) -> HttpResponse:
        raise NotImplementedError


class CustomerPage(Page):
    """A page for buyers and sellers: others are asked to log in, and operators are sent to their own pages."""

    def refuse_entry(self) -> HttpResponseBase | None:
        if self.actor is None:
            # A fragment (an invitation's code) stays with the browser, which carries it over redirects.
            return redirect(self._ways_in()["log_in"])
        if self.actor.acting.is_staff:
            context = self.get_context_data()
            return TemplateResponse(self.request, "portal/for_customers.html", context, status=403).render()
        return None

    @property
    def customer(self) -> Actor:
        assert self.actor is not None
        return self.actor


class BuyerPage(CustomerPage):
    """A page for buyers: sellers are told that others buy."""

    def refuse_entry(self) -> HttpResponseBase | None:
        refused = super().refuse_entry()
        if refused is None and self.customer.acting.side != "buyer":
            return TemplateResponse(
                self.request, "portal/for_buyers.html", self.get_context_data(), status=403
            ).render()
        return refused


def _as_the_browser_needs_it(answer: HttpResponseBase, referrer_policy: str) -> HttpResponseBase:
    answer["Content-Security-Policy"] = CONTENT_POLICY
    answer["Referrer-Policy"] = referrer_policy
    answer["Cache-Control"] = "no-store"
    return answer


def _with_retry_after(answer: HttpResponse, refusal: Refusal) -> HttpResponse:
    if isinstance(refusal, TooManyAttempts):
        answer["Retry-After"] = str(refusal.retry_after_seconds)
    return answer
