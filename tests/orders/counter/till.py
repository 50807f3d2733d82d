"""A till as tests use it: it counts its own sequences and says who it is."""

from itertools import count
from typing import Any

from accounts.actor import Actor
from catalog.models import Store
from core import clock
from orders.counter.models import Terminal
from orders.counter.services import create_terminal
from tests.conftest import Api


class Till(Api):
    """`till.post("/terminal/trades", {...})` with the till's key."""

    def __init__(self, terminal: Terminal, key: str) -> None:
        super().__init__(None)
        self.terminal, self.key = terminal, key
        self.sequences = count(1)

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return super()._headers(headers) | {"Authorization": f"Terminal {self.key}"}


def make_till(store: Store, name: str = "Till 1", **fields: Any) -> Till:
    actor = Actor.own(store.seller)
    return Till(*create_terminal(store=store.public_id, name=name, actor=actor, now=clock.now(), **fields))
