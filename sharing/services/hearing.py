"""Hearing before looking what is due: an order that time alone has completed makes its sharers' parts due."""

from datetime import datetime

from core.clock import runs_when_due
from events.consumers import get_consumer
from events.delivery import deliver_batch


@runs_when_due("sharing", if_any="SELECT FROM events_delivery WHERE consumer = 'sharing' AND parked_at IS NULL")
def hear_what_waits(now: datetime) -> int:
    """
    Deliver a batch of what is paid and completed, and return how many events were heard.

    Workers do so anyway, a moment later; whoever advances the clock is answered when all has been done.
    """
    return deliver_batch(get_consumer("sharing"))
