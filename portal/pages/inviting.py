"""Inviting other accounts: codes as text and as QR, shown once."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts import services
from accounts.invitation_codes import card_of
from core import clock
from portal.forms import InvitationForm
from portal.pages.base import FormPage
from portal.pages.people.own import OwnPage
from portal.wording import terms_in_words

THEM = _("the other account")


class Invite(OwnPage, FormPage):
    """/invite"""

    template_name = "portal/invite.html"
    form_class = InvitationForm

    def act(self, form: Any) -> HttpResponse:
        """No redirect: the codes are nowhere to be read again."""
        actor, terms = self.customer, form.terms()
        invited = services.invite(count=form.cleaned_data["count"], terms=terms, actor=actor, now=clock.now())
        context = self.get_context_data(
            form=form,
            cards=[card_of(code) for code in invited.codes],
            minutes=settings.INVITATION_LIFETIME // timedelta(minutes=1),
            expires_at=invited.invitation.expires_at,
            terms=list(terms_in_words(terms, inviter=actor.login.name, invitee=str(THEM))),
        )
        return self.response_class(self.request, ["portal/invited.html"], context)
