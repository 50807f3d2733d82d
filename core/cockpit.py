"""
The operators' first page: tiles that rooms register, each leading to the list behind it.

A room's tile reads its own room by one statement and says what it found as `Content`. A tile whose sums may take
longer is `alone`: the page is there at once, and the tile asks for itself. One that turns out to be slow is treated
so for a while, and one that does not answer in time keeps no other from being shown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from core import clock

GOOD, WARN, BAD = "good", "warn", "bad"
PERIODS = (1, 7, 30, 90)  # days, today included
PERIOD = 30
SECTIONS = {
    "now": gettext_lazy("At a glance"),
    "road": gettext_lazy("Health of the road"),
    "books": gettext_lazy("Proof of the books"),
    "trade": gettext_lazy("Trade"),
    "people": gettext_lazy("Agents and guards"),
}


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at the cockpit: who looks, at which days (by the house's clock), in which currency if one is chosen."""

    request: HttpRequest
    days: int = PERIOD
    currency: str = ""

    @cached_property
    def now(self) -> datetime:
        return clock.now()

    @property
    def last(self) -> date:
        return self.now.astimezone(UTC).date()

    @property
    def first(self) -> date:
        return self.last - timedelta(days=self.days - 1)

    def query(self, **changed: Any) -> str:
        """Return this look as a query string, with what is asked for differently."""
        asked: dict[str, Any] = {"days": self.days, "currency": self.currency, **changed}
        return urlencode({name: value for name, value in asked.items() if value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure with its name; `tone` says whether it is as it should be, `part` how much of the largest it is."""

    title: str
    value: str
    note: str = ""
    url: str = ""
    tone: str = ""
    part: float | None = None

    @property
    def permille(self) -> int:
        return round(1000 * (self.part or 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart as `core/chart.html` shows it."""

    option: dict[str, Any]
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a tile shows: a headline, figures or a chart; `note` names period and freshness, `empty` what is missing."""

    headline: Figure | None = None
    figures: Sequence[Figure] = ()
    chart: Chart | None = None
    note: str = ""
    empty: str = ""
    currencies: Sequence[str] = ()
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """
    A tile of the cockpit.

    `permission`: who may not see the list behind it does not see the tile; empty where each line has its own.
    `url`: where its title leads. `alone`: it is asked for by itself. `live`: it is looked at again every
    COCKPIT_LIVE_SECONDS.
    """

    name: str
    section: str
    place: int
    title: str | Promise
    permission: str
    url: Callable[[], str]
    read: Callable[[Look], Content]
    width: str = "third"
    alone: bool = False
    live: bool = False

    def may_be_seen(self, request: HttpRequest) -> bool:
        return not self.permission or request.user.has_perm(self.permission)


@dataclass(frozen=True, slots=True)
class Shown:
    """A tile as a page has it; without content it asks for itself."""

    tile: Tile
    look: Look
    content: Content | None = None

    @property
    def url(self) -> str:
        return f"{reverse('cockpit-tile', args=[self.tile.name])}?{self.look.query()}"

    @property
    def chart_id(self) -> str:
        return f"chart-{self.tile.name}"

    @property
    def choices(self) -> list[tuple[str, str, str, bool]]:
        """The currencies that may be chosen: code, the page with it, the tile with it, whether it is chosen."""
        content = self.content
        if content is None or len(content.currencies) < 2:
            return []
        at = reverse("cockpit-tile", args=[self.tile.name])
        queries = [(code, self.look.query(currency=code)) for code in content.currencies]
        return [(code, f"?{query}", f"{at}?{query}", code == content.currency) for code, query in queries]


_tiles: dict[str, Tile] = {}


def add_tile(tile: Tile) -> None:
    """Register a tile of a room; a second one of the same name is a mistake."""
    if tile.name in _tiles:
        raise ValueError(f"There are two tiles named {tile.name}")
    _tiles[tile.name] = tile


def tiles_seen(request: HttpRequest) -> list[Tile]:
    """Return the tiles that this operator may see, in their order."""
    return sorted((tile for tile in _tiles.values() if tile.may_be_seen(request)), key=lambda tile: tile.place)


def find_tile(name: str) -> Tile | None:
    return _tiles.get(name)


# --- Words that tiles share ----------------------------------------------------------------------


def period_name(days: int) -> str:
    return _("Today") if days == 1 else ngettext("%(days)s day", "%(days)s days", days) % {"days": days}


def period_note(look: Look, as_of: datetime | None) -> str:
    """Say over which days a figure is, and how fresh it is."""
    named = {"first": f"{look.first:%Y-%m-%d}", "last": f"{look.last:%Y-%m-%d}"}
    if as_of is None:
        return _("%(first)s to %(last)s.") % named
    return _("%(first)s to %(last)s, with all that was booked until %(as_of)s UTC.") % {
        **named,
        "as_of": f"{as_of.astimezone(UTC):%H:%M:%S}",
    }


def shown_age(seconds: float | None) -> str:
    """Write a time that has passed in the one unit that fits it."""
    if seconds is None:
        return _("never")
    if seconds < 10:
        return pgettext("seconds", "%(count).1f s") % {"count": max(seconds, 0)}
    for unit, length in ((_("%(count)d s"), 1), (_("%(count)d min"), 60), (_("%(count)d h"), 3600)):
        if seconds < length * (60 if length < 3600 else 48):
            return unit % {"count": seconds / length}
    return _("%(count)d d") % {"count": seconds / 86400}


def shown_count(count: int) -> str:
    """Write a number that was counted no further than COCKPIT_COUNTED_MAX."""
    limit = settings.COCKPIT_COUNTED_MAX
    return _("more than %(count)s") % {"count": f"{limit:,}"} if count > limit else f"{count:,}"


def ranked(figures: Sequence[tuple[Figure, int]]) -> list[Figure]:
    """Give figures their parts of the largest one; amounts below zero have none."""
    largest = max((minor for _figure, minor in figures), default=0)
    return [replace(figure, part=max(minor, 0) / largest if largest > 0 else 0) for figure, minor in figures]
