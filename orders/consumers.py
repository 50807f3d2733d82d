"""What orders hear."""

from collections.abc import Sequence

from core import clock
from events.consumers import consumes
from events.models import EventRecord
from orders.selectors import refunds_of_charged_orders, top_ups_awaited
from orders.services import pay_with_top_up, return_refund


@consumes("wallet.topped_up", name="order_payments", after=("billing",))
def pay_what_was_topped_up(events: Sequence[EventRecord]) -> None:
    """Pay orders whose missing sum a provider has paid in; the subject is the top-up, booked before us."""
    for top_up in top_ups_awaited(event.subject for event in events):
        pay_with_top_up(top_up=top_up, now=clock.now())


@consumes("order.refunded", name="order_returns", after=("billing",))
def return_what_was_charged(events: Sequence[EventRecord]) -> None:
    """Send refunds back to the providers that were charged; billing has put the money into the wallet before us."""
    for refund in refunds_of_charged_orders(event.payload["refund"] for event in events):
        return_refund(refund=refund, now=clock.now())
