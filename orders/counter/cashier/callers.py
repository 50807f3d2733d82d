"""Who stands at a till in a browser."""

from dataclasses import dataclass

from accounts.actor import Actor
from catalog.models import Store
from orders.counter.errors import TerminalRevoked
from orders.counter.models import Terminal
from orders.counter.selectors import get_terminal


@dataclass(frozen=True, slots=True)
class Cashier:
    """Somebody who acts for the seller, at one till: it may do what the till may, and is written down beside it."""

    terminal: Terminal
    actor: Actor

    @property
    def store(self) -> Store:
        return self.terminal.store


def cashier_at(terminal: str, *, actor: Actor) -> Cashier:
    """
    Return who acts, at a till (public id) of the acting seller.

    :raises NotFound: the seller has no such till.
    :raises TerminalRevoked: it is out of service.
    """
    found = get_terminal(terminal, visible_to=actor.acting)
    if found.revoked_at is not None:
        raise TerminalRevoked
    found.store.seller = actor.acting
    return Cashier(found, actor)
