"""What buyer and seller do with an order besides paying: cancel, fulfil, complete."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from events.services import Fact, record_facts
from orders.events import OrderCompleted
from orders.models import Order
from orders.services.refunding import refund_rest
from orders.services.shelf import lock_shelf, put_back
from orders.transitions import Mover, ensure_may, move
from wallets.services import schedule_release


@transaction.atomic
def cancel_order(*, order: str, actor: Actor, now: datetime) -> Order:
    """
    Cancel an order: the buyer while it is pending, the seller also while it is paid, with a full refund.

    What it took from stock goes back.

    :raises NotFound: the account neither ordered nor sells it.
    :raises OrderNotCancellable: it is too late for that.
    """
    lock_shelf(orders=[order])  # Items before orders.
    mover = Mover(actor.acting.side)
    cancelled = Order.objects.lock(order, **{mover: actor.acting})
    row = ensure_may(cancelled, "cancel", by=mover, at=now)
    refund_rest(cancelled, reason="Cancelled by the seller.", actor=actor, now=now)
    put_back(orders=[cancelled.id])
    cancelled.save(update_fields=move(cancelled, row, at=now))
    return cancelled


@transaction.atomic
def fulfil_order(*, order: str, actor: Actor, now: datetime) -> Order:
    """
    Say that a paid order of the acting seller is handed over; it is completed by the buyer, or by time.

    :raises NotFound: the seller has no such order.
    :raises OrderNotFulfillable: it is not paid, or fulfilled before.
    """
    fulfilled = Order.objects.lock(order, seller=actor.acting)
    row = ensure_may(fulfilled, "fulfil", by=Mover.SELLER, at=now)
    fulfilled.save(update_fields=move(fulfilled, row, at=now))
    return fulfilled


@transaction.atomic
def complete_order(*, order: str, actor: Actor, now: datetime) -> Order:
    """
    Say that the acting buyer has what was ordered. The hold period of its earnings runs from now.

    :raises NotFound: the buyer has no such order.
    :raises OrderNotCompletable: it is not fulfilled, or completed before.
    """
    completed = Order.objects.lock(order, buyer=actor.acting)
    row = ensure_may(completed, "complete", by=Mover.BUYER, at=now)
    completed.save(update_fields=move(completed, row, at=now))
    follow_completion([completed])
    return completed


def follow_completion(orders: Iterable[Order]) -> None:
    """Start the hold periods of completed orders, each from its own completion, and say so."""
    facts = []
    for order in orders:
        assert order.completed_at is not None
        assert order.buyer is not None
        schedule_release(order=order.public_id, releases_at=order.completed_at + settings.EARNINGS_HOLD_PERIOD)
        event = OrderCompleted(order=order.public_id, buyer=order.buyer.public_id, seller=order.seller.public_id)
        facts.append(Fact.of(event, occurred_at=order.completed_at))
    record_facts(facts)
