"""
Where an order's money went: who has which part and why, and the way from the payer to each of them.

Made of the order's proof and nothing else, so that everybody sees here what the proof lets them see, to the cent:
*paid = the parts + what was given back*. Why somebody has a part is what the rooms said when they gave it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from accounts.models import Account
from billing.selectors import RuleTaken, rules_taken
from core.registry import ProofLine
from distribution.models import Allocation
from distribution.selectors import allocations, not_paid_of, states_of
from events.models import EventRecord
from orders.models import Order
from proofs.order_money import OTHERS, PLATFORM, BookedTransfer, OrderMoney, amount_of, order_money
from sharing.attributions import attribution_of
from sharing.models import WonLine
from wallets.selectors import SHARE_CHARGE, earnings_of_order

PAYER, SALE, FEE, BACK = "payer", "sale", "fee", "back"
SELLER = "seller"
OF_THE_SALE = frozenset({SELLER, SHARE_CHARGE})

Whose = tuple[str, str, str | None]  # Party, role, and the account's public id.


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a part is somebody's: a room's own sentence, or the line that somebody brought; with what it came to."""

    why: str = ""
    won: WonLine | None = None
    won_by: str = ""  # Why the sharer's scan counted and nobody else's.
    allocation: Allocation | None = None
    amount_minor: int
    status: str
    releases_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What one party has of an order's money in one role; `original_minor` at payment, `amount_minor` now."""

    party: str
    role: str
    account: str | None
    name: str
    original_minor: int
    amount_minor: int
    statuses: Sequence[str]
    reasons: Sequence[Reason] = field(default=(), compare=False)

    @property
    def gone_minor(self) -> int:
        """What refunds took of it."""
        return self.original_minor - self.amount_minor


@dataclass(frozen=True, slots=True)
class Flow:
    """Money from one place to another; `part` is the index of the part that it ends at, if it ends at one."""

    source: str
    target: str
    minor: int
    part: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """An event that moved the order's money, with the transfers that the viewer may see; none: not booked yet."""

    event: EventRecord
    transfers: Sequence[BookedTransfer]
    rule: RuleTaken | None = None


@dataclass(frozen=True, slots=True)
class WhereItWent:
    """The story of one order's money, as far as one account may see it."""

    money: OrderMoney
    parts: Sequence[Part]
    flows: Sequence[Flow]
    steps: Sequence[Step]

    @property
    def order(self) -> Order:
        return self.money.order


def where_it_went(order: str, *, visible_to: Account) -> WhereItWent:
    """
    Return where the money of an order (public id) is, by whom and why.

    Buyer, seller and operators see it, each as much as the proof of the order's money shows.
    :raises NotFound: there is no such order, or it is somebody else's.
    """
    money = order_money(order, visible_to=visible_to)
    parts = _parts(money, _reasons(money, visible_to))
    return WhereItWent(money, parts, list(_flows(money, parts, visible_to)), _steps(money, visible_to))


# --- Parts ---------------------------------------------------------------------------------------


def _parts(money: OrderMoney, reasons: Mapping[Whose, Sequence[Reason]]) -> list[Part]:
    """All lines of one party in one role are one part: an agent may have several lines, and a sharer too."""
    lines: dict[Whose, list[ProofLine]] = defaultdict(list)
    for line in money.shares:
        lines[line.party, line.role, line.account].append(line)
    return [_part(whose, of, money, reasons.get(whose, ())) for whose, of in lines.items()]


def _part(whose: Whose, lines: Sequence[ProofLine], money: OrderMoney, reasons: Sequence[Reason]) -> Part:
    party, role, account = whose
    return Part(
        party=party,
        role=role,
        account=account,
        name=money.names[account]["name"] if account else "",
        original_minor=sum(line.original_minor for line in lines),
        amount_minor=sum(line.amount_minor for line in lines),
        statuses=sorted({line.status for line in lines}),
        reasons=reasons,
    )


def _reasons(money: OrderMoney, viewer: Account) -> Mapping[Whose, Sequence[Reason]]:
    """Why each part is whose it is; a constant number of statements."""
    found: dict[Whose, list[Reason]] = defaultdict(list)
    for whose, reason in (
        *_of_allocations(money.order, viewer),
        *_of_shares(money, viewer),
        *_of_sales(money.order, viewer),
    ):
        found[whose].append(reason)
    return found


def _of_allocations(order: Order, viewer: Account) -> Iterator[tuple[Whose, Reason]]:
    """Own parts of the fee; operators see everybody's, and what stayed with the platform because nobody was there."""
    for state in states_of(list(allocations(order=order.public_id, visible_to=viewer).order_by("id"))):
        row = state.allocation
        account = row.account.public_id if row.account else None
        yield (
            (row.role if account else "escrow", row.role, account),
            Reason(
                why=row.why,
                allocation=row,
                amount_minor=row.amount_minor,
                status=state.status,
                releases_at=row.line.releases_at,
            ),
        )
    if viewer.is_staff:
        for missed in not_paid_of(order.public_id):
            yield (PLATFORM, FEE, None), Reason(why=missed.why, amount_minor=missed.minor, status="released")


def _of_shares(money: OrderMoney, viewer: Account) -> Iterator[tuple[Whose, Reason]]:
    """Who brought the customer of what is the business of the seller who pays for it, and of operators."""
    is_charged = any(line.party == SHARE_CHARGE for line in money.shares)
    if not is_charged or not (viewer.is_staff or viewer.pk == money.order.seller_id):
        return
    found = attribution_of(money.order.public_id)
    reasons = {touch.line: touch.reason for touch in found.touches if touch.won}
    for won in found.won:
        yield (
            (SHARE_CHARGE, "sharer", won.sharer.public_id),
            Reason(
                won=won,
                won_by=reasons.get(won.line, ""),
                amount_minor=won.amount_minor,
                status=won.status,
                releases_at=won.held_until if won.is_held else won.earning.releases_at if won.earning else None,
            ),
        )


def _of_sales(order: Order, viewer: Account) -> Iterator[tuple[Whose, Reason]]:
    for earning in earnings_of_order(order.public_id, visible_to=viewer):
        if earning.kind == earning.Kind.SALE:
            yield (
                (SELLER, SELLER, order.seller.public_id),
                Reason(
                    why=earning.why,
                    amount_minor=earning.amount_minor,
                    status=earning.status,
                    releases_at=earning.releases_at,
                ),
            )


# --- Flows ---------------------------------------------------------------------------------------


def _flows(money: OrderMoney, parts: Sequence[Part], viewer: Account) -> Iterator[Flow]:
    """
    The way of the money, left to right; what is nothing is left out.

    Who may see the fee sees the sale cut into it and the seller's side first: of the one come agents and those who
    brought people, of the other who brought the customer. A buyer sees the parts alone.
    """
    order = money.order
    if viewer.is_staff or viewer.pk == order.seller_id:
        yield from _cut_in_two(order, parts)
    else:
        yield from _some(PAYER, BACK, order.refunded_minor)
        for index, part in enumerate(parts):
            yield from _some(PAYER, _place(index), part.amount_minor, index)


def _cut_in_two(order: Order, parts: Sequence[Part]) -> Iterator[Flow]:
    fee_minor = order.fee_minor if order.paid_minor else 0
    yield from _some(PAYER, SALE, order.paid_minor - fee_minor)
    yield from _some(PAYER, FEE, fee_minor)
    for index, part in enumerate(parts):
        yield from _some(SALE if part.party in OF_THE_SALE else FEE, _place(index), part.amount_minor, index)
    yield from _some(SALE, BACK, order.refunded_minor - order.fee_refunded_minor)
    yield from _some(FEE, BACK, order.fee_refunded_minor)


def _some(source: str, target: str, minor: int, part: int | None = None) -> Iterable[Flow]:
    return [Flow(source, target, minor, part)] if minor > 0 else []


def _place(index: int) -> str:
    return f"part-{index}"


# --- Steps ---------------------------------------------------------------------------------------


def _steps(money: OrderMoney, viewer: Account) -> list[Step]:
    """What happened to the money, oldest first; by which rules it was booked is for operators."""
    transfers: dict[int, list[BookedTransfer]] = defaultdict(list)
    for booked in money.transfers:
        transfers[booked.event.pk].append(booked)
    moving = [event for event in money.events if amount_of(event)]
    rules = rules_taken([event.pk for event in moving]) if viewer.is_staff else {}
    return [Step(event, transfers[event.pk], rules.get(event.pk)) for event in moving]


__all__ = ["BACK", "FEE", "OTHERS", "PAYER", "SALE", "Flow", "Part", "Reason", "Step", "WhereItWent", "where_it_went"]
