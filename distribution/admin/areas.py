"""Schemes of areas in their versions, and each area with what is known of it, walked level by level, on a map."""

from collections.abc import Collection
from typing import Any

import shapely
from django.contrib import admin
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from catalog.search import found_by
from core import clock
from core.admin import ReadOnlyAdmin, link_to, list_link, page_link, show_page, table
from distribution.areas.shelf import atlas_in_force
from distribution.models import AgentSeat, Area, AreaAlias, AreaVersion, Placement
from distribution.services.areas import folded
from distribution.services.seats import living
from distribution.vacancies import vacant_areas

MAP_WIDTH = 480
MAP_POINTS_MAX = 400  # Across the map: what is finer than that nobody sees.
BELOW_MAX = 1000  # Areas directly below one that its page lists; Minas Gerais has 853.


class SeatFilter(admin.SimpleListFilter):
    title = "agent"
    parameter_name = "seat"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("vacant", "missing where there are stores")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return vacant_areas(queryset, clock.now()) if self.value() == "vacant" else queryset


@admin.register(AreaVersion)
class AreaVersionAdmin(ReadOnlyAdmin):
    """What was loaded, when, and what it changed; `manage.py load_areas` makes the next."""

    icon = "layers"
    list_display = (
        "__str__",
        "shown_root",
        "areas_count",
        "added_count",
        "retired_count",
        "borders_count",
        "areas_file",
        "borders_file",
        "loaded_at",
    )
    list_filter = ("scheme",)
    search_fields = ("scheme__code__exact",)
    search_help_text = "A scheme's code"
    fields = (*list_display, "borders_from", "digest")
    readonly_fields = fields

    @display(description="tree")
    def shown_root(self, version: AreaVersion) -> str:
        root = Area.objects.filter(scheme=version.scheme_id, level=0, retired_at=None).first()
        return link_to("distribution.area", root.pk, root.name) if root else "-"


@admin.register(Area)
class AreaAdmin(ReadOnlyAdmin):
    """Found by code, or by words of the name; walked from its scheme's country downwards."""

    icon = "map"
    list_display = ("name", "public_code", "level_name", "shown_parent", "retired_at")
    list_select_related = ("parent",)
    list_filter = (SeatFilter, "scheme", "level")
    search_fields = ("code__exact",)
    search_help_text = "A code (BR:35, 35) or words of a name"
    ordering = ("level", "id")

    @display(description="part of")
    def shown_parent(self, area: Area) -> str:
        return link_to("distribution.area", area.parent.pk, area.parent.name) if area.parent else "-"

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        """With a scheme it is a code; else words, of which the code is one."""
        scheme, colon, code = term.partition(":")
        return queryset.filter(scheme=scheme, code=code) if colon else found_by(queryset, folded(term))

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """The way up, what is known, a map of the areas directly below, and their list."""
        if not self.has_view_permission(request):
            return super().change_view(request, object_id, *args, **kwargs)
        area = get_object_or_404(Area.objects.select_related("parent"), pk=object_id)
        below = _below(area)[:BELOW_MAX]
        held = {seat.area_id: seat for seat in _seats_of([area.pk, *(one.pk for one in below)])}
        title = f"{area.name} ({area.public_code})"
        sections = [("What is known", facts(area, held.get(area.pk)), "")]
        if drawn := area_map([one.pk for one in below] or [area.pk], set(held)):
            sections.append(("Map", drawn, "Green has an agent, grey is vacant; borders are drawn coarsely."))
        if below:
            sections.append((f"Directly below ({len(below)})", below_table(below, held), ""))
        return show_page(
            request, self, "distribution/admin/sections.html", title=title, original=area, sections=sections, links=[]
        )


def facts(area: Area, seat: AgentSeat | None) -> str:
    aliases = ", ".join(AreaAlias.objects.filter(area=area).order_by("code").values_list("code", flat=True)[:50])
    placed = Placement.objects.filter(area=area, until_at=None).aggregate(
        settled=Count("pk", filter=Q(is_waiting=False)), waiting=Count("pk", filter=Q(is_waiting=True))
    )
    centre = f"{area.latitude}, {area.longitude}" if area.latitude is not None else "not known"
    lines = [
        ("way up", _way_up(area)),
        ("level", f"{area.level}, {area.level_name}"),
        ("centre", centre),
        ("retired", area.retired_at or "no, in force"),
        ("old codes that lead here", aliases or "none"),
        ("stores", f"{placed['settled']} settled, {placed['waiting']} waiting"),
        ("placements", list_link("distribution.placement", f"area__id__exact={area.pk}", "all of them")),
        ("agent", link_to("distribution.agentseat", seat.pk, seat.account.name) if seat else "vacant"),
        ("agents", page_link("distribution_agentseat_area", "seat, chain and vacancies", area.pk)),
    ]
    return table(["", ""], lines)


def below_table(below: Collection[Any], held: dict[int, AgentSeat]) -> str:
    rows = (
        (
            link_to("distribution.area", one.pk, one.name),
            one.public_code,
            one.level_name,
            "yes" if one.has_border else "-",
            one.children_count,
            one.stores_count,
            held[one.pk].account.name if one.pk in held else "vacant",
        )
        for one in below
    )
    head = ["area", "code", "level", "border", "areas below", "stores", "agent"]
    return table(head, rows, numbers={"areas below", "stores"})


def area_map(keys: Collection[int], with_agents: Collection[int]) -> str:
    """Draw the borders of some areas that are in force; empty where none of them is known."""
    atlas = atlas_in_force()
    shapes = {key: atlas.shapes[atlas.place_of[key]] for key in keys if key in atlas.place_of}
    shapes = {key: shape for key, shape in shapes.items() if shape is not None}
    if not shapes:
        return ""
    west, south, east, north = shapely.total_bounds(list(shapes.values()))
    scale = MAP_WIDTH / max(east - west, north - south)
    finest = max(east - west, north - south) / MAP_POINTS_MAX
    paths = [
        (
            _path(shapely.simplify(shape, finest), west, north, scale),
            "area-held" if key in with_agents else "area-vacant",
            atlas.entries[atlas.place_of[key]].public_code,
        )
        for key, shape in shapes.items()
    ]
    drawn = format_html_join("", '<path d="{}" class="{}"><title>{}</title></path>', paths)
    size = f"0 0 {(east - west) * scale:.0f} {(north - south) * scale:.0f}"
    return format_html('<svg class="area-map" viewBox="{}" role="img" aria-label="Map">{}</svg>', size, drawn)


def _path(shape: Any, west: float, north: float, scale: float) -> str:
    rings = [ring for part in getattr(shape, "geoms", [shape]) for ring in (part.exterior, *part.interiors)]
    drawn = (" ".join(f"{(x - west) * scale:.1f},{(north - y) * scale:.1f}" for x, y in ring.coords) for ring in rings)
    return "".join(f"M{points}Z" for points in drawn)


def _way_up(area: Area) -> str:
    above = []
    while area.parent_id is not None:
        area = Area.objects.get(pk=area.parent_id)
        above.append((link_to("distribution.area", area.pk, area.name),))
    return format_html_join(" › ", "{}", reversed(above)) if above else "the top"


def _below(area: Area) -> QuerySet[Area]:
    stores = Q(placements__until_at=None, placements__isnull=False)
    children = Area.objects.filter(parent=area, retired_at=None).order_by("code")
    return children.annotate(
        children_count=Count("children", filter=Q(children__retired_at=None), distinct=True),
        stores_count=Count("placements", filter=stores, distinct=True),
        has_border=Exists(Area.objects.filter(pk=OuterRef("pk"), borders__isnull=False)),
    )


def _seats_of(areas: Collection[int]) -> QuerySet[AgentSeat]:
    return AgentSeat.objects.filter(living(clock.now()), area__in=areas).select_related("account")
