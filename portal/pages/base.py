"""What every page for customers has in common: who looks at it, what browsers are told, how it says no."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.http import urlencode
from django.views.generic import FormView, TemplateView
from django.views.generic.base import ContextMixin, View

from accounts import browser
from accounts.actor import Actor
from accounts.errors import OwnLoginRequired
from accounts.models import Account
from core.errors import Forbidden, NotFound, Refusal, TooManyAttempts
from portal.belonging import others_for
from portal.header import Header
from portal.pages.typed import forget_typed, keep_typed, tell_browser, typed_before
from portal.wording import say

# Scripts come from our own files or not at all and ask nobody else; pictures drawn for one page (QR codes) are in it.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; media-src 'self' blob:; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


class ForOthers(Forbidden):
    """The page is for buyers and the acting account sells, or the other way round."""

    code = "for_others"
    message = "This page is for other accounts."


class Page(ContextMixin, View):
    """
    One page. `actor` is who is logged in in this browser, or None.

    A refusal of a service becomes a page that says what to do next, with the refusal's status.
    """

    # Nobody learns from a Referer where on this site a link was. Not `no-referrer`: with it browsers send
    # `Origin: null` along with forms, which is refused as a forgery.
    referrer_policy: ClassVar[str] = "strict-origin"

    side: ClassVar[str] = ""
    """Buyer or seller, where a page is for one of them."""

    lets_in: ClassVar[bool] = False
    """Whether one comes in here, and has no business here afterwards."""

    form_class: Any = None

    actor: Actor | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.actor = browser.actor_of(request)
        try:
            answer = self.refuse_entry() or super().dispatch(request, *args, **kwargs)
            if isinstance(answer, TemplateResponse):
                answer = answer.render()
        except Refusal as refusal:
            answer = self.offer_switch(refusal) or self.show_refusal(refusal)
        if self.typed is not None and answer.status_code < 300:
            forget_typed(request)
        tell_browser(request, answer)
        return _as_the_browser_needs_it(answer, self.referrer_policy)

    @cached_property
    def typed(self) -> QueryDict | None:
        """What was typed here before the session had ended, or before a switch; it stands in the form again."""
        if self.actor is None or self.form_class is None or self.request.method != "GET":
            return None
        return typed_before(self.request, login=self.actor.login)

    def refuse_entry(self) -> HttpResponseBase | None:
        """Say where to go instead, for somebody whom this page is not for."""
        return None

    def offer_switch(self, refusal: Refusal) -> HttpResponse | None:
        """
        Say which of the person's other accounts this page belongs to, where one may see what the acting one may not.

        What was typed into a form is there after the switch. To everybody else a page that is not there for them
        looks as one that is nowhere.
        """
        others = self._others_who_may(refusal)
        if not others:
            return None
        assert self.actor is not None
        keeps = self.request.method == "POST" and keep_typed(self.request, self.form_class, login=self.actor.login)
        context = self.get_context_data(others=others, keeps=keeps, goes_on=self.way_on(), said=say(refusal))
        return TemplateResponse(self.request, "portal/people/elsewhere.html", context, status=refusal.status).render()

    def _others_who_may(self, refusal: Refusal) -> Sequence[Account]:
        if self.actor is None:
            return ()
        if isinstance(refusal, OwnLoginRequired):
            return [self.actor.login]
        is_not_there = type(refusal) is NotFound or isinstance(refusal, ForOthers)
        return others_for(self.actor, side=self.side, address=self.kwargs) if is_not_there else ()

    def way_on(self) -> str:
        """Return where somebody goes on who has switched."""
        return self.request.get_full_path()

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

    def get_form_kwargs(self) -> dict[str, Any]:
        kwargs = super().get_form_kwargs()
        return kwargs | {"data": self.typed} if self.typed is not None else kwargs

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            return self.act(form)
        except Refusal as refusal:
            offered = self.offer_switch(refusal)
            if offered is not None:
                return offered
            form.add_error(self.refused_beside.get(refusal.code), say(refusal))
            return _with_retry_after(self.show_form(form, status=refusal.status), refusal)

    def form_invalid(self, form: Form) -> HttpResponse:
        return self.show_form(form, status=422)

    def about(self) -> dict[str, Any]:
        """Return what the page says beside its form; a refusal of this becomes a page that says nothing of it."""
        return {}

    def render_to_response(self, context: dict[str, Any], **options: Any) -> Any:
        return super().render_to_response({**self.about(), **context}, **options)

    def show_form(self, form: Any, *, status: int) -> HttpResponse:
        answer = self.render_to_response(self.get_context_data(form=form))
        answer.status_code = status
        return answer

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(typed_before=self.typed is not None, **context)

    def act(self, form: Any) -> HttpResponse:
        raise NotImplementedError


class CustomerPage(Page):
    """A page for buyers and sellers: others are asked to log in, and operators are sent to their own pages."""

    template_for_others: ClassVar[str] = ""
    """What those see whom a page of one side is not for, and who have no other account that it is for."""

    def refuse_entry(self) -> HttpResponseBase | None:
        if self.actor is None:
            return self._ask_to_log_in()
        acting = self.actor.acting
        if acting.is_staff:
            return self._say_no("portal/for_customers.html")
        if self.side not in ("", acting.side):
            return self.offer_switch(ForOthers()) or self._say_no(self.template_for_others)
        return None

    def _ask_to_log_in(self) -> HttpResponseBase:
        if self.request.method == "POST":
            keep_typed(self.request, self.form_class, login=browser.last_login_of(self.request))
        # A fragment (an invitation's code) stays with the browser, which carries it over redirects.
        return redirect(self._ways_in()["log_in"])

    def _say_no(self, template: str) -> HttpResponseBase:
        return TemplateResponse(self.request, template, self.get_context_data(), status=403).render()

    @property
    def customer(self) -> Actor:
        assert self.actor is not None
        return self.actor


class BuyerPage(CustomerPage):
    """A page for buyers: sellers are told that others buy."""

    side = Account.Side.BUYER
    template_for_others = "portal/for_buyers.html"


class SellerPage(CustomerPage):
    """A page for sellers: buyers are told that others sell."""

    side = Account.Side.SELLER
    template_for_others = "portal/people/for_sellers.html"


class PressPage(CustomerPage):
    """What a button does, and nothing to look at: whoever comes here otherwise is sent to the page with the button."""

    http_method_names = ["get", "head", "post"]

    def page_of_button(self) -> str:
        raise NotImplementedError

    def way_back(self) -> str:
        return self.page_of_button()

    def way_on(self) -> str:
        return self.page_of_button()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect(self.page_of_button())


def _as_the_browser_needs_it(answer: HttpResponseBase, referrer_policy: str) -> HttpResponseBase:
    answer["Content-Security-Policy"] = CONTENT_POLICY
    answer["Referrer-Policy"] = referrer_policy
    answer["Cache-Control"] = "no-store"
    return answer


def _with_retry_after(answer: HttpResponse, refusal: Refusal) -> HttpResponse:
    if isinstance(refusal, TooManyAttempts):
        answer["Retry-After"] = str(refusal.retry_after_seconds)
    return answer
