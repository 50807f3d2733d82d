"""Agents: each area with its chain, its agent or vacancy, and what lies below; appointed, replaced, ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from unfold.decorators import display

from accounts.browser import operator_of
from core import clock
from core.admin import ReadOnlyAdmin, link_to, page, page_link, show_page, shown_money, table
from distribution import services
from distribution.admin.people_steps import AgentForm, Given, NothingAsked, Steps
from distribution.models import AgentSeat, Area
from distribution.people import stores_below
from distribution.seat_figures import next_up, preview_end
from distribution.services.seats import is_living, living

BELOW_MAX = 200  # Areas directly below one that its page lists.
STATE_COLOURS = {"held": "success", "ahead": "info", "ended": "warning"}
GOES_TO = {"house": "stays with the house", "next_up": "goes next up", "escrow": "waits in escrow"}


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("living", "held or ahead"), ("ended", "ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        held = living(clock.now())
        return {"living": queryset.filter(held), "ended": queryset.exclude(held)}.get(self.value() or "", queryset)


@admin.register(AgentSeat)
class AgentSeatAdmin(ReadOnlyAdmin):
    """Found by id or rule number, or by the id of the agent."""

    icon = "badge"
    list_display = ("rule_number", "shown_state", "shown_area", "shown_agent", "from_at", "until_at")
    list_select_related = ("area", "account", "appointed_by", "ended_by")
    list_filter = (StateFilter,)
    search_fields = ("public_id__exact", "rule_number__startswith")
    search_help_text = "agt_…, acc_… or the beginning of a rule number"
    fields = (
        "public_id",
        "rule_number",
        "shown_state",
        "shown_area",
        "shown_agent",
        "from_at",
        "until_at",
        "appointed_by",
        "appointed_at",
        "ended_by",
        "ended_at",
    )
    readonly_fields = fields
    pages = ("areas", "area", "appoint", "replace", "end")
    beside = (("Agents by area", "account_tree", "areas"),)

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        return queryset.filter(account__public_id=term) if term.startswith("acc_") else None

    @display(description="state", label=STATE_COLOURS)
    def shown_state(self, seat: AgentSeat) -> str:
        return state_of(seat, clock.now())

    @display(description="area")
    def shown_area(self, seat: AgentSeat) -> str:
        return area_link(seat.area)

    @display(description="agent")
    def shown_agent(self, seat: AgentSeat) -> str:
        return link_to("accounts.account", seat.account_id, seat.account.name)

    @page("areas/", permission="distribution.view_agentseat")
    def areas(self, request: HttpRequest) -> HttpResponse:
        """The countries, from which one walks down."""
        roots = Area.objects.filter(level=0, retired_at=None).order_by("scheme_id", "name")
        sections = [("Countries", areas_table(list(roots[:BELOW_MAX]), clock.now()), "")]
        return show_page(
            request, self, "distribution/admin/sections.html", title="Agents by area", sections=sections, links=[]
        )

    @page("areas/<int:area_id>/", permission="distribution.view_agentseat")
    def area(self, request: HttpRequest, area_id: int) -> HttpResponse:
        """One area: its chain up, who has held its seat, and the areas directly below."""
        area, now = get_object_or_404(Area, pk=area_id), clock.now()
        held = AgentSeat.objects.select_related("account", "area").filter(area=area).order_by("-id")
        current = next((seat for seat in held if is_living(seat, now)), None)
        below = list(area.children.filter(retired_at=None).order_by("code")[: BELOW_MAX + 1])
        note = f"Only the first {BELOW_MAX} by code." if len(below) > BELOW_MAX else ""
        sections = [
            ("The chain from here up", areas_table(up_from(area), now), ""),
            ("Who has held the seat", seats_table(list(held), now), "" if held else "Nobody yet."),
            (
                "Directly below",
                areas_table(below[:BELOW_MAX], now) if below else "",
                note or ("" if below else "Nothing."),
            ),
        ]
        return show_page(
            request,
            self,
            "distribution/admin/sections.html",
            title=f"{area.name} ({area.public_code})",
            lead=f"Level {area.level}, {area.level_name}. {f'Agent: {current.account.name}' if current else 'Vacant'}.",
            sections=sections,
            links=self._links(area, current),
        )

    def _links(self, area: Area, current: AgentSeat | None) -> list[tuple[str, str]]:
        if current is None:
            return [(self._url("appoint", area.pk), "Appoint an agent")]
        return [(self._url("replace", current.pk), "Replace the agent"), (self._url("end", current.pk), "End the seat")]

    @page("areas/<int:area_id>/appoint/", permission="distribution.add_agentseat")
    def appoint(self, request: HttpRequest, area_id: int) -> HttpResponse:
        area, actor = get_object_or_404(Area, pk=area_id), operator_of(request)

        def look(given: Given) -> Sequence[tuple[str, object]]:
            return [("Agent", given["account"].name), *_gains(area, given)]

        def do(given: Given) -> str:
            seat = services.appoint_agent(
                area=area, account=given["account"], from_at=given["begins"], actor=actor, now=clock.now()
            )
            return f"{seat.account.name} is the agent of {area.name}: {seat.rule_number}."

        return Steps(
            title=f"Appoint an agent for {area.name}",
            lead="From its beginning on the agent has a part in every sale of the stores here.",
            form=AgentForm,
            look=look,
            do=do,
            button="Appoint",
            back=self._url("area", area.pk),
        ).answer(request, self, area)

    @page("<int:seat_id>/replace/", permission="distribution.change_agentseat")
    def replace(self, request: HttpRequest, seat_id: int) -> HttpResponse:
        seat, actor = _seat(seat_id), operator_of(request)

        def look(given: Given) -> Sequence[tuple[str, object]]:
            return [("Leaves", seat.account.name), ("Takes over", given["account"].name), *_gains(seat.area, given)]

        def do(given: Given) -> str:
            taken = services.replace_agent(
                seat=seat.public_id, account=given["account"], from_at=given["begins"], actor=actor, now=clock.now()
            )
            return f"{taken.account.name} takes over from {seat.account.name}: {taken.rule_number}."

        return Steps(
            title=f"Replace the agent of {seat.area.name}",
            lead="One seat ends at the instant at which the next begins. Past sales stay as they were shared out.",
            form=AgentForm,
            look=look,
            do=do,
            button="Replace",
            back=self._url("area", seat.area_id),
        ).answer(request, self, seat)

    @page("<int:seat_id>/end/", permission="distribution.change_agentseat")
    def end(self, request: HttpRequest, seat_id: int) -> HttpResponse:
        seat, actor = _seat(seat_id), operator_of(request)

        def look(given: Given) -> Sequence[tuple[str, object]]:
            seen = preview_end(seat=seat, now=clock.now())
            earned = ", ".join(shown_money(money.minor, money.currency) for money in seen.earned) or "nothing"
            return [
                ("Leaves", seat.account.name),
                ("Stores without an agent here", seen.stores),
                ("Its share", GOES_TO[seen.goes_to]),
                ("Next up", seen.next_up.account.name if seen.next_up else "nobody"),
                (f"Since {seen.since:%Y-%m-%d} it got", earned),
            ]

        def do(given: Given) -> str:
            ended = services.end_agent(seat=seat.public_id, actor=actor, now=clock.now())
            return f"The seat of {seat.account.name} has ended: {ended.rule_number}."

        return Steps(
            title=f"End the seat of {seat.account.name}",
            lead="",
            form=NothingAsked,
            look=look,
            do=do,
            button="End the seat",
            back=self._url("area", seat.area_id),
            grave=True,
        ).answer(request, self, seat)

    def _url(self, method: str, key: int) -> str:
        return reverse(f"admin:{self.page_name(method)}", args=[key])


def _seat(seat_id: int) -> AgentSeat:
    return get_object_or_404(AgentSeat.objects.select_related("area", "account"), pk=seat_id)


def _gains(area: Area, given: Given) -> list[tuple[str, object]]:
    up = next_up(area, clock.now())
    return [
        ("From", f"{given['begins']:%Y-%m-%d %H:%M} UTC" if given["begins"] else "now"),
        ("Stores", stores_below([area.pk]).get(area.pk, 0)),
        ("Next up", up.account.name if up else "nobody"),
    ]


def state_of(seat: AgentSeat, now: datetime) -> str:
    if not is_living(seat, now):
        return "ended"
    return "held" if seat.from_at <= now else "ahead"


def area_link(area: Area) -> str:
    return page_link("distribution_agentseat_area", f"{area.name} ({area.code})", area.pk)


def up_from(area: Area) -> list[Area]:
    """The area and those above it; trees of areas are a few levels deep."""
    found, above = [area], area.parent
    while above is not None:
        found.append(above)
        above = above.parent
    return found


def areas_table(areas: Sequence[Area], now: datetime) -> str:
    """Areas with their agents, and the number of stores placed in each or below it."""
    keys = [area.pk for area in areas]
    held = AgentSeat.objects.select_related("account").filter(living(now) & Q(area__in=keys)).order_by("-from_at")
    agent_of = {seat.area_id: seat for seat in held}
    stores = stores_below(keys)
    rows = [
        (
            area.level,
            area_link(area),
            _agent(agent_of.get(area.pk), now),
            stores.get(area.pk, 0),
        )
        for area in areas
    ]
    return table(["tier", "area", "agent", "stores"], rows, numbers={"tier", "stores"})


def _agent(seat: AgentSeat | None, now: datetime) -> str:
    if seat is None:
        return "vacant"
    name = link_to("accounts.account", seat.account_id, seat.account.name)
    return name if seat.from_at <= now else f"vacant until {seat.from_at:%Y-%m-%d}"


def seats_table(seats: Sequence[AgentSeat], now: datetime) -> str:
    rows = [
        (
            link_to("distribution.agentseat", seat.pk, seat.rule_number),
            link_to("accounts.account", seat.account_id, seat.account.name),
            f"{seat.from_at:%Y-%m-%d %H:%M}",
            f"{seat.until_at:%Y-%m-%d %H:%M}" if seat.until_at else "-",
            state_of(seat, now),
        )
        for seat in seats
    ]
    return table(["rule number", "agent", "from", "until", "state"], rows) if rows else ""
