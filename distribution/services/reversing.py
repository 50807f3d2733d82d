"""Reversing: a refund takes the same part of everybody's commission, in whatever steps, and ends exactly at zero."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core.money import split_cumulative
from distribution.events import EscrowReleased, accrued_key
from distribution.models import AllocatedLine, Allocation
from distribution.sales import refunded_fees
from distribution.services.escrow import escrow_key_of, gone_from_escrow
from events.services import emit_all
from wallets.services import TakenBack, take_back_commissions

PLATFORM = 0  # Before all allocations, whose keys begin with 1.


@dataclass(frozen=True, slots=True)
class RefundedSale:
    """A refund as its event tells it; public ids."""

    order: str
    refund: str
    at: datetime


@transaction.atomic
def reverse_refunded(*, refunds: Sequence[RefundedSale]) -> None:
    """
    Take back what refunds take of the commissions of their sales, each refund once, in their order.

    The part of the pool that goes is that of the fee that was given back; over those who have it, it is cut by
    `split_cumulative`: so it depends only on all that was refunded, and at the end everybody is at zero.
    """
    fees_by_refund = refunded_fees([refund.refund for refund in refunds])
    lines = _lock_lines([refund.order for refund in refunds])
    for refund in refunds:
        fees = fees_by_refund.get(refund.refund, {})
        touched = [line for line in lines.get(refund.order, ()) if fees.get(line.line)]
        if touched:
            _reverse(refund, touched, fees)


def _lock_lines(orders: Sequence[str]) -> Mapping[str, list[AllocatedLine]]:
    locked = AllocatedLine.objects.select_for_update(no_key=True).filter(order__in=set(orders)).order_by("line")
    by_order: dict[str, list[AllocatedLine]] = defaultdict(list)
    for line in locked:
        by_order[line.order].append(line)
    return by_order


def _reverse(refund: RefundedSale, lines: Sequence[AllocatedLine], fees: Mapping[int, int]) -> None:
    rows = Allocation.objects.filter(line__in=[line.line for line in lines]).order_by("id")
    by_line: dict[int, list[Allocation]] = defaultdict(list)
    for row in rows:
        by_line[row.line_id].append(row)
    steps: list[tuple[AllocatedLine, Allocation, int]] = []
    for line in lines:
        line.fee_refunded_minor += fees[line.line]
        line.gone_minor = line.pool_minor * line.fee_refunded_minor // line.fee_minor
        for row, gone_minor in _gone_by_row(line, by_line[line.line]):
            steps.append((line, row, gone_minor - row.reversed_minor))
            row.reversed_minor = gone_minor
    AllocatedLine.objects.bulk_update(lines, ["fee_refunded_minor", "gone_minor"])
    changed = [row for _line, row, minor in steps if minor]
    if changed:
        Allocation.objects.bulk_update(changed, ["reversed_minor"])
    _take_back(refund, [step for step in steps if step[1].account_id is not None])
    _empty_escrow(refund, [step for step in steps if step[1].is_in_escrow])


def _gone_by_row(line: AllocatedLine, rows: Sequence[Allocation]) -> list[tuple[Allocation, int]]:
    """
    What is gone of each row, by all that is gone of the line's pool.

    A part that was given up keeps its place among the weights: others' parts never depend on what became of it.
    """
    weights = {row.pk: row.original_minor for row in rows} | {PLATFORM: line.platform_minor}
    gone = split_cumulative(line.gone_minor, weights)
    return [(row, gone[row.pk]) for row in rows]


Steps = Sequence[tuple[AllocatedLine, Allocation, int]]


def _take_back(refund: RefundedSale, steps: Steps) -> None:
    """One step for each earning, whatever allocations it is made of."""
    minors: dict[tuple[int, str, str, str], int] = defaultdict(int)
    for line, row, minor in steps:
        assert row.account_id is not None
        minors[row.account_id, row.role, row.earning_part, credited_by(line, row)] += minor
    taken = [
        TakenBack(owner_id=owner_id, role=role, part=part, minor=minor, undoes=undoes)
        for (owner_id, role, part, undoes), minor in minors.items()
    ]
    take_back_commissions(order=refund.order, steps=taken, now=refund.at)


def credited_by(line: AllocatedLine, row: Allocation) -> str:
    """The key of the event that gave an allocation to its account."""
    return row.credited_by or accrued_key(order=row.order, part=line.part)


def _empty_escrow(refund: RefundedSale, steps: Steps) -> None:
    """What nobody has yet goes back to the platform; one event for each escrow of a store's lines."""
    minors: dict[tuple[str, int, str], int] = defaultdict(int)
    line_of: dict[tuple[str, int, str], AllocatedLine] = {}
    for line, row, minor in steps:
        key = escrow_key_of(line, row)
        minors[key] += minor
        line_of[key] = line
    gone = gone_from_escrow(refund.order)
    emit_all(
        [
            EscrowReleased(
                order=refund.order,
                part=part or None,
                level=level,
                escrow=escrow,
                to_owner_minor=0,
                to_platform_minor=minor,
                gone_minor=gone[part, level, escrow],
                currency=line_of[part, level, escrow].currency,
                channel=line_of[part, level, escrow].channel or None,
                institution=line_of[part, level, escrow].institution or None,
            )
            for (part, level, escrow), minor in minors.items()
            if minor
        ],
        occurred_at=refund.at,
    )
