"""What others read of attributions: who brought the customer of an order's lines, and what that costs and earns."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.models import Account
from core.errors import NotFound
from sharing.models import Touch, WonLine


@dataclass(frozen=True, slots=True)
class Attribution:
    """The touches of an order and the lines that somebody brought, as far as one account may see them."""

    touches: Sequence[Touch]
    won: Sequence[WonLine]
    visible_to: Account | None = None  # A sharer, to whom its rivals are nobody; None sees all.

    @property
    def winner(self) -> Touch | None:
        """The touch that won the first line that somebody brought."""
        return min((touch for touch in self.touches if touch.won), key=lambda touch: touch.line or 0, default=None)

    def knows(self, touch: Touch) -> bool:
        """Whether the viewer may see whose touch it was."""
        return self.visible_to is None or (touch.share is not None and touch.share.sharer_id == self.visible_to.pk)


def attribution_of(order: str) -> Attribution:
    """Return all of an order's attribution (public id), for its seller and for operators; empty where there is none."""
    return Attribution(list(_touches().filter(order=order)), list(_won().filter(order=order)))


def own_attribution(order: str, *, sharer: Account) -> Attribution:
    """
    Return what a sharer may see of an order: the lines that it brought, with all that was judged for them.

    :raises NotFound: it brought none of the order's.
    """
    won = list(_won().filter(order=order, sharer=sharer))
    if not won:
        raise NotFound
    touches = _touches().filter(order=order, line__in=[line.line for line in won])
    return Attribution(list(touches), won, sharer)


def held_lines(*, sharer: Account) -> QuerySet[WonLine]:
    """Return the lines whose part of a sharer's a guard holds, the newest first."""
    held = WonLine.objects.select_related("share__item", "earning")
    return held.filter(sharer=sharer, held_at__isnull=False, decision="").order_by("-line")


def _touches() -> QuerySet[Touch]:
    return Touch.objects.select_related("share__sharer").order_by("id")


def _won() -> QuerySet[WonLine]:
    return WonLine.objects.select_related("share__program", "sharer", "earning").order_by("line")
