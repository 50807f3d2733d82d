"""What charging hears: orders are paid and completed. Refunds call by themselves, in their own transaction."""

from collections.abc import Sequence

from core import clock
from events.consumers import consumes
from events.models import EventRecord
from sharing.services.charging import CompletedOrder, PaidOrder, charge_orders, complete_orders

PAID, COMPLETED = "order.paid", "order.completed"


@consumes(PAID, COMPLETED, name="sharing")
def charge(events: Sequence[EventRecord]) -> None:
    """Charge what was paid, and say when it is released; all of one kind at once: an order is paid first."""
    charge_orders(paid=[_paid(event) for event in events if event.type == PAID], now=clock.now())
    complete_orders(
        completed=[CompletedOrder(e.payload["order"], e.occurred_at) for e in events if e.type == COMPLETED]
    )


def _paid(event: EventRecord) -> PaidOrder:
    told = event.payload
    return PaidOrder(
        order=told["order"],
        channel=told.get("channel", ""),
        institution=told.get("institution", ""),
        at=event.occurred_at,
    )
