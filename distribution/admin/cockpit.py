"""The operators' tile of the agents: where one is missing."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.admin import list_url
from core.cockpit import GOOD, WARN, Content, Figure, Look, Tile, add_tile
from distribution.vacancies import vacancies_by_level


def vacancies(look: Look) -> Content:
    found = vacancies_by_level(look.now)
    vacant, areas = sum(level.vacant for level in found), sum(level.areas for level in found)
    if not areas:
        return Content(empty=_("No store is placed in an area yet."))
    return Content(
        headline=Figure(
            title=ngettext("of %(count)s seat with stores", "of %(count)s seats with stores", areas)
            % {"count": f"{areas:,}"},
            value=ngettext("%(count)s vacant", "%(count)s vacant", vacant) % {"count": f"{vacant:,}"},
            url=list_url("distribution.area", "seat=vacant"),
            tone=WARN if vacant else GOOD,
        ),
        figures=[
            Figure(
                title=f"{level.scheme}: {level.level_name}",
                value=_("%(vacant)s of %(areas)s") % {"vacant": f"{level.vacant:,}", "areas": f"{level.areas:,}"},
                url=list_url(
                    "distribution.area", f"seat=vacant&scheme__code__exact={level.scheme}&level={level.level}"
                ),
                tone=WARN if level.vacant else GOOD,
                part=level.vacant / level.areas,
            )
            for level in found
        ],
        note=_("Now. Areas without stores are not counted."),
    )


add_tile(
    Tile(
        name="vacancies",
        section="people",
        place=10,
        title=gettext_lazy("Vacancies"),
        permission="distribution.view_area",
        url=lambda: list_url("distribution.area", "seat=vacant"),
        read=vacancies,
        width="half",
    )
)
