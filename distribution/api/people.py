"""Agents, referrals, chains and rule numbers over HTTP."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from accounts.models import Account
from accounts.selectors import get_account
from core import clock
from core.api import fields
from core.api.lists import ListView, read_limit
from core.api.schema import refuses
from core.api.views import ApiView
from core.errors import FieldError, NotFound
from core.ids import PUBLIC_ID_LENGTH_MAX
from distribution import errors, people, services
from distribution.api import people_outputs as outputs
from distribution.areas.codes import PUBLIC_CODE_LENGTH_MAX, find_area
from distribution.chains import agents_of, referrers_of
from distribution.models import Area
from distribution.rule_numbers import RULE_NUMBER_LENGTH_MAX
from distribution.seat_figures import agent_earnings, preview_end

OPERATOR = frozenset({"operator"})


def named_account(public_id: str, field: str) -> Account:
    """
    Return the account that a body names.

    :raises AccountUnknown: there is none.
    """
    try:
        return get_account(public_id=public_id)
    except NotFound as unknown:
        raise errors.AccountUnknown.at(field) from unknown


def named_area(code: str) -> Area:
    """
    Return the area that a body names.

    :raises AreaUnknown: there is none.
    """
    try:
        return find_area(code)
    except NotFound as unknown:
        raise errors.AreaUnknown(
            errors=[FieldError("area", errors.AreaUnknown.code, errors.AreaUnknown.message)]
        ) from unknown


class Agents(ListView):
    """GET|POST /api/v1/agents"""

    audience = {"POST": OPERATOR}
    Input = outputs.AppointInput

    class Query(fields.Input):
        area = fields.TextField(required=False, max_length=PUBLIC_CODE_LENGTH_MAX, help_text="Exactly this area.")
        account = fields.TextField(required=False, max_length=PUBLIC_ID_LENGTH_MAX)

    @extend_schema(
        summary="Seats that are held now or will be; others than operators see their own",
        responses=outputs.AgentDocument(many=True),
    )
    @refuses(errors.AreaAmbiguous, NotFound)
    def get(self, request: Request) -> Any:
        seats = people.living_seats(**self.checked_query(), visible_to=actor_of(request).acting, now=clock.now())
        return self.answer_list(seats, outputs.agent_documents)

    @extend_schema(
        summary="Make an account the agent of an area",
        request=outputs.AppointInput,
        responses={201: outputs.AgentDocument},
        examples=[outputs.APPOINTED],
    )
    @refuses(
        errors.AccountUnknown,
        errors.AreaUnknown,
        errors.AreaAmbiguous,
        errors.OperatorAsAgent,
        errors.AccountClosed,
        errors.FromTooEarly,
        errors.SeatTaken,
    )
    def post(self, request: Request) -> Response:
        body = self.checked_body()
        seat = services.appoint_agent(
            area=named_area(body["area"]),
            account=named_account(body["account"], "account"),
            from_at=body.get("from"),
            actor=actor_of(request),
            now=clock.now(),
        )
        return self.created(outputs.agent_document(seat))


class OwnSeats(ApiView):
    """GET /api/v1/agents/mine"""

    @extend_schema(summary="The own seats with their stores, and what they earned", responses=outputs.OwnSeatsDocument)
    def get(self, request: Request) -> Response:
        own = actor_of(request).acting
        seats = people.living_seats(account=own.public_id, visible_to=own, now=clock.now()).order_by("-id")
        return Response(outputs.own_seats_document(list(seats), agent_earnings(visible_to=own)))


class AgentOne(ApiView):
    """GET|DELETE /api/v1/agents/<id>"""

    audience = {"DELETE": OPERATOR}

    @extend_schema(summary="A seat, also one that has ended", responses=outputs.AgentDocument)
    def get(self, request: Request, seat_id: str) -> Response:
        return Response(outputs.agent_document(people.get_seat(seat_id, visible_to=actor_of(request).acting)))

    @extend_schema(summary="End a seat now; the area is vacant then", responses=outputs.AgentDocument)
    @refuses(errors.SeatEnded)
    def delete(self, request: Request, seat_id: str) -> Response:
        ended = services.end_agent(seat=seat_id, actor=actor_of(request), now=clock.now())
        return Response(outputs.agent_document(ended))


class AgentReplacing(ApiView):
    """POST /api/v1/agents/<id>/replace"""

    audience = {"POST": OPERATOR}
    Input = outputs.ReplaceInput

    @extend_schema(
        summary="Let another account take a seat over; no sale falls between the two",
        request=outputs.ReplaceInput,
        responses={201: outputs.AgentDocument},
    )
    @refuses(
        errors.AccountUnknown,
        errors.OperatorAsAgent,
        errors.AccountClosed,
        errors.AreaUnknown,
        errors.SeatEnded,
        errors.FromTooEarly,
        errors.SeatTaken,
    )
    def post(self, request: Request, seat_id: str) -> Response:
        people.get_seat(seat_id, visible_to=actor_of(request).acting)
        body = self.checked_body()
        taken = services.replace_agent(
            seat=seat_id,
            account=named_account(body["account"], "account"),
            from_at=body.get("from"),
            actor=actor_of(request),
            now=clock.now(),
        )
        return self.created(outputs.agent_document(taken))


class AgentEndPreview(ApiView):
    """POST /api/v1/agents/<id>/preview-end"""

    audience = {"POST": OPERATOR}
    Input = fields.Input

    @extend_schema(
        summary="What would follow if a seat ended now; nothing changes",
        request=None,
        responses=outputs.PreviewDocument,
    )
    @refuses(errors.SeatEnded)
    def post(self, request: Request, seat_id: str) -> Response:
        seat = people.get_seat(seat_id, visible_to=actor_of(request).acting)
        self.checked_body()
        return Response(outputs.preview_document(preview_end(seat=seat, now=clock.now())))


class Referrals(ListView):
    """GET|POST /api/v1/referrals"""

    audience = {"POST": OPERATOR}
    Input = outputs.BindInput

    @extend_schema(
        summary="Who came through the account, as far down as anybody is paid for it",
        responses=outputs.BroughtDocument(many=True),
    )
    def get(self, request: Request) -> Any:
        levels = people.newest_brought_by(
            actor_of(request).acting, cursor=request.query_params.get("cursor"), size=read_limit(request) + 1
        )
        return self.answer_list(levels, outputs.brought_documents)

    @extend_schema(
        summary="Put an account that came by itself below a referrer",
        request=outputs.BindInput,
        responses={201: outputs.PlaceDocument},
    )
    @refuses(
        errors.AccountUnknown,
        errors.AccountClosed,
        errors.AlreadyReferred,
        errors.ReferralCycle,
        errors.ReferralEnded,
        errors.ReferralMoving,
    )
    def post(self, request: Request) -> Response:
        body = self.checked_body()
        place = services.bind_referral(
            account=named_account(body["account"], "account"),
            referrer=named_account(body["referrer"], "referrer"),
            reason=body["reason"],
            actor=actor_of(request),
            now=clock.now(),
        )
        return self.created(outputs.place_document(place))


class ReferralMove(ApiView):
    """POST /api/v1/referrals/<account>/move"""

    audience = {"POST": OPERATOR}
    Input = outputs.MoveInput

    @extend_schema(
        summary="Put an account, with everybody below it, below another referrer",
        request=outputs.MoveInput,
        responses=outputs.PlaceDocument,
    )
    @refuses(
        errors.AccountUnknown,
        errors.AccountClosed,
        errors.ReferralUnchanged,
        errors.ReferralCycle,
        errors.ReferralEnded,
    )
    def post(self, request: Request, account_id: str) -> Response:
        account = get_account(public_id=account_id)
        body = self.checked_body()
        place = services.move_referral(
            account=account,
            referrer=named_account(body["referrer"], "referrer"),
            reason=body["reason"],
            actor=actor_of(request),
            now=clock.now(),
        )
        return Response(outputs.place_document(place))


class ReferralEnd(ApiView):
    """POST /api/v1/referrals/<account>/end"""

    audience = {"POST": OPERATOR}
    Input = outputs.ReasonInput

    @extend_schema(
        summary="End an account's place among people; those below move up",
        request=outputs.ReasonInput,
        responses=outputs.PlaceDocument,
    )
    @refuses(errors.ReferralEnded)
    def post(self, request: Request, account_id: str) -> Response:
        account = get_account(public_id=account_id)
        body = self.checked_body()
        place = services.end_referral(account=account, **body, actor=actor_of(request), now=clock.now())
        return Response(outputs.place_document(place))


class Chains(ApiView):
    """GET /api/v1/distribution/chains"""

    class Query(fields.Input):
        store = fields.TextField(required=False, max_length=PUBLIC_ID_LENGTH_MAX, help_text="Its agents.")
        account = fields.TextField(required=False, max_length=PUBLIC_ID_LENGTH_MAX, help_text="Its referrers.")
        at = fields.MomentField(required=False, help_text="Now, where absent.")

    @extend_schema(
        summary="Who stands behind a store, and behind an account (the own one, where neither is named)",
        responses=outputs.ChainDocument,
    )
    @refuses(NotFound)
    def get(self, request: Request) -> Response:
        viewer, wanted = actor_of(request).acting, self.checked_query()
        store, account, at = wanted.get("store"), wanted.get("account"), wanted.get("at") or clock.now()
        if store is None and account is None:
            account = viewer.public_id
        if store is not None:
            people.get_store_for_chain(store, visible_to=viewer)
        if account is not None:
            people.get_account_for_chain(account, visible_to=viewer)
        agents = agents_of(store=store, at=at).agents if store is not None else ()
        referrers = referrers_of(account=account, at=at) if account is not None else ()
        return Response(outputs.chain_document(agents, referrers, as_of=at))


class Nodes(ListView):
    """GET /api/v1/distribution/nodes"""

    audience = {"GET": OPERATOR}

    class Query(fields.Input):
        prefix = fields.TextField(max_length=RULE_NUMBER_LENGTH_MAX, help_text="The beginning of a rule number.")

    @extend_schema(
        summary="Placements, seats and people by rule number, in the order of those, ended ones as well",
        responses=outputs.NodeDocument(many=True),
    )
    def get(self, request: Request) -> Response:
        wanted, limit = self.checked_query(), read_limit(request)
        after = request.query_params.get("cursor")
        found = people.nodes_by_number(prefix=wanted["prefix"], after=after, limit=limit + 1)
        following = found[limit - 1].cursor if len(found) > limit else None
        return Response({"results": [outputs.node_document(node) for node in found[:limit]], "next": following})


people_urls = [
    path("agents", Agents.as_view()),
    path("agents/mine", OwnSeats.as_view()),
    path("agents/<str:seat_id>", AgentOne.as_view()),
    path("agents/<str:seat_id>/replace", AgentReplacing.as_view()),
    path("agents/<str:seat_id>/preview-end", AgentEndPreview.as_view()),
    path("referrals", Referrals.as_view()),
    path("referrals/<str:account_id>/move", ReferralMove.as_view()),
    path("referrals/<str:account_id>/end", ReferralEnd.as_view()),
    path("distribution/chains", Chains.as_view()),
    path("distribution/nodes", Nodes.as_view()),
]
