"""Every operation of the API, read off the URL conf: a new one is walked without anybody remembering."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from django.urls import get_resolver

from accounts.actor import Actor
from accounts.errors import SpendingCapExceeded
from accounts.models import Account
from core.api.audiences import ACCOUNTS
from core.api.documents import openapi
from core.api.views import WITH_BODY, ApiView

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Operation:
    """One method of one path, with what its view says about itself."""

    method: str
    path: str
    view: type[ApiView]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def names(self) -> list[str]:
        """The path's parameters."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def is_own_login(self) -> bool:
        return self.method in self.view.own_login

    @property
    def is_public(self) -> bool:
        return self.method in self.view.public

    @property
    def is_keyed(self) -> bool:
        return self.method in self.view.keyed | self.view.remote

    @property
    def has_body(self) -> bool:
        return self.method in WITH_BODY

    @property
    def takes_log_in(self) -> bool:
        """Registering and logging in do not look who asks."""
        view = self.view()
        view.request = SimpleNamespace(method=self.method)  # type: ignore[assignment]
        return bool(view.get_authenticators())

    @property
    def spends(self) -> bool:
        """Whether it pays out of a wallet, so that a link needs a cap for it."""
        handler = getattr(self.view, self.method.lower())
        return SpendingCapExceeded in getattr(handler, "refusals", ())

    @property
    def audience(self) -> frozenset[str]:
        return self.view.audience.get(self.method, self.view.audience.get("*", ACCOUNTS))

    def admits(self, account: Account) -> bool:
        """Whether this kind of account may call it at all."""
        return bool(self.audience & Actor.own(account).audiences)

    @property
    def is_for_people(self) -> bool:
        return bool(self.audience & {"buyer", "seller"})

    @property
    def is_for_machines(self) -> bool:
        """Only tills or payment servers call it: they have keys, and no links."""
        return not self.audience & ACCOUNTS

    @property
    def documented(self) -> dict[str, Any]:
        """What the schema says of it."""
        return openapi()["paths"][f"/api/v1{self.path}"][self.method.lower()]

    @property
    def example(self) -> Any:
        """The body that the schema shows, None where there is none."""
        said = self.documented.get("requestBody")
        if said is None:
            return None
        media = said["content"]["application/json"]
        return next(iter(media["examples"].values()))["value"] if "examples" in media else media.get("example")


def operations() -> list[Operation]:
    """All of them, by path."""
    found = [Operation(m, path, view) for path, view in _views(get_resolver().url_patterns) for m in _methods(view)]
    return sorted(found, key=lambda operation: (operation.path, operation.method))


def _methods(view: type[ApiView]) -> list[str]:
    return [method for method in METHODS if hasattr(view, method.lower())]


def _views(patterns: list[Any], before: str = "") -> Iterator[tuple[str, type[ApiView]]]:
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _views(pattern.url_patterns, path)
        elif path.startswith("api/v1/"):
            yield re.sub(r"<\w+:(\w+)>", r"{\1}", path.removeprefix("api/v1")), pattern.callback.view_class
