"""Reversing: a refund takes its part of what a sharer got, before it takes the seller's."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core.money import Money
from sharing.cutting import SELLER, gone_of_charge
from sharing.models import ShareBudget, WonLine
from sharing.services.charging import lock_budgets
from wallets.services import ShareTakenBack, take_back_earning, take_back_shares

REFUNDED = "refunded"


@transaction.atomic
def reverse_share_charges(*, order: str, refunded_net: Mapping[int, int], now: datetime) -> int:
    """
    Have sharers give back what a refund takes of their parts; return how much of the refund that is, in minor units.

    `refunded_net`: of the lines that it touches, by key, what all refunds so far have taken of what the seller had.
    To be called in the refund's transaction, under the order's lock, before the seller gives back the rest. What is
    not charged yet is only noted, and will be charged less. What an operator rejected the seller has already, in an
    earning of its own. One statement where nobody brought anything.
    """
    lines = _lock_lines(order, refunded_net)
    if not lines:
        return 0
    budgets = lock_budgets(line.item_id for line in lines if line.is_budgeted)
    steps = [(line, _reverse(line, refunded_net[line.line])) for line in lines]
    WonLine.objects.bulk_update(lines, ["refunded_net_minor", "reversed_minor"])
    _give_back_to_budgets([step for step in steps if step[0].state == WonLine.State.CHARGED], budgets)
    _take_back(order, steps, now)
    return sum(minor for _line, minor in steps)


@dataclass(frozen=True, slots=True)
class ReversalsForeseen:
    """What a refund would take of lines that somebody brought: from sharers, and by line from what is the seller's."""

    of_sharers_minor: int
    of_seller_minors: Mapping[str, int]


def foresee_reversals(*, order: str, refunded_net: Mapping[int, int]) -> ReversalsForeseen:
    """
    Return what `reverse_share_charges` would take if it came now; nothing is locked and nothing changed.

    `of_seller_minors`, by the line's public id: of what an operator rejected, which is the seller's again.
    """
    lines = list(WonLine.objects.filter(order=order, line__in=refunded_net).order_by("line"))
    steps = [(line, _reverse(line, refunded_net[line.line])) for line in lines]
    rejected = {line.public_line: minor for line, minor in steps if line.state == WonLine.State.REJECTED and minor}
    return ReversalsForeseen(sum(minor for _line, minor in steps) - sum(rejected.values()), rejected)


def _lock_lines(order: str, wanted: Mapping[int, int]) -> list[WonLine]:
    parties = WonLine.objects.select_related("share", "seller")
    locked = parties.select_for_update(no_key=True, of=("self",))
    return list(locked.filter(order=order, line__in=wanted).order_by("line"))


def _reverse(line: WonLine, refunded_net_minor: int) -> int:
    """Note all that is refunded of a line; return what the sharer's part becomes smaller by."""
    line.refunded_net_minor = refunded_net_minor
    if line.charged_minor is None:
        return 0
    gone_minor = gone_of_charge(refunded_net_minor, charged_minor=line.charged_minor, net_minor=line.net_minor)
    step_minor, line.reversed_minor = gone_minor - line.reversed_minor, gone_minor
    return step_minor


Steps = Sequence[tuple[WonLine, int]]


def _give_back_to_budgets(steps: Steps, budgets: Mapping[int, ShareBudget]) -> None:
    minors: dict[int, int] = defaultdict(int)
    for line, minor in steps:
        if line.is_budgeted:
            minors[line.item_id] += minor
    given = [budgets[item_id] for item_id, minor in minors.items() if minor]
    for budget in given:
        budget.spent_minor -= minors[budget.item_id]
    if given:
        ShareBudget.objects.bulk_update(given, ["spent_minor"])


def _take_back(order: str, steps: Steps, now: datetime) -> None:
    take_back_shares(
        order=order,
        steps=[_taken(line, minor) for line, minor in steps if minor and line.state == WonLine.State.CHARGED],
        now=now,
    )
    for line, minor in steps:
        if line.state == WonLine.State.REJECTED:
            amount = Money(minor, line.currency)
            take_back_earning(
                order=order, owner=line.seller, role=SELLER, part=line.public_line, amount=amount, now=now
            )


def _taken(line: WonLine, minor: int) -> ShareTakenBack:
    assert line.earning_id is not None
    return ShareTakenBack(
        earning_id=line.earning_id,
        share=line.share.public_id,
        seller=line.seller.public_id,
        minor=minor,
        because=REFUNDED,
    )
