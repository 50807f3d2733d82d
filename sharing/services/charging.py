"""Charging: a paid line that somebody brought gives the sharer its part of what the seller gets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.services import hold_open
from core.money import Money
from events.services import Fact, record_facts
from sharing.cutting import gone_of_charge
from sharing.events import ShareCharged, ShareHeld
from sharing.guards import suspicions
from sharing.models import ShareBudget, WonLine
from wallets.services import ShareOfSale, charge_shares, schedule_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidOrder:
    """A paid order as its event tells it; `channel` and `institution` may be empty."""

    order: str
    channel: str
    institution: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CompletedOrder:
    """A completed order as its event tells it."""

    order: str
    at: datetime


CHARGED_FIELDS = (
    "state", "paid_at", "locked_until", "charged_minor", "is_budgeted", "credited_minor", "reversed_minor", "earning",
    "held_at", "held_until", "hold_reasons",
)  # fmt: skip


@transaction.atomic
def charge_orders(*, paid: Sequence[PaidOrder], now: datetime) -> int:
    """
    Charge the lines of paid orders that somebody brought; return how many.

    Each by the terms it was promised, as far as the item's budget goes, in the order in which the lines were placed,
    whatever the order of delivery. What refunds took before is not charged. A sharer who has closed its account gets
    nothing. One statement where nobody brought anything, and else a few, however many.
    """
    orders = {order.order: order for order in paid}
    lines = _lock_lines(orders)
    if not lines:
        return 0
    budgets = lock_budgets(line.item_id for line in lines)
    for line in lines:
        _charge(line, orders[line.order].at, budgets.get(line.item_id))
    found = suspicions(lines)
    for line in lines:
        if line.credited_minor and found[line.line]:
            paid_at = orders[line.order].at
            line.hold_reasons = found[line.line]
            line.held_at, line.held_until = paid_at, paid_at + settings.SHARE_HOLD_PERIOD
    ShareBudget.objects.bulk_update(budgets.values(), ["spent_minor"])
    facts = _credit([line for line in lines if line.credited_minor], orders, now)
    WonLine.objects.bulk_update(lines, CHARGED_FIELDS)
    record_facts(facts)
    return len(lines)


@transaction.atomic
def complete_orders(*, completed: Sequence[CompletedOrder]) -> None:
    """Say when the sharers' parts of completed orders are released: with the sale's own earning, unless held."""
    at = {order.order: order.at for order in completed}
    brought = set(WonLine.objects.filter(order__in=at, earning__isnull=False).values_list("order", flat=True))
    if brought:
        schedule_shares({order: at[order] + settings.EARNINGS_HOLD_PERIOD for order in brought})


def lock_budgets(items: Iterable[int]) -> dict[int, ShareBudget]:
    """Lock the budgets of items in the order of their keys, after the lines; items that never had one have none."""
    locked = ShareBudget.objects.select_for_update(no_key=True).filter(item__in=set(items)).order_by("item")
    return {budget.item_id: budget for budget in locked}


def _lock_lines(orders: Iterable[str]) -> list[WonLine]:
    """Accounts before lines: a sharer who closes now has the part to settle first, or has closed and gets none."""
    waiting = WonLine.objects.filter(order__in=orders, state=WonLine.State.PROMISED)
    found = list(waiting.values_list("line", "sharer_id"))
    if not found:
        return []
    are_open = hold_open({sharer_id for _line, sharer_id in found})
    parties = WonLine.objects.select_related("share__program", "seller", "sharer")
    locked = parties.select_for_update(no_key=True, of=("self",)).order_by("line")
    lines = list(locked.filter(line__in=[line for line, _sharer in found], state=WonLine.State.PROMISED))
    for line in lines:
        line.sharer.is_active = line.sharer_id in are_open
    return lines


def _charge(line: WonLine, paid_at: datetime, budget: ShareBudget | None) -> None:
    program = line.share.program
    left_minor = _left_minor(budget, line)
    line.state, line.paid_at = WonLine.State.CHARGED, paid_at
    line.locked_until = paid_at + timedelta(days=program.lock_days) if program.lock_days else None
    line.charged_minor = min(line.promised_minor, left_minor) if line.sharer.is_active else 0
    line.reversed_minor = gone_of_charge(
        line.refunded_net_minor, charged_minor=line.charged_minor, net_minor=line.net_minor
    )
    line.credited_minor = line.charged_minor - line.reversed_minor
    line.is_budgeted = budget is not None
    if budget is not None:
        budget.spent_minor += line.credited_minor


def _left_minor(budget: ShareBudget | None, line: WonLine) -> int:
    """What a budget lets a line cost; one in another currency, from before the price was in this one, lets nothing."""
    if budget is None or budget.limit_minor is None:
        return line.promised_minor
    if budget.currency != line.currency:
        return 0
    return max(budget.limit_minor - budget.spent_minor, 0)


def _credit(lines: Sequence[WonLine], orders: Mapping[str, PaidOrder], now: datetime) -> list[Fact]:
    """Make the sharers' earnings of the sellers'; return what there is to say."""
    earnings, were_released = charge_shares([_share_of_sale(line, orders[line.order]) for line in lines], now=now)
    facts = []
    for line, earning in zip(lines, earnings, strict=True):
        line.earning = earning
        # What a seller had been paid out is there again only now.
        at = now if line.order in were_released else orders[line.order].at
        facts.append(Fact.of(_charged(line, orders[line.order]), occurred_at=at))
        if line.is_held:
            facts.append(Fact.of(_held(line), occurred_at=at))
    return facts


def _share_of_sale(line: WonLine, order: PaidOrder) -> ShareOfSale:
    return ShareOfSale(
        order=line.order,
        line=line.public_line,
        sharer_id=line.sharer_id,
        amount=Money(line.credited_minor, line.currency),
        channel=order.channel,
        institution=order.institution,
        earned_at=order.at,
        is_held=line.is_held,
        why=f"You brought the customer: by the terms of your share {line.share.public_id}.",
    )


def _charged(line: WonLine, order: PaidOrder) -> ShareCharged:
    return ShareCharged(
        order=line.order,
        line=line.public_line,
        share=line.share.public_id,
        seller=line.seller.public_id,
        sharer=line.sharer.public_id,
        amount_minor=line.credited_minor,
        currency=line.currency,
        channel=order.channel or None,
        institution=order.institution or None,
    )


def _held(line: WonLine) -> ShareHeld:
    assert line.held_until is not None
    return ShareHeld(
        order=line.order,
        line=line.public_line,
        share=line.share.public_id,
        sharer=line.sharer.public_id,
        amount_minor=line.credited_minor,
        currency=line.currency,
        guards=[found["guard"] for found in line.hold_reasons],
        until=line.held_until.isoformat(),
    )
