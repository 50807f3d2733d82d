"""The base of every API view: who may, in which order refusals come, and what a repeat gets."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, cast

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api import fields, idempotency
from core.api.audiences import ACCOUNTS
from core.api.problems import MethodNotAllowed
from core.errors import Forbidden, NotAuthenticated, Refusal

WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Principal(Protocol):
    """Who acts in a request, as the authentication classes leave it in `request.auth`."""

    @property
    def owner_id(self) -> str:
        """Public id of the acting account, till or service key: the owner of idempotency keys."""

    @property
    def audiences(self) -> frozenset[str]:
        """Which kinds of caller this is: buyer, seller, operator, terminal, service."""

    def ensure_own_login(self) -> None:
        """:raises Forbidden: it acts for somebody else than who logged in."""

    def ensure_in_person(self) -> None:
        """:raises Forbidden: an operator stands in for the account that acts."""


class NoBody(fields.Input):
    """A call that takes no body."""


class NoQuery(fields.Input):
    """A view that understands no query parameters; what it does not understand is ignored."""


class ApiView(APIView):
    """
    A view that translates and makes one call.

    Refusals come in the contract's order: 405, 401, idempotency, 400 (body), 403 (through a link, kind of
    caller), then what the handler finds: 404, 422 of the body (`self.checked_body()`), 409 and 422 of the state.

    `audience`: who may call, by method or for all ("*"); an absent method is open to every account, but not to
    tills and payment servers.
    `public`: methods that need no log-in.
    `own_login`: methods that nobody calls through a link, whatever its terms.
    `assisted`: methods that change something, and that an operator who stands in for the account may call as well;
    all others refuse. What such a call writes must say who logged in, and move no money.
    `keyed`: methods that need an Idempotency-Key; they run in one transaction with their answer.
    `remote`: keyed methods that call somebody far away, and so cannot be one transaction: `ThreeStepView`.
    """

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    audience: ClassVar[Mapping[str, frozenset[str]]] = {}
    public: ClassVar[frozenset[str]] = frozenset()
    own_login: ClassVar[frozenset[str]] = frozenset()
    assisted: ClassVar[frozenset[str]] = frozenset()
    keyed: ClassVar[frozenset[str]] = frozenset()
    remote: ClassVar[frozenset[str]] = frozenset()

    Input: type[fields.Input] = NoBody

    Query: type[fields.Input] = NoQuery

    attempt: idempotency.Attempt | None = None
    replayed: idempotency.KnownAnswer | None = None
    intent: str = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method in self.remote:
            return self.dispatch_remote(request, *args, **kwargs)
        if request.method in self.keyed:
            return self.dispatch_keyed(request, *args, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    def dispatch_keyed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Effect and answer commit together; a refused call changes nothing, and its key stays free."""
        with transaction.atomic():
            response = super().dispatch(request, *args, **kwargs)
            kept = self.replayed is not None or self._keep(response)
            if not kept:
                transaction.set_rollback(True)
        return response if kept else self._answer_of_twin(response)

    def dispatch_remote(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The key is held from before the call until after the answer is kept, which the handler sees to."""
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            if self.attempt is not None:
                self.attempt.let_go()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        method = "GET" if request.method == "HEAD" else request.method or ""
        if method.lower() not in self.http_method_names or not hasattr(self, method.lower()):
            raise self._method_not_allowed(request)
        self.perform_authentication(request)
        if request.auth is None and method not in self.public:
            raise NotAuthenticated
        self.format_kwarg = None
        # Accept chooses where there is a choice; an answer in JSON is better than none.
        negotiated = self.perform_content_negotiation(request, force=True)
        request.accepted_renderer, request.accepted_media_type = negotiated
        if method in self.keyed | self.remote:
            self.begin_attempt(request)
        if self.replayed is not None:
            return
        if method in WITH_BODY:
            _ = request.data  # Broken JSON is refused before anything is looked up.
        if method in self.own_login:
            self.principal.ensure_own_login()
        if request.auth is not None and method not in self.assisted | {"GET"}:
            self.principal.ensure_in_person()
        named = self.audience.get(method, self.audience.get("*"))
        allowed = ACCOUNTS if named is None else named
        refused = named is not None if request.auth is None else not allowed & self.principal.audiences
        if refused:
            raise Forbidden(f"Only a {' or '.join(sorted(allowed))} may do that.")

    def _method_not_allowed(self, request: Request) -> Refusal:
        """Comes before the log-in, and still says who acted, where somebody did."""
        refused = MethodNotAllowed()
        try:
            self.perform_authentication(request)
        except Refusal as not_let_in:
            refused.acted_as = not_let_in.acted_as
        return refused

    @property
    def principal(self) -> Principal:
        """Who calls, where a log-in is needed."""
        assert self.request.auth is not None
        return cast(Principal, self.request.auth)

    def begin_attempt(self, request: Request) -> None:
        """Take the idempotency key, and route to the kept answer where there is one."""
        key = idempotency.read_key(request.headers.get("Idempotency-Key"))
        digest = idempotency.digest_request(request.method or "", request.get_full_path(), request._request.body)
        attempt = idempotency.Attempt(self.principal.owner_id, key, digest)
        known = attempt.begin(for_session=request.method in self.remote)
        self.attempt = attempt
        if known is not None and known.status is not None:
            self.replayed = known
            setattr(self, (request.method or "").lower(), self.replay)
        elif known is not None:
            self.intent = known.resource

    def replay(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer as the first time."""
        assert self.replayed is not None
        return HttpResponse(
            self.replayed.body,
            status=self.replayed.status,
            content_type="application/json",
            headers={"Idempotent-Replayed": "true"},
        )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        principal = getattr(request, "_auth", None)  # Not request.auth: that would authenticate again.
        if principal is not None:
            response.setdefault("Acting-Account", principal.owner_id)  # A switch says who acts from now on.
        if principal is not None or request.method in WITH_BODY:
            response.setdefault("Cache-Control", "no-store")
        return response

    def checked_body(self) -> dict[str, Any]:
        """
        Return the body's fields as `Input` declares them.

        :raises InvalidInput: with one error per faulty field.
        """
        return self.Input.check(self.request.data)

    def checked_query(self) -> dict[str, Any]:
        """
        Return the query parameters that `Query` declares.

        :raises InvalidInput: one of them is not as it should be.
        """
        known = self.Query.names()
        given = {name: value for name, value in self.request.query_params.items() if name in known}
        return self.Query.check(given)

    def created(self, data: Any) -> Response:
        """Answer 201."""
        return Response(data, status=201)

    def _keep(self, response: Any) -> bool:
        """Save an answer that has an effect; whether this transaction is the one that may commit."""
        if self.attempt is None or response.status_code >= 300:
            return False
        return self.attempt.save(status=response.status_code, body=_body_of(response))

    def _answer_of_twin(self, response: Any) -> HttpResponseBase:
        """
        Where a twin committed between our look-up and now, our refusal is its echo: answer as the twin did.
        """
        if self.attempt is None or response.status_code >= 500:
            return response
        known = self.attempt.look_up()
        if known is None or known.status is None:
            return response
        self.replayed = known
        replay = self.replay(self.request)
        for name in ("Acting-Account", "Cache-Control", "Allow"):
            if name in response:
                replay[name] = response[name]
        return replay


def _body_of(response: Any) -> str:
    return JSONRenderer().render(response.data).decode()
