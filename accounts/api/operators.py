"""What operators do with customers' accounts over HTTP: stand in for them, and end their links."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors, services
from accounts.actor import OPERATOR
from accounts.api import examples, outputs
from accounts.api.linking import LinkDocument, link_document
from accounts.callers import actor_of
from accounts.errors import NotACustomer, SessionEnded, StepUpRequired
from accounts.models import REASON_LENGTH_MAX
from core import clock
from core.api import fields
from core.api.schema import refuses
from core.api.views import ApiView

ONLY_OPERATORS = {"*": frozenset({OPERATOR})}


class StandIn(ApiView):
    """POST /api/v1/accounts/<id>/stand-in"""

    audience = ONLY_OPERATORS

    class Input(fields.Input):
        reason = fields.TextField(max_length=REASON_LENGTH_MAX, help_text="The customer reads it.")

    @extend_schema(
        summary="Act as a customer for a short time, as an operator: to look, and to help without money",
        request=Input,
        responses={201: outputs.LoggedIn},
        examples=[examples.STAND_IN, examples.STANDING_IN],
    )
    @refuses(NotACustomer, StepUpRequired, SessionEnded)
    def post(self, request: Request, account_id: str) -> Response:
        customer = selectors.get_account(public_id=account_id)
        opened = services.stand_in(customer=customer, **self.checked_body(), actor=actor_of(request), now=clock.now())
        return self.created({"token": opened.token, "session": outputs.session_document(opened.session)})


class LinkEnd(ApiView):
    """POST /api/v1/links/<id>/end"""

    audience = ONLY_OPERATORS

    class Input(fields.Input):
        reason = fields.TextField(max_length=REASON_LENGTH_MAX, help_text="Both sides read it.")

    @extend_schema(
        summary="End anybody's link, as an operator",
        request=Input,
        responses=LinkDocument,
        examples=[examples.LINK_END],
    )
    def post(self, request: Request, link_id: str) -> Response:
        selectors.get_any_link(link_id)
        body = self.checked_body()
        ended = services.end_link_for_sides(link=link_id, **body, actor=actor_of(request), now=clock.now())
        return Response(link_document(ended))
