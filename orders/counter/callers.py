"""The till as a caller."""

from dataclasses import dataclass
from typing import cast

from rest_framework.request import Request

from accounts.models import Account
from catalog.models import Store
from orders.counter.models import Terminal

TERMINAL = "terminal"


@dataclass(frozen=True, slots=True)
class TillCaller:
    """A till's request; what it may see and do is that of its store."""

    terminal: Terminal

    @property
    def owner_id(self) -> str:
        return self.terminal.public_id

    @property
    def audiences(self) -> frozenset[str]:
        return frozenset({TERMINAL})

    @property
    def store(self) -> Store:
        return self.terminal.store

    @property
    def seller(self) -> Account:
        return self.terminal.store.seller

    def ensure_own_login(self) -> None:
        """A till acts for nobody else than its store."""

    def ensure_in_person(self) -> None:
        """A till stands in for nobody."""


def till_of(request: Request) -> Terminal:
    """Return the till that asks; for views that only tills reach."""
    return cast(TillCaller, request.auth).terminal
