"""Completing: from here the hold period of a sale's commissions runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from distribution.models import AllocatedLine
from distribution.plans import CompiledPlan, compiled_plan
from wallets.services import schedule_commissions

_SCHEDULE = """
UPDATE distribution_allocatedline line SET releases_at = due.at
FROM unnest(%s::text[], %s::timestamptz[]) AS due("order", at) WHERE line."order" = due."order"
"""


@dataclass(frozen=True, slots=True)
class CompletedSale:
    """A completed order as its event tells it; a public id."""

    order: str
    at: datetime


@transaction.atomic
def complete_sales(*, sales: Sequence[CompletedSale]) -> None:
    """Say when the commissions of completed orders are released; three statements, however many."""
    completed = {sale.order: sale.at for sale in sales}
    lines = AllocatedLine.objects.filter(order__in=completed).order_by("order").distinct("order")
    plans = dict(lines.values_list("order", "plan_id"))
    due = {order: release_moment(compiled_plan(plan), completed[order]) for order, plan in plans.items()}
    if due:
        _note(due)
        schedule_commissions(due)


def release_moment(plan: CompiledPlan, completed_at: datetime) -> datetime:
    """When the commissions of a sale go to the wallets: never before the sale's own earning."""
    return completed_at + max(plan.hold, settings.EARNINGS_HOLD_PERIOD)


def _note(due: Mapping[str, datetime]) -> None:
    """What leaves escrow later goes by it as well."""
    with connection.cursor() as cursor:
        cursor.execute(_SCHEDULE, [list(due), list(due.values())])
