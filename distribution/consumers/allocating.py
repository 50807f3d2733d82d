"""What allocation hears: orders are paid, completed and refunded."""

from collections.abc import Sequence

from django.conf import settings

from distribution.services.allocating import allocate_sales, sale_of
from distribution.services.completing import CompletedSale, complete_sales
from distribution.services.reversing import RefundedSale, reverse_refunded
from events.consumers import consumes
from events.models import EventRecord

PAID, COMPLETED, REFUNDED = "order.paid", "order.completed", "order.refunded"


@consumes(PAID, COMPLETED, REFUNDED, name="distribution", after=("referral_binding", "placement"))
def allocate(events: Sequence[EventRecord]) -> None:
    """
    Share out what was paid, say when it is released, and take back what was refunded.

    All of one kind at once: an order is paid before anything else happens to it, and the events of one order
    come in their order. Sales of an imported history are shared with nobody: they were made without a plan.
    """
    allocate_sales(sales=[sale_of(event) for event in events if event.type == PAID and not _is_history(event)])
    complete_sales(sales=[CompletedSale(e.payload["order"], e.occurred_at) for e in events if e.type == COMPLETED])
    reverse_refunded(refunds=[_refunded(event) for event in events if event.type == REFUNDED])


def _is_history(event: EventRecord) -> bool:
    return event.recorded_at - event.occurred_at > settings.SHARED_AGE_MAX


def _refunded(event: EventRecord) -> RefundedSale:
    return RefundedSale(event.payload["order"], event.payload["refund"], event.occurred_at)
