"""An agent's own page: its areas on a map, their stores, what is vacant beside them, and what it earned and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.models import Account
from core import clock
from core.money import Money
from distribution.areas.maps import frame_of_area, frame_of_points, outlines_on
from distribution.models import AgentSeat, Allocation, Area, Placement
from distribution.people import living_seats, stores_below, stores_placed_in, vacant_beside
from distribution.seat_figures import AgentEarnings, agent_earnings
from distribution.selectors import AllocationState, allocations, states_of
from portal.maps import Drawing, Point, draw
from portal.pages.base import CustomerPage, TextPage
from portal.pages.earning.earnings import months_of, page_of
from portal.pages.earning.wording import TONES
from portal.pages.scanning import with_query
from proofs.wording import state_in_words

AGENT = Allocation.Role.AGENT.value


@dataclass(frozen=True, slots=True)
class SeatRow:
    """A seat with the number of stores in its area and below."""

    seat: AgentSeat
    stores: int


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part of a sale's fee, and why it is the agent's."""

    part: Allocation
    original: Money
    amount: Money
    state: str
    tone: str


class Agent(CustomerPage, TextPage):
    """/agent?seat=&currency=&after="""

    template_name = "portal/earning/agent.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        own, now = self.customer.acting, clock.now()
        seats = list(living_seats(account=own.public_id, visible_to=own, now=now).order_by("area__level", "id"))
        earnings = agent_earnings(visible_to=own)
        if not seats and not earnings:
            return self.render_to_response(self.get_context_data(seats=[], earnings=[]))
        seat = next((one for one in seats if one.public_id == request.GET.get("seat")), seats[0] if seats else None)
        stores = stores_below(one.area_id for one in seats)
        return self.render_to_response(
            self.get_context_data(
                seats=[SeatRow(one, stores.get(one.area_id, 0)) for one in seats],
                seat=seat,
                **(_district(seat, now) if seat else {}),
                **self._money(own, earnings),
            )
        )

    def _money(self, own: Account, earnings: Sequence[AgentEarnings]) -> dict[str, Any]:
        currencies = [
            row.currency for row in sorted(earnings, key=lambda row: -(row.pending_minor + row.released_minor))
        ]
        asked = self.request.GET.get("currency")
        currency = asked if asked in currencies else next(iter(currencies), "")
        parts, more = page_of(
            allocations(account=own.public_id, visible_to=own).filter(role=AGENT, line__currency=currency), self.request
        )
        wanted = {name: self.request.GET.get(name, "") for name in ("seat", "currency")}
        return {
            "currencies": currencies,
            "currency": currency,
            "earnings": [_sums(row) for row in earnings if row.currency == currency],
            "parts": [_part_row(state) for state in states_of(parts)],
            "more": with_query(self.request.path, {**wanted, "after": more}) if more else "",
            **months_of(own, currency, AGENT),
        }


def _sums(row: AgentEarnings) -> dict[str, Money]:
    return {
        name: Money(minor, row.currency)
        for name, minor in (
            ("pending", row.pending_minor),
            ("released", row.released_minor),
            ("reversed", row.reversed_minor),
        )
    }


def _part_row(state: AllocationState) -> PartRow:
    part = state.allocation
    return PartRow(
        part,
        Money(part.original_minor, part.line.currency),
        Money(part.amount_minor, part.line.currency),
        state_in_words(state.status),
        TONES.get(state.status, "plain"),
    )


# --- The area ------------------------------------------------------------------------------------


def _district(seat: AgentSeat, now: Any) -> dict[str, Any]:
    """What is in a seat's area and beside it."""
    placed = list(stores_placed_in(seat.area_id).order_by("store__name", "id")[: settings.AGENT_STORES_SHOWN + 1])
    vacant = list(vacant_beside(seat.area, now)[: settings.AGENT_VACANCIES_SHOWN])
    stores_of_vacant = stores_below(area.pk for area in vacant)
    stores = placed[: settings.AGENT_STORES_SHOWN]
    return {
        "stores": stores,
        "is_cut": len(placed) > len(stores),
        "vacant": [(area, stores_of_vacant.get(area.pk, 0)) for area in vacant],
        "drawing": _map(seat.area, stores, vacant),
    }


def _map(area: Area, stores: Sequence[Placement], vacant: Sequence[Area]) -> Drawing | None:
    """
    The area by its border; where none is known by the points in and around it, within the borders above.

    Nothing where neither a border nor a point is known.
    """
    own = frame_of_area(area.pk)
    points = [*_points_of(stores)] if own else [*_centre(area, "own"), *_centres_of(vacant), *_points_of(stores)]
    frame = own or frame_of_points((point.latitude, point.longitude) for point in points)
    if frame is None:
        return None
    kinds = {one.pk: "vacant" for one in vacant} | {area.pk: "own"}
    return draw(frame, outlines_on(frame), kinds, points)


def _centre(area: Area, kind: str) -> list[Point]:
    if area.latitude is None or area.longitude is None:
        return []
    return [Point(area.name, area.latitude, area.longitude, kind)]


def _centres_of(vacant: Sequence[Area]) -> list[Point]:
    return [
        Point(area.name, area.latitude, area.longitude, "vacant", f"area-{area.pk}")
        for area in vacant
        if area.latitude is not None and area.longitude is not None
    ]


def _points_of(stores: Sequence[Placement]) -> list[Point]:
    return [
        Point(placed.store.name, placed.store.latitude, placed.store.longitude, "store", placed.store.public_id)
        for placed in stores
        if placed.store.latitude is not None and placed.store.longitude is not None
    ]
