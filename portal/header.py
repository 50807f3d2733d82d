"""What the top of every page shows of the acting account: how much is in its cart, and what it has not read."""

from dataclasses import dataclass
from functools import cached_property

from django.conf import settings

from accounts.actor import Actor
from notifications.selectors import count_unread
from orders.cart.selectors import count_lines


@dataclass(frozen=True)
class Header:
    """Looked up when a page shows it: one statement each."""

    actor: Actor

    @cached_property
    def in_cart(self) -> int:
        return count_lines(self.actor.acting)

    @cached_property
    def unread(self) -> str:
        """As many as are worth counting: "99+" above."""
        found = count_unread(self.actor.acting, up_to=settings.UNREAD_COUNTED_MAX + 1)
        return f"{settings.UNREAD_COUNTED_MAX}+" if found > settings.UNREAD_COUNTED_MAX else str(found or "")
