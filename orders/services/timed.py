"""What time does to orders: unpaid ones are closed, fulfilled ones completed, each at its own due time."""

from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F

from core.clock import runs_when_due
from orders.models import Order
from orders.services.progress import follow_completion
from orders.services.shelf import lock_shelf, put_back
from orders.transitions import TABLE, Mover, Transition


@runs_when_due("orders", if_any="SELECT FROM orders_order WHERE next_transition_at <= %(now)s")
@transaction.atomic
def run_due_transitions(now: datetime) -> int:
    """
    Run a bounded number of the transitions due by `now`; return how many.

    Several may run at once: each takes what the others have not locked, and waits only when that is all
    there is left, so that 0 means that nothing is due.
    """
    due = Order.objects.filter(next_transition_at__lte=now).order_by("next_transition_at", "id")
    wanted = list(due.values_list("public_id", flat=True)[: settings.TIMED_TRANSITIONS_BATCH_MAX])
    if not wanted:
        return 0
    lock_shelf(orders=wanted)  # Items before orders.
    orders = _lock_due(wanted, now, skip_locked=True) or _lock_due(wanted, now, skip_locked=False)
    for row in TABLE:
        if row.by is Mover.TIME:
            _run(row, [order for order in orders if order.status == row.source])
    return len(orders)


def _lock_due(public_ids: Collection[str], now: datetime, *, skip_locked: bool) -> list[Order]:
    locked = Order.objects.select_for_update(no_key=True, of=("self",), skip_locked=skip_locked)
    due = locked.filter(public_id__in=public_ids, next_transition_at__lte=now)
    return list(due.select_related("buyer", "seller").order_by("id"))


def _run(row: Transition, orders: Collection[Order]) -> None:
    """Move locked orders at their due times, and do what follows from it."""
    if not orders:
        return
    keys = [order.id for order in orders]
    moved_at = {row.stamp: F("next_transition_at")}
    Order.objects.filter(id__in=keys).update(status=row.target, next_transition_at=None, **moved_at)
    for order in orders:
        setattr(order, row.stamp, order.next_transition_at)
    if row.target == Order.Status.CLOSED:
        put_back(orders=keys)
    else:
        follow_completion(orders)
