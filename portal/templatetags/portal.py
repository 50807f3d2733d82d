"""What templates of pages say: `{% load portal %}`."""

from datetime import UTC, date, datetime
from typing import Any

import lucide
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from core import languages
from core.money import Money
from portal.navigation import Group, groups_for

register = template.Library()

ICON_SIZE = 20


@register.simple_tag
def icon(name: str, size: int = ICON_SIZE) -> SafeString:
    """A picture of Lucide's, by its name there; it only stands beside words, so that nobody has to hear of it."""
    drawn = _drawn(name + "", size)
    return mark_safe(drawn)  # noqa: S308 - drawn from the package's own files


_DRAWN: dict[tuple[str, int], str] = {}
# The style sheet says it once for all pictures; a page has dozens of them.
_OUTLINED = ' fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'


def _drawn(name: str, size: int) -> str:
    known = _DRAWN.get((name, size))
    if known is None:
        known = lucide._render_icon(name, size, **{"class": "icon", "aria-hidden": "true"}).replace(_OUTLINED, "")
        known = known.replace("\n  ", "").replace("\n", "").replace(" />", "/>")
        _DRAWN[name, size] = known
    return known


@register.filter
def money(amount: Money) -> str:
    return languages.say_money(amount)


@register.filter
def moment(instant: datetime | None) -> SafeString | str:
    """A time to the minute: in UTC, and where scripts run in the reader's own time zone (moments.js)."""
    if instant is None:
        return ""
    exact = instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return format_html('<time class="moment" datetime="{}">{}</time>', exact, languages.say_moment(instant))


@register.filter
def day(when: date | None) -> SafeString | str:
    if when is None:
        return ""
    date_of = when.astimezone(UTC).date() if isinstance(when, datetime) else when
    return format_html('<time datetime="{}">{}</time>', date_of.isoformat(), languages.say_day(date_of))


@register.filter
def number(value: Any) -> str:
    return languages.say_number(value)


@register.filter
def rate(bps: int) -> str:
    return languages.say_rate(bps)


@register.simple_tag(takes_context=True)
def navigation(context: template.Context) -> list[Group]:
    """The pages of whoever is logged in, in groups; which of them this page belongs to is marked."""
    actor, request = context.get("actor"), context["request"]
    return groups_for(actor, path=request.path) if actor is not None else []
