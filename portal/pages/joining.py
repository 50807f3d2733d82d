"""
Giving an invitation's code back: look at who invites and to what, then link.

The QR code leads to `/join#CODE`. What stands behind # is never sent: not to our logs, not to a proxy's, not as a
Referer. A script of ours moves it into the form; without scripts one types the ten characters beside the picture.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts import selectors, services
from accounts.models import Invitation
from core import clock
from core.addresses import client_address
from portal.forms import CodeForm
from portal.pages.base import CustomerPage, FormPage, TextPage
from portal.pages.people.own import OwnPage
from portal.wording import terms_in_words


class Join(OwnPage, FormPage):
    """/join: a code, and then what it invites to"""

    template_name = "portal/join.html"
    form_class = CodeForm
    refused_beside = {"invitation_invalid": "code"}

    def act(self, form: Any) -> HttpResponse:
        actor, code = self.customer, form.cleaned_data["code"]
        invitation = services.preview_invitation(
            code=code, actor=actor, address=client_address(self.request), now=clock.now()
        )
        context = self.get_context_data(form=form, invitation=invitation, terms=self._terms(invitation))
        return self.response_class(self.request, ["portal/join_preview.html"], context)

    def _terms(self, invitation: Invitation) -> list[tuple[str, str]]:
        invitee = self.customer.login.name
        return list(terms_in_words(invitation.terms, inviter=invitation.inviter.name, invitee=invitee))


class Confirm(OwnPage, FormPage):
    """/join/confirm: the code once more, now to link"""

    template_name = "portal/join.html"
    form_class = CodeForm
    refused_beside = {"invitation_invalid": "code"}

    def act(self, form: Any) -> HttpResponse:
        code = form.cleaned_data["code"]
        link = services.link_accounts(
            code=code, actor=self.customer, address=client_address(self.request), now=clock.now()
        )
        return redirect("portal:joined", link.public_id)


class Joined(CustomerPage, TextPage):
    """/join/<link>: what two accounts have agreed on"""

    template_name = "portal/joined.html"

    def get(self, request: HttpRequest, link_id: str) -> HttpResponse:
        acting = self.customer.acting
        link = selectors.get_link(link_id, visible_to=acting)
        terms = list(terms_in_words(link.terms, inviter=link.inviter.name, invitee=link.invitee.name))
        return self.render_to_response(self.get_context_data(other=link.other(acting), terms=terms))
