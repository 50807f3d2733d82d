"""Invitations, links and switching over HTTP."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import browser, errors, selectors, services
from accounts.api import examples, outputs
from accounts.callers import actor_of
from accounts.invitation_codes import card_of
from accounts.models import Invitation, Link
from accounts.references import AccountRefDocument, account_ref
from accounts.terms import BEHAVIOUR_KINDS, Direction, SwitchRight, Terms
from core import clock
from core.addresses import client_address
from core.api import fields
from core.api.lists import ListView
from core.api.schema import refuses
from core.api.views import ApiView
from core.errors import TooManyAttempts

PARTIES = frozenset({"buyer", "seller"})
CODE_LENGTH_MAX = 40
CART = "cart"  # As the room that keeps carts has registered it with `accounts.lifecycle`.

SPENDING_CAP = {
    "oneOf": [
        {
            "type": "object",
            "required": ["amount", "currency"],
            "properties": {"amount": {"type": "integer", "minimum": 1}, "currency": {"type": "string"}},
        },
        {"type": "string", "enum": ["unlimited"]},
        {"type": "null"},
    ],
    "description": "What may be paid from the other's wallet, in all since linking; null: nothing.",
}


@extend_schema_field(SPENDING_CAP)
class SpendingCapField(serializers.Field):
    """`{amount, currency}`, "unlimited", or null: nothing."""

    default_error_messages = {
        **fields.MinorUnitsField.default_error_messages,
        **fields.CurrencyField.default_error_messages,
        "spending_cap_invalid": 'A cap is an amount with its currency, "unlimited", or null.',
    }

    def to_internal_value(self, data: Any) -> Any:
        if data == "unlimited":
            return data
        if not isinstance(data, dict):
            self.fail("spending_cap_invalid")
        money = fields.MoneyInput()
        return money.run_validation(data)

    def to_representation(self, value: Any) -> Any:
        return value


class TermsInput(fields.Input):
    """What is absent is as by default, or, in a proposal, as it is."""

    mirror = serializers.ListField(
        child=serializers.ChoiceField(BEHAVIOUR_KINDS), required=False, max_length=len(BEHAVIOUR_KINDS)
    )
    direction = serializers.ChoiceField(Direction.values, required=False)
    switch = serializers.ChoiceField(SwitchRight.values, required=False)
    spending_cap = SpendingCapField(required=False, allow_null=True)


class TermsDocument(serializers.Serializer):
    mirror = serializers.ListField(
        child=serializers.ChoiceField(BEHAVIOUR_KINDS), help_text="Kinds of behaviour recorded for the other too."
    )
    direction = serializers.ChoiceField(Direction.values, help_text="To whom the other's behaviours are recorded.")
    switch = serializers.ChoiceField(SwitchRight.values, help_text="Who may act as whom.")
    spending_cap = SpendingCapField(allow_null=True)


class InvitationListed(serializers.Serializer):
    id = serializers.CharField()
    count = serializers.IntegerField(help_text="How many codes the group has.")
    used = serializers.IntegerField(help_text="How many of them have linked somebody.")
    terms = TermsDocument()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    withdrawn_at = serializers.DateTimeField(allow_null=True)


class CodeCardDocument(serializers.Serializer):
    code = serializers.CharField()
    url = serializers.CharField(help_text="Where the code is given back in a browser; the code stands behind #.")
    qr_svg = serializers.CharField(help_text="A QR code of `url`: an SVG picture as a data URI.")


class InvitationDocument(serializers.Serializer):
    id = serializers.CharField()
    codes = serializers.ListField(child=serializers.CharField(), help_text="Shown once.")
    cards = CodeCardDocument(many=True, help_text="The same codes, to be scanned. Shown once.")
    expires_at = serializers.DateTimeField()
    terms = TermsDocument()


class InvitationPreview(serializers.Serializer):
    inviter = AccountRefDocument()
    terms = TermsDocument()
    expires_at = serializers.DateTimeField()


class LinkDocument(serializers.Serializer):
    id = serializers.CharField()
    accounts = AccountRefDocument(many=True, help_text="The inviter, then the invitee.")
    terms = TermsDocument()
    linked_at = serializers.DateTimeField()
    proposed_terms = TermsDocument(allow_null=True, help_text="In force once the other side accepts them.")
    proposed_by = AccountRefDocument(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    ended_by = AccountRefDocument(allow_null=True, help_text="One of the two, or an operator.")
    end_reason = serializers.CharField(allow_null=True, help_text="Why an operator ended it.")


def card_document(code: str) -> dict[str, str]:
    card = card_of(code)
    return {"code": card.code, "url": card.url, "qr_svg": card.qr_svg}


def link_document(link: Link) -> dict[str, Any]:
    return {
        "id": link.public_id,
        "accounts": [account_ref(link.inviter), account_ref(link.invitee)],
        "terms": link.terms.document(),
        "linked_at": link.linked_at,
        "proposed_terms": link.proposed_terms,
        "proposed_by": account_ref(link.proposed_by),
        "ended_at": link.ended_at,
        "ended_by": account_ref(link.ended_by),
        "end_reason": link.end_reason or None,
    }


def link_documents(links: Iterable[Link]) -> list[dict[str, Any]]:
    return [link_document(link) for link in links]


def invitation_documents(invitations: Iterable[Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": invitation.public_id,
            "count": invitation.count,
            "used": invitation.used,
            "terms": invitation.terms.document(),
            "created_at": invitation.created_at,
            "expires_at": invitation.expires_at,
            "withdrawn_at": invitation.withdrawn_at,
        }
        for invitation in invitations
    ]


class Invitations(ListView):
    """GET, POST /api/v1/link-invitations"""

    audience = {"POST": PARTIES}
    own_login = frozenset({"GET", "POST"})

    class Input(fields.Input):
        count = fields.WholeNumberField(min_value=1, max_value=settings.INVITATION_CODES_MAX, required=False)
        terms = TermsInput(required=False)

    @extend_schema(summary="Own groups of invitation codes", responses=InvitationListed(many=True))
    def get(self, request: Request) -> Any:
        actor = actor_of(request)
        return self.answer_list(selectors.own_invitations(visible_to=actor.login), invitation_documents)

    @extend_schema(
        summary="Invite other accounts to link themselves: codes that work once, for a quarter of an hour",
        request=Input,
        responses={201: InvitationDocument},
        examples=[examples.INVITE, examples.INVITED],
    )
    def post(self, request: Request) -> Response:
        body = self.checked_body()
        terms = Terms.of_document(body.get("terms", {}))
        invited = services.invite(count=body.get("count", 1), terms=terms, actor=actor_of(request), now=clock.now())
        return self.created(
            {
                "id": invited.invitation.public_id,
                "codes": invited.codes,
                "cards": [card_document(code) for code in invited.codes],
                "expires_at": invited.invitation.expires_at,
                "terms": terms.document(),
            }
        )


class OneInvitation(ApiView):
    """DELETE /api/v1/link-invitations/<id>"""

    own_login = frozenset({"DELETE"})

    @extend_schema(summary="Withdraw the unused codes of a group", responses={204: None})
    def delete(self, request: Request, invitation_id: str) -> Response:
        services.withdraw_invitation(invitation=invitation_id, actor=actor_of(request), now=clock.now())
        return Response(status=204)


class CodeInput(fields.Input):
    code = fields.TextField(max_length=CODE_LENGTH_MAX, help_text="Case, dashes, O for 0, I and L for 1 are forgiven.")


class LinkPreview(ApiView):
    """POST /api/v1/links/preview"""

    audience = {"POST": PARTIES}
    own_login = frozenset({"POST"})
    Input = CodeInput

    @extend_schema(
        summary="Who invites, and to what; uses nothing up",
        request=CodeInput,
        responses=InvitationPreview,
        examples=[examples.CODE],
    )
    @refuses(errors.InvitationInvalid, TooManyAttempts)
    def post(self, request: Request) -> Response:
        invitation: Invitation = services.preview_invitation(
            **self.checked_body(), actor=actor_of(request), address=client_address(request), now=clock.now()
        )
        return Response(
            {
                "inviter": account_ref(invitation.inviter),
                "terms": invitation.terms.document(),
                "expires_at": invitation.expires_at,
            }
        )


class Links(ListView):
    """GET, POST /api/v1/links"""

    audience = {"POST": PARTIES}
    own_login = frozenset({"POST"})
    Input = CodeInput

    class Query(fields.Input):
        state = serializers.ChoiceField(["living", "ended", "all"], required=False)

    @extend_schema(summary="The acting account's links, the living ones by default", responses=LinkDocument(many=True))
    def get(self, request: Request) -> Any:
        links = selectors.links_by_side(**self.checked_query(), visible_to=actor_of(request).acting)
        return self.answer_list(links, link_documents)

    @extend_schema(
        summary="Link the own account with the one that made the code",
        request=CodeInput,
        responses={201: LinkDocument},
        examples=[examples.CODE, examples.LINK],
    )
    @refuses(errors.InvitationInvalid, errors.LinkWithItself, errors.AlreadyLinked, TooManyAttempts)
    def post(self, request: Request) -> Response:
        link = services.link_accounts(
            **self.checked_body(), actor=actor_of(request), address=client_address(request), now=clock.now()
        )
        return self.created(link_document(link))


class OneLink(ApiView):
    """GET, PATCH, DELETE /api/v1/links/<id>"""

    own_login = frozenset({"PATCH"})

    class Input(fields.Input):
        terms = TermsInput()

    @extend_schema(summary="One living link", responses=LinkDocument, examples=[examples.LINK])
    def get(self, request: Request, link_id: str) -> Response:
        return Response(link_document(selectors.get_link(link_id, visible_to=actor_of(request).acting)))

    @extend_schema(
        summary="Propose other terms; the other side accepts them",
        request=Input,
        responses=LinkDocument,
        examples=[examples.PROPOSAL],
    )
    def patch(self, request: Request, link_id: str) -> Response:
        actor = actor_of(request)
        selectors.get_link(link_id, visible_to=actor.acting)
        changes = self.checked_body()["terms"]
        return Response(link_document(services.propose_terms(link=link_id, changes=changes, actor=actor)))

    @extend_schema(summary="End the link, at once and for every session that acts through it", responses={204: None})
    def delete(self, request: Request, link_id: str) -> Response:
        services.end_link(link=link_id, actor=actor_of(request), now=clock.now())
        return Response(status=204)


class LinkAcceptance(ApiView):
    """POST /api/v1/links/<id>/accept"""

    own_login = frozenset({"POST"})

    class Input(fields.Input):
        terms = TermsInput(required=False, help_text="What was seen; another proposal is then not accepted.")

    @extend_schema(summary="Accept the terms that the other side proposes", request=Input, responses=LinkDocument)
    @refuses(errors.NothingProposed, errors.OwnProposal, errors.TermsChanged)
    def post(self, request: Request, link_id: str) -> Response:
        actor = actor_of(request)
        selectors.get_link(link_id, visible_to=actor.acting)
        expected = self.checked_body().get("terms")
        return Response(link_document(services.accept_terms(link=link_id, expected=expected, actor=actor)))


class MirroredBehaviours(ApiView):
    """DELETE /api/v1/links/<id>/mirrored"""

    own_login = frozenset({"DELETE"})

    @extend_schema(summary="Remove what came through an ended link from the own storage", responses={204: None})
    def delete(self, request: Request, link_id: str) -> Response:
        services.purge_mirrored(link=link_id, actor=actor_of(request))
        return Response(status=204)


class SessionSwitch(ApiView):
    """POST /api/v1/session/switch"""

    class Input(fields.Input):
        account = fields.TextField(max_length=40, help_text="The login account, or one directly linked with it.")
        carry_cart = fields.FlagField(
            required=False, help_text="Move the lines of the cart of the account left behind into that one's."
        )

    @extend_schema(
        summary="Act as a linked account from now on, with a new credential",
        request=Input,
        responses=outputs.SwitchedDocument,
        examples=[examples.SWITCH, examples.SWITCHED],
    )
    @refuses(
        errors.AccountNotLinked, errors.NotCarried, errors.SwitchNotAllowed, errors.StepUpRequired, errors.SessionEnded
    )
    def post(self, request: Request) -> Response:
        actor, body = actor_of(request), self.checked_body()
        to, carry = body["account"], CART if body.get("carry_cart") else None
        if browser.carries(request._request, actor):
            switched = browser.switch(request._request, actor, to=to, carry=carry, now=clock.now())
        else:
            switched = services.switch_session(to=to, actor=actor, carry=carry, now=clock.now())
        answer = Response(outputs.switched_document(switched))
        answer["Acting-Account"] = switched.session.acting_account.public_id
        return answer
