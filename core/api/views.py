"""The base of every API view: who may, in which order refusals come, and what a repeat gets."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import idempotency
from core.api.fields import Input
from core.errors import Forbidden, NotAuthenticated


class Principal(Protocol):
    """Who acts in a request, as the authentication classes leave it in `request.auth`."""

    @property
    def owner_id(self) -> str:
        """Public id of the acting account, till or service key: the owner of idempotency keys."""

    @property
    def audiences(self) -> frozenset[str]:
        """Which kinds of caller this is: buyer, seller, operator, terminal, service."""


class ApiView(APIView):
    """
    A view that translates and makes one call.

    Refusals come in the contract's order: 401, idempotency, 400 (body), 403 (kind of caller), then
    what the handler finds: 404, 422 of the body (`self.checked_body()`), 409 and 422 of the state.

    `audience`: who may call, by method or for all ("*"); an absent method is open to every caller.
    `public`: methods that need no log-in.
    `keyed`: methods that need an Idempotency-Key; they run in one transaction with their answer.
    """

    audience: ClassVar[Mapping[str, frozenset[str]]] = {}
    public: ClassVar[frozenset[str]] = frozenset()
    keyed: ClassVar[frozenset[str]] = frozenset()

    Input: type[Input]

    class Query(Input):
        """The query parameters that a view understands; others are ignored."""

    attempt: idempotency.Attempt | None = None
    replayed: idempotency.KnownAnswer | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method not in self.keyed:
            return super().dispatch(request, *args, **kwargs)
        with transaction.atomic():
            response = super().dispatch(request, *args, **kwargs)
            if response.status_code >= 400:
                transaction.set_rollback(True)  # A refused call changes nothing, and its key stays free.
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.format_kwarg = None
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        self.perform_authentication(request)
        method = request.method or ""
        if request.auth is None and method not in self.public:
            raise NotAuthenticated
        if method in self.keyed:
            self.begin_attempt(request)
        if self.replayed is not None:
            return
        _ = request.data  # Broken JSON is refused before anything is looked up.
        allowed = self.audience.get(method, self.audience.get("*"))
        if allowed is not None and (request.auth is None or not allowed & request.auth.audiences):
            raise Forbidden(f"Only a {' or '.join(sorted(allowed))} may do that.")

    def begin_attempt(self, request: Request) -> None:
        """Take the idempotency key, and route to the kept answer where there is one."""
        key = idempotency.read_key(request.headers.get("Idempotency-Key"))
        digest = idempotency.digest_request(request.method or "", request.get_full_path(), request._request.body)
        self.attempt = idempotency.Attempt(request.auth.owner_id, key, digest)
        known = self.attempt.begin()
        if known is not None and known.status is not None:
            self.replayed = known
            setattr(self, (request.method or "").lower(), self.replay)

    def replay(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer as the first time."""
        assert self.replayed is not None
        headers = {"Idempotent-Replayed": "true"}
        return HttpResponse(
            self.replayed.body, status=self.replayed.status, content_type="application/json", headers=headers
        )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.attempt is not None and self.replayed is None and response.status_code < 300:
            self.attempt.save(status=response.status_code, body=JSONRenderer().render(response.data).decode())
        principal = getattr(request, "_auth", None)  # Not request.auth: that would authenticate again.
        if principal is not None:
            response["Acting-Account"] = principal.owner_id
        return response

    def checked_body(self) -> dict[str, Any]:
        """
        Return the body's fields as `Input` declares them.

        :raises InvalidInput: with one error per faulty field.
        """
        return self.Input(data=self.request.data).checked()

    def checked_query(self) -> dict[str, Any]:
        """
        Return the query parameters that `Query` declares.

        :raises InvalidInput: one of them is not as it should be.
        """
        given = self.request.query_params
        return self.Query(data={name: given[name] for name in self.Query().fields if name in given}).checked()

    def created(self, data: Any) -> Response:
        """Answer 201."""
        return Response(data, status=201)
