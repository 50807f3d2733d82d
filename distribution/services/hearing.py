"""Hearing before looking what is due: an order that time alone has completed makes its commissions due."""

from datetime import datetime

from core.clock import runs_when_due
from events.consumers import get_consumer
from events.delivery import deliver_batch

FIRST_TO_LAST = ("referral_binding", "placement", "distribution")


@runs_when_due(
    "distribution",
    if_any="SELECT FROM events_delivery"
    " WHERE consumer IN ('referral_binding', 'placement', 'distribution') AND parked_at IS NULL",
)
def hear_what_waits(now: datetime) -> int:
    """
    Deliver a batch to each of this room's consumers of sales, and return how many events they heard.

    Workers do so anyway, a moment later; whoever advances the clock is answered when all has been done.
    """
    return sum(deliver_batch(get_consumer(name)) for name in FIRST_TO_LAST)
