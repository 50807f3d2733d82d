"""What orders hear."""

from collections.abc import Sequence

from core import clock
from events.consumers import consumes
from events.models import EventRecord
from orders.selectors import top_ups_awaited
from orders.services import pay_with_top_up


@consumes("wallet.topped_up", name="order_payments", after=("billing",))
def pay_what_was_topped_up(events: Sequence[EventRecord]) -> None:
    """Pay orders whose missing sum a provider has paid in; the subject is the top-up, booked before us."""
    for top_up in top_ups_awaited(event.subject for event in events):
        pay_with_top_up(top_up=top_up, now=clock.now())
