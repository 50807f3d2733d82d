"""
Those who stood directly below an account that left are moved to the nearest live ancestor, dated, in small steps.

Chains are right without it, since they pass over whoever has left. So a node of a hundred thousand children is left
in one row, and this tidies behind it: the lists of who came through whom, and the length of the walk.
"""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from core import clock
from distribution.forest import catch_up, move_up, nearest_live_above
from distribution.models import Referral


@clock.runs_when_due(
    "distribution.moving_up",
    if_any="SELECT FROM distribution_referral WHERE leaves_children",
)
@transaction.atomic
def move_up_children(now: datetime) -> int:
    """
    Move up to `REFERRAL_MOVES_AT_ONCE` children of the account that left first; return whether there was anything.

    They stand below the nearest ancestor that was live when the account left, as of that moment, or at the top.
    A repeat goes on where the last one stopped.
    """
    waiting = Referral.objects.select_for_update(no_key=True, skip_locked=True).filter(leaves_children=True)
    left = waiting.order_by("until_at", "id").first()
    if left is None:
        return 0
    assert left.until_at is not None
    below = Referral.objects.filter(referrer=left.account_id, until_at=None).select_related("account", "referrer")
    locked = below.select_for_update(no_key=True, of=("self",))
    children = list(locked.order_by("id")[: settings.REFERRAL_MOVES_AT_ONCE])
    if children:
        catch_up(move_up(children, nearest_live_above(left.account_id, left.until_at), left.until_at))
    if len(children) < settings.REFERRAL_MOVES_AT_ONCE:
        left.leaves_children = False
        left.save(update_fields=["leaves_children"])
    return 1
