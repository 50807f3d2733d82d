"""Who calls a view that needs a log-in."""

from typing import cast

from rest_framework.request import Request

from accounts.actor import Actor


def actor_of(request: Request) -> Actor:
    """Return the person who acts; for views that only people reach."""
    return cast(Actor, request.auth)
