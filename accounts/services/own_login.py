"""What is never done through a link."""

from accounts.actor import Actor
from accounts.errors import OwnLoginRequired


def ensure_own_login(actor: Actor) -> None:
    """:raises OwnLoginRequired: the actor acts through a link."""
    if not actor.is_own_login:
        raise OwnLoginRequired
