"""`Authorization: Terminal <key>`: tills."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from structlog.contextvars import bind_contextvars

from orders.counter.callers import TillCaller
from orders.counter.errors import TerminalKeyUnknown
from orders.counter.keys import find_terminal


class TerminalAuthentication(BaseAuthentication):
    """One indexed look-up; an old key, a till out of service and a seller who is shut out stop at once."""

    def authenticate_header(self, request: Request) -> str:
        return "Terminal"

    def authenticate(self, request: Request) -> tuple[None, TillCaller] | None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "terminal":
            return None
        terminal = find_terminal(key.strip())
        if terminal is None:
            raise TerminalKeyUnknown
        bind_contextvars(terminal=terminal.public_id)
        return None, TillCaller(terminal)


class TerminalScheme(OpenApiAuthenticationExtension):
    target_class = "orders.counter.api.authentication.TerminalAuthentication"
    name = "terminal"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Terminal <key>`"}
