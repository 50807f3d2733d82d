"""Tills over HTTP, for the sellers whose they are."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from catalog.errors import StoreClosed
from catalog.selectors import get_own_store
from core import clock
from core.api.lists import ListView
from core.api.schema import refuses
from core.api.views import ApiView
from orders.counter import errors, selectors, services
from orders.counter.api import examples, inputs, outputs

SELLER = frozenset({"seller"})


class Terminals(ListView):
    """GET|POST /api/v1/stores/<id>/terminals"""

    audience = {"*": SELLER}
    Input = inputs.TerminalInput

    @extend_schema(summary="The tills of an own store", responses=outputs.TerminalDocument(many=True))
    def get(self, request: Request, store_id: str) -> Any:
        seller = actor_of(request).acting
        get_own_store(store_id, seller=seller)
        return self.answer_list(selectors.terminals_of(store_id, visible_to=seller), outputs.present_terminals)

    @extend_schema(
        summary="Make a till; its key is shown once",
        request=inputs.TerminalInput,
        responses={201: outputs.TerminalShownOnce},
        examples=[examples.TERMINAL],
    )
    @refuses(StoreClosed)
    def post(self, request: Request, store_id: str) -> Response:
        get_own_store(store_id, seller=actor_of(request).acting)
        made = services.create_terminal(store=store_id, **self.checked_body(), actor=actor_of(request), now=clock.now())
        return self.created(outputs.terminal_shown_once(*made))


class TerminalRotation(ApiView):
    """POST /api/v1/terminals/<id>/rotate"""

    audience = {"*": SELLER}

    @extend_schema(
        summary="Give a till a new key, shown once; the old one stops at once",
        request=None,
        responses=outputs.TerminalShownOnce,
    )
    @refuses(errors.TerminalRevoked)
    def post(self, request: Request, terminal_id: str) -> Response:
        selectors.get_terminal(terminal_id, visible_to=actor_of(request).acting)
        self.checked_body()
        rotated = services.rotate_terminal_key(terminal=terminal_id, actor=actor_of(request), now=clock.now())
        return Response(outputs.terminal_shown_once(*rotated))


class TerminalOne(ApiView):
    """DELETE /api/v1/terminals/<id>"""

    audience = {"*": SELLER}

    @extend_schema(summary="Take a till out of service, at once and for good", responses={204: None})
    def delete(self, request: Request, terminal_id: str) -> Response:
        services.revoke_terminal(terminal=terminal_id, actor=actor_of(request), now=clock.now())
        return Response(status=204)
