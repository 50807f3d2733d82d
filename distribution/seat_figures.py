"""What a seat is worth: its stores, what it earned lately, and where that would go if it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import F, Q, QuerySet, Sum

from accounts.models import Account
from core.money import Money
from distribution.errors import SeatEnded
from distribution.models import AgentSeat, Allocation, Area
from distribution.people import stores_below
from distribution.plans import HOUSE, NEXT_UP, plan_timeline
from distribution.services.seats import is_living, living
from wallets.models import Earning


@dataclass(frozen=True, slots=True)
class EndPreview:
    """
    What would follow if a seat ended at a moment, by the plan in force then.

    `vacancy`: where the share of a vacant seat goes: house, next_up or escrow. `heir`: the seat next up, if that is
    where it goes and somebody holds one; else None. `earned`: what the seat got since a moment, after refunds, which
    is what would have gone there instead.
    """

    seat: AgentSeat
    at: datetime
    since: datetime
    stores: int
    vacancy: str
    heir: AgentSeat | None
    next_up: AgentSeat | None
    earned: Sequence[Money]

    @property
    def goes_to(self) -> str:
        """Where the share goes as things stand: to the house, where it is next up's and nobody is."""
        return HOUSE if self.vacancy == NEXT_UP and self.heir is None else self.vacancy


def preview_end(*, seat: AgentSeat, now: datetime) -> EndPreview:
    """
    Say what would follow if a seat ended now; nothing is written.

    :raises SeatEnded: it has ended.
    """
    if not is_living(seat, now):
        raise SeatEnded
    plan = plan_timeline().at(now)
    vacancy = plan.vacancy if plan else HOUSE
    since = now - settings.AGENT_FIGURES_PERIOD
    up = next_up(seat.area, now)
    return EndPreview(
        seat=seat,
        at=now,
        since=since,
        stores=stores_below([seat.area_id]).get(seat.area_id, 0),
        vacancy=vacancy,
        heir=up if vacancy == NEXT_UP else None,
        next_up=up,
        earned=earned_by(seat, since),
    )


def next_up(area: Area, now: datetime) -> AgentSeat | None:
    """Return the seat held now in the nearest area above that has an agent."""
    above = area.parent
    while above is not None:
        held = AgentSeat.objects.select_related("area", "account").filter(living(now), area=above, from_at__lte=now)
        if seat := held.first():
            return seat
        above = above.parent
    return None


def earned_by(seat: AgentSeat, since: datetime) -> list[Money]:
    """Return what the holder of a seat got of sales in its area since a moment, after refunds, by currency."""
    shares = Allocation.objects.filter(
        role=Allocation.Role.AGENT, account=seat.account_id, area=seat.area_id, line__paid_at__gte=since
    )
    sums = shares.values(currency=F("line__currency")).annotate(got=Sum(F("original_minor") - F("reversed_minor")))
    return [Money(row["got"], row["currency"]) for row in sums.order_by("currency")]


@dataclass(frozen=True, slots=True)
class AgentEarnings:
    """
    What an account got as an agent, in one currency and in minor units: not yet released, released, taken back.
    """

    currency: str
    pending_minor: int
    released_minor: int
    reversed_minor: int


def agent_earnings(*, visible_to: Account) -> list[AgentEarnings]:
    """Return an account's own earnings as an agent, by currency; one statement."""
    own: QuerySet = Earning.objects.filter(
        owner=visible_to, kind=Earning.Kind.COMMISSION, role=Allocation.Role.AGENT.value
    )
    left = F("original_minor") - F("reversed_minor")
    sums = own.values("currency").annotate(
        pending=Sum(left, filter=Q(status=Earning.Status.PENDING), default=0),
        released=Sum(left, filter=~Q(status=Earning.Status.PENDING), default=0),
        reversed=Sum("reversed_minor", default=0),
    )
    return [
        AgentEarnings(row["currency"], row["pending"], row["released"], row["reversed"])
        for row in sums.order_by("currency")
    ]
