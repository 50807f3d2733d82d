"""
The states of an order, as one table: who or what moves it from where to where.

Refunds are no states: they are amounts beside the state.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings

from core.errors import Conflict
from orders.errors import OrderNotCancellable, OrderNotCompletable, OrderNotFulfillable, OrderNotPayable
from orders.models import Order

Status = Order.Status


class Mover(StrEnum):
    """Who moves an order on; time does it by the timed task."""

    BUYER = "buyer"
    SELLER = "seller"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: `stamp` is the field that keeps when it happened."""

    action: str
    by: Mover
    source: Status
    target: Status
    stamp: str


TABLE = (
    Transition("pay", Mover.BUYER, Status.PENDING, Status.PAID, "paid_at"),
    Transition("cancel", Mover.BUYER, Status.PENDING, Status.CANCELLED, "ended_at"),
    Transition("cancel", Mover.SELLER, Status.PENDING, Status.CANCELLED, "ended_at"),
    Transition("cancel", Mover.SELLER, Status.PAID, Status.CANCELLED, "ended_at"),
    Transition("close", Mover.TIME, Status.PENDING, Status.CLOSED, "ended_at"),
    Transition("fulfil", Mover.SELLER, Status.PAID, Status.FULFILLED, "fulfilled_at"),
    Transition("complete", Mover.BUYER, Status.FULFILLED, Status.COMPLETED, "completed_at"),
    Transition("complete", Mover.TIME, Status.FULFILLED, Status.COMPLETED, "completed_at"),
)

REFUSALS: dict[str, type[Conflict]] = {
    "pay": OrderNotPayable,
    "cancel": OrderNotCancellable,
    "fulfil": OrderNotFulfillable,
    "complete": OrderNotCompletable,
}

# How long an order may stay in a state that time ends: the name of the setting.
TIME_LIMITS = {Status.PENDING: "ORDER_PAYMENT_LIMIT", Status.FULFILLED: "ORDER_COMPLETION_LIMIT"}

MOVED_FIELDS = ("status", "next_transition_at")


def leaves_at(status: str, since: datetime) -> datetime | None:
    """Return when time will end a state that began at `since`; None where it does not."""
    name = TIME_LIMITS.get(Status(status))
    limit: timedelta | None = getattr(settings, name) if name else None
    return since + limit if limit is not None else None


def find_row(order: Order, action: str, *, by: Mover, at: datetime) -> Transition | None:
    """
    Return the row of the table that applies to a locked order, None where none does.

    An order whose time is up counts as moved on, even if the timed task has not come to it yet: what
    happens does not depend on when the task runs.
    """
    is_overdue = order.next_transition_at is not None and order.next_transition_at <= at
    wanted = (action, by, order.status)
    return next((row for row in TABLE if (row.action, row.by, row.source) == wanted and not is_overdue), None)


def ensure_may(order: Order, action: str, *, by: Mover, at: datetime) -> Transition:
    """
    Return the row of the table that applies to a locked order.

    :raises Conflict: none does; it is the action's own refusal.
    """
    row = find_row(order, action, by=by, at=at)
    if row is None:
        raise REFUSALS[action](order=order.public_id, order_status=order.status)
    return row


def move(order: Order, row: Transition, *, at: datetime) -> list[str]:
    """Put an order into the row's target state as of `at`; return the names of the fields to save."""
    order.status = row.target
    setattr(order, row.stamp, at)
    order.next_transition_at = leaves_at(row.target, at)
    return [*MOVED_FIELDS, row.stamp]
