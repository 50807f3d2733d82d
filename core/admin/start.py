"""The operators' first page: the tiles of all rooms, the house's own among them."""

from datetime import timedelta
from time import perf_counter
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.cache import cache
from django.db import OperationalError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.admin.cells import list_url
from core.cockpit import (
    BAD,
    GOOD,
    PERIOD,
    PERIODS,
    SECTIONS,
    WARN,
    Content,
    Figure,
    Look,
    Shown,
    Tile,
    add_tile,
    find_tile,
    period_name,
    shown_age,
    tiles_seen,
)
from core.heartbeats import last_looks
from core.navigation import BADGE_MAX, house_of, waiting_counts
from core.verdicts import last_verdict


def first_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Fill the first page: the tiles that this operator may see by section."""
    look = look_of(request)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(settings.COCKPIT_TILE_TIMEOUT_MS)])
        shown = [_shown(tile, look) for tile in tiles_seen(request)]
    sections = [(title, [one for one in shown if one.tile.section == name]) for name, title in SECTIONS.items()]
    return context | {
        "title": _("Cockpit"),
        "sections": [(title, tiles) for title, tiles in sections if tiles],
        "looked_at": timezone.now(),
        "live_seconds": settings.COCKPIT_LIVE_SECONDS,
        "periods": [(period_name(days), f"?{look.query(days=days)}", days == look.days) for days in PERIODS],
    }


def tile_page(request: HttpRequest, name: str) -> HttpResponse:
    """One tile: as a piece of the page for whoever asks from there, as a page for everybody else."""
    tile = find_tile(name)
    if tile is None or not tile.may_be_seen(request):
        raise Http404
    look = look_of(request)
    shown = Shown(tile, look, _timed(tile, look))
    if request.headers.get("HX-Request"):
        return TemplateResponse(
            request, "core/cockpit/tile.html", {"shown": shown, "live_seconds": settings.COCKPIT_LIVE_SECONDS}
        )
    around = admin.site.each_context(request)
    return TemplateResponse(request, "core/cockpit/one.html", {**around, "title": tile.title, "shown": shown})


def look_of(request: HttpRequest) -> Look:
    """Read what is asked for; what is none of the choices is the usual."""
    days, currency = request.GET.get("days", ""), request.GET.get("currency", "")
    return Look(
        request=request,
        days=int(days) if days in map(str, PERIODS) else PERIOD,
        currency=currency if len(currency) == 3 and currency.isascii() and currency.isalpha() else "",
    )


def _shown(tile: Tile, look: Look) -> Shown:
    if tile.alone or cache.get(_slow_key(tile)):
        return Shown(tile, look)
    try:
        with transaction.atomic():
            return Shown(tile, look, _timed(tile, look))
    except OperationalError:  # Out of time: by itself it has as long as any page.
        _mark_slow(tile)
        return Shown(tile, look)


def _timed(tile: Tile, look: Look) -> Content:
    began = perf_counter()
    content = tile.read(look)
    if perf_counter() - began > settings.COCKPIT_TILE_SLOW_SECONDS:
        _mark_slow(tile)
    return content


def _mark_slow(tile: Tile) -> None:
    cache.set(_slow_key(tile), True, settings.COCKPIT_TILE_SLOW_KEPT_SECONDS)


def _slow_key(tile: Tile) -> str:
    return f"cockpit slow {tile.name}"


# --- The house's own tiles -----------------------------------------------------------------------


def waiting(look: Look) -> Content:
    """What stands beside the lists in the sidebar as well: everything that waits for somebody's word."""
    counts = sorted(waiting_counts(look.request).items(), key=lambda found: -found[1])
    figures = []
    for model, count in counts:
        house = house_of(model)
        if count and house is not None:
            figures.append(
                Figure(
                    title=capfirst(str(model._meta.verbose_name_plural)),
                    value=f"{BADGE_MAX}+" if count > BADGE_MAX else str(count),
                    url=list_url(model._meta.label_lower, house.waiting_query),
                    tone=WARN,
                )
            )
    return Content(figures=figures, empty=_("Nothing waits for a decision."))


def workers(look: Look) -> Content:
    looks = last_looks()
    late = [one for one in looks if one.is_late]
    at_work = sum(one.workers for one in looks)
    return Content(
        headline=Figure(
            title=_("at work"),
            value=ngettext("%(count)s worker", "%(count)s workers", at_work) % {"count": at_work},
            tone=BAD if late else GOOD,
        ),
        figures=[
            Figure(
                title=str(one.title),
                value=shown_age(one.age_seconds),
                note=ngettext("%(count)s worker", "%(count)s workers", one.workers) % {"count": one.workers},
                tone=BAD if one.is_late else GOOD,
            )
            for one in looks
        ],
        note=_("How long ago each kind last looked for work."),
    )


def verification(look: Look) -> Content:
    verdict = last_verdict()
    if verdict is None:
        return Content(empty=_("Nobody has verified the books yet: run manage.py verify_books every night."))
    age = timezone.now() - verdict.ended_at
    is_late = age > settings.VERDICT_LATE_AFTER
    findings = ngettext("%(count)s finding", "%(count)s findings", verdict.findings_count)
    return Content(
        headline=Figure(
            title=_("Late: it should run every night") if is_late else _("Everything was worked out again"),
            value=findings % {"count": f"{verdict.findings_count:,}"},
            url=list_url("core.bookverdict"),
            tone=BAD if verdict.findings_count else WARN if is_late else GOOD,
        ),
        figures=[
            Figure(title=_("Ended"), value=_("%(age)s ago") % {"age": shown_age(age.total_seconds())}),
            Figure(title=_("Checks"), value=f"{verdict.checks_count:,}"),
            Figure(title=_("Rows looked at"), value=f"{verdict.rows_count:,}"),
            Figure(title=_("Took"), value=shown_age((verdict.ended_at - verdict.began_at) / timedelta(seconds=1))),
        ],
        note=f"{verdict.ended_at:%Y-%m-%d %H:%M} UTC",
    )


add_tile(
    Tile(
        name="waiting",
        section="now",
        place=20,
        title=gettext_lazy("Waits for a decision"),
        permission="",
        url=lambda: "",
        read=waiting,
    )
)
add_tile(
    Tile(
        name="workers",
        section="road",
        place=40,
        title=gettext_lazy("Workers"),
        permission="core.view_job",
        url=lambda: list_url("core.job"),
        read=workers,
        live=True,
        width="quarter",
    )
)
add_tile(
    Tile(
        name="verification",
        section="books",
        place=20,
        title=gettext_lazy("Last verification"),
        permission="core.view_bookverdict",
        url=lambda: list_url("core.bookverdict"),
        read=verification,
    )
)
