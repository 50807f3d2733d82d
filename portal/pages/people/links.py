"""
Links with other accounts: with whom, under which terms, and what was spent through them.

Terms are changed by both sides, and either one ends the link.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import F
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts import services
from accounts.errors import NothingProposed, OwnProposal, TermsChanged
from accounts.models import Account, Link
from accounts.selectors import get_link, links_by_side, own_invitations, spent_through
from accounts.terms import Terms
from core import clock
from core.api.lists import after_cursor, merge_pages, write_cursor
from core.money import Money
from portal.forms import TermsForm
from portal.pages.base import CustomerPage, FormPage, PressPage, TextPage
from portal.pages.people.own import OwnPage
from portal.pages.scanning import with_query
from portal.wording import say, terms_in_words

_NEWEST_FIRST = ("-id",)


@dataclass(frozen=True, slots=True)
class Agreement:
    """One link as one of its sides sees it. `spent`: by the side from the other's wallet; `spent_by_other`: back."""

    link: Link
    other: Account
    terms: Sequence[tuple[str, str]]
    i_may_act: bool
    other_may_act: bool
    spent: Sequence[Money]
    spent_by_other: Sequence[Money]
    asks_me: bool
    asked_by_me: bool


def agreements(links: Sequence[Link], *, seen_by: Account) -> list[Agreement]:
    """Return links as an account sees them; one statement for what was spent through all of them."""
    spent = spent_through(links) if links else {}

    def agreement(link: Link) -> Agreement:
        other, terms, invited = link.other(seen_by), link.terms, link.inviter_id == seen_by.pk
        proposed = link.proposed_terms is not None
        return Agreement(
            link=link,
            other=other,
            terms=list(words_of(link, terms)),
            i_may_act=terms.lets_switch(as_inviter=invited),
            other_may_act=terms.lets_switch(as_inviter=not invited),
            spent=spent.get((link.pk, other.pk), ()),
            spent_by_other=spent.get((link.pk, seen_by.pk), ()),
            asks_me=proposed and link.proposed_by_id != seen_by.pk,
            asked_by_me=proposed and link.proposed_by_id == seen_by.pk,
        )

    return [agreement(link) for link in links]


def words_of(link: Link, terms: Terms) -> Sequence[tuple[str, str]]:
    return list(terms_in_words(terms, inviter=link.inviter.name, invitee=link.invitee.name))


class Links(CustomerPage, TextPage):
    """/links, with ?state=ended and, further down, ?cursor="""

    template_name = "portal/people/links.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        state = "ended" if request.GET.get("state") == "ended" else "living"
        page, following = self._page(state, request.GET.get("cursor"))
        is_own = self.customer.is_own_login
        context = {
            "agreements": agreements(page, seen_by=self.customer.acting),
            "state": state,
            "is_own": is_own,
            "invitations": self._open_invitations() if is_own and state == "living" else [],
            "more": with_query(request.path, {"state": state, "cursor": following}) if following else "",
        }
        return self.render_to_response(self.get_context_data(**context))

    def _page(self, state: str, cursor: str | None) -> tuple[list[Link], str]:
        sides = links_by_side(visible_to=self.customer.acting, state=state)
        size = settings.LINKS_PER_PAGE
        found = list(
            merge_pages([after_cursor(side, _NEWEST_FIRST, cursor) for side in sides], _NEWEST_FIRST, size + 1)
        )
        return found[:size], write_cursor(found[size - 1], _NEWEST_FIRST) if len(found) > size else ""

    def _open_invitations(self) -> list[Any]:
        """Codes that still admit somebody; they are gone within minutes, so that there are never many."""
        own: Any = own_invitations(visible_to=self.customer.login)
        open_ = own.filter(withdrawn_at=None, expires_at__gt=clock.now(), used__lt=F("count"))
        return list(open_.order_by("-id")[: settings.LINKS_PER_PAGE])


class PageOfLink(CustomerPage):
    """A page about one living link."""

    @cached_property
    def link(self) -> Link:
        """:raises NotFound: the acting account has none of this id."""
        return get_link(self.kwargs["link_id"], visible_to=self.customer.acting)

    def address(self) -> str:
        return reverse("portal:link", args=[self.kwargs["link_id"]])


class OneLink(PageOfLink, TextPage):
    """/links/<id>"""

    template_name = "portal/people/link.html"

    def get(self, request: HttpRequest, link_id: str) -> HttpResponse:
        link = self.link
        (agreement,) = agreements([link], seen_by=self.customer.acting)
        context: dict[str, Any] = {"one": agreement, "is_own": self.customer.is_own_login}
        if link.proposed_terms is not None:
            context["proposed"] = words_of(link, Terms.of_document(link.proposed_terms))
            context["seen"] = digest_of(link.proposed_terms)
        return self.render_to_response(self.get_context_data(**context))


def digest_of(proposed: Mapping[str, Any]) -> str:
    """Return by what a form says which proposal was on the page."""
    return salted_hmac("portal.proposed_terms", json.dumps(proposed, sort_keys=True), algorithm="sha256").hexdigest()


class ChangeTerms(OwnPage, PageOfLink, FormPage):
    """/links/<id>/change"""

    template_name = "portal/people/link_change.html"
    form_class = TermsForm

    def get_initial(self) -> dict[str, Any]:
        return TermsForm.initial_of(self.link.terms)

    def get_form(self, form_class: Any = None) -> TermsForm:
        form: TermsForm = super().get_form(form_class)
        if self.link.inviter_id != self.customer.acting.pk:
            form.speak_to_invitee()
        return form

    def about(self) -> dict[str, Any]:
        return {"other": self.link.other(self.customer.acting)}

    def act(self, form: Any) -> HttpResponse:
        link = services.propose_terms(link=self.kwargs["link_id"], changes=form.terms().document(), actor=self.customer)
        other = link.other(self.customer.acting).name
        messages.success(self.request, _("Proposed. It is in force once %(name)s agrees.") % {"name": other})
        return redirect(self.address())


class AcceptTerms(OwnPage, PageOfLink, PressPage):
    """POST /links/<id>/accept"""

    def page_of_button(self) -> str:
        return self.address()

    def post(self, request: HttpRequest, link_id: str) -> HttpResponse:
        proposed = self.link.proposed_terms
        try:
            if proposed is None:
                raise NothingProposed
            if digest_of(proposed) != request.POST.get("seen"):
                raise TermsChanged
            services.accept_terms(link=link_id, expected=proposed, actor=self.customer)
        except (NothingProposed, OwnProposal, TermsChanged) as refusal:
            messages.error(request, say(refusal))
        else:
            messages.success(request, _("Agreed. The new terms are in force."))
        return redirect(self.address())


class EndLink(PageOfLink, FormPage):
    """/links/<id>/end: what that means, and then the end"""

    template_name = "portal/people/link_end.html"
    form_class = Form

    def about(self) -> dict[str, Any]:
        (one,) = agreements([self.link], seen_by=self.customer.acting)
        return {"one": one}

    def act(self, form: Any) -> HttpResponse:
        other = self.link.other(self.customer.acting)
        ends_here = other.pk == self.customer.login.pk  # Who acts through this very link is logged out by it.
        services.end_link(link=self.kwargs["link_id"], actor=self.customer, now=clock.now())
        if ends_here:
            return redirect("portal:log-in")
        messages.success(self.request, _("The link with %(name)s has ended.") % {"name": other.name})
        return redirect("portal:links")


class WithdrawInvitation(OwnPage, PressPage):
    """POST /links/invitations/<id>/withdraw"""

    def page_of_button(self) -> str:
        return reverse("portal:links")

    def post(self, request: HttpRequest, invitation_id: str) -> HttpResponse:
        services.withdraw_invitation(invitation=invitation_id, actor=self.customer, now=clock.now())
        messages.success(request, _("The codes that were not used admit nobody any more."))
        return redirect(self.page_of_button())
