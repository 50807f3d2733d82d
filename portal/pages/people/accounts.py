"""Who one is: all linked accounts with what waits for each, and acting as another one of them."""

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import browser, services
from accounts.actor import Actor
from accounts.api.linking import CART
from accounts.errors import AccountNotLinked, NotCarried, StepUpRequired, SwitchNotAllowed
from accounts.models import Account
from accounts.selectors import Identity, get_own_or_linked, identities_of
from accounts.services import is_stepped_up
from core import clock
from core.ids import PUBLIC_ID_LENGTH_MAX
from core.money import Money
from notifications.selectors import unread_in
from orders.waiting import Waiting, waiting_for
from portal.pages.base import CustomerPage, FormPage, PressPage, TextPage
from portal.pages.people.forms import CodeOrRecoveryForm
from portal.pages.people.landing import landing
from portal.pages.scanning import with_query
from portal.wording import say, waiting_in_words
from wallets.selectors import available_of


@dataclass(frozen=True, slots=True)
class Card:
    """
    One account that somebody may be.

    What waits for it is shown only to those who could switch to it this moment; `needs_code`: after a second factor.
    """

    account: Account
    link: str
    is_acting: bool
    is_own: bool
    is_open: bool
    needs_code: bool
    waiting: list[str] = field(default_factory=list)
    money: list[Money] = field(default_factory=list)
    unread: int = 0

    @property
    def is_shown(self) -> bool:
        return self.is_open and not self.needs_code


def cards_of(actor: Actor) -> list[Card]:
    """Return all that somebody may be, with what waits for each: four statements, however many they are."""
    identities = identities_of(actor.login)
    shown = [one.account for one in identities if one.is_open_to and is_stepped_up(one.account, actor=actor)]
    orders, money, unread = waiting_for(shown), available_of(shown), unread_in(shown)

    def card(identity: Identity) -> Card:
        key = identity.account.pk
        return Card(
            account=identity.account,
            link=identity.link.public_id if identity.link else "",
            is_acting=key == actor.acting.pk,
            is_own=identity.link is None,
            is_open=identity.is_open_to,
            needs_code=not is_stepped_up(identity.account, actor=actor),
            waiting=list(waiting_in_words(orders.get(key, Waiting()))),
            money=money.get(key, []),
            unread=unread.get(key, 0),
        )

    return [card(identity) for identity in identities]


class Accounts(CustomerPage, TextPage):
    """/accounts, with ?next= where one was"""

    template_name = "portal/people/accounts.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        goes_on = request.GET.get("next", "")
        return self.render_to_response(self.get_context_data(cards=cards_of(self.customer), goes_on=goes_on))


class AccountsWaiting(CustomerPage, TextPage):
    """/accounts/waiting: the same as a part of another page, for whoever opens the switcher there"""

    template_name = "portal/people/_switcher.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        if not request.headers.get("HX-Request"):
            return redirect("portal:accounts")
        goes_on = getattr(request, "htmx").current_url_abs_path or ""  # noqa: B009 - the middleware's, which types do not know
        return self.render_to_response(self.get_context_data(cards=cards_of(self.customer), goes_on=goes_on))


class SwitchPage(CustomerPage):
    """What switches: to whom, where one was, and whether the cart goes along."""

    @property
    def to(self) -> str:
        return self.request.POST.get("account", "")[:PUBLIC_ID_LENGTH_MAX]

    @property
    def goes_on(self) -> str:
        return self.request.POST.get("next", "")

    @property
    def carry(self) -> str | None:
        return CART if self.request.POST.get("cart") else None

    def switch(self) -> HttpResponse:
        """:raises Refusal: as `accounts.browser.switch`."""
        switched = browser.switch(self.request, self.customer, to=self.to, carry=self.carry, now=clock.now())
        account = switched.session.acting_account
        messages.success(self.request, _("You now act as %(name)s.") % {"name": account.name})
        return redirect(landing(self.goes_on, account, self.request))


class Switch(SwitchPage, PressPage):
    """POST /accounts/switch"""

    def page_of_button(self) -> str:
        return with_query(reverse("portal:accounts"), {"next": self.goes_on})

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.switch()
        except StepUpRequired:
            asked = {"account": self.to, "next": self.goes_on, "cart": request.POST.get("cart", "")}
            return redirect(with_query(reverse("portal:switch-code"), asked))
        except AccountNotLinked:
            messages.error(request, _("You are not linked with this account (any more)."))
        except (SwitchNotAllowed, NotCarried) as refusal:
            messages.error(request, say(refusal))
        return redirect(self.page_of_button())


class SwitchWithCode(SwitchPage, FormPage):
    """/accounts/second-factor?account=: for accounts that ask those who act as them for a fresh code"""

    template_name = "portal/people/switch_code.html"
    form_class = CodeOrRecoveryForm
    refused_beside = {"otp_invalid": "otp"}

    def about(self) -> dict[str, Any]:
        asked = self.request.POST if self.request.method == "POST" else self.request.GET
        named = asked.get("account", "")[:PUBLIC_ID_LENGTH_MAX]
        return {
            "target": get_own_or_linked(named, login=self.customer.login),
            "goes_on": asked.get("next", ""),
            "cart": asked.get("cart", ""),
            "has_factor": services.has_second_factor(self.customer.login),
            "minutes": int(settings.STEP_UP_LIFETIME.total_seconds() // 60),
        }

    def way_back(self) -> str:
        return reverse("portal:accounts")

    def act(self, form: Any) -> HttpResponse:
        services.step_up(otp=form.cleaned_data["otp"], actor=self.customer)
        self.actor = browser.actor_of(self.request)
        return self.switch()
