"""The operators' tile of the guards: what they hold, and why."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.admin import list_url, shown_money
from core.cockpit import WARN, Content, Figure, Look, Tile, add_tile
from sharing.guards import BURST, REFUNDS, TOO_FAST

GUARDS = {
    TOO_FAST: gettext_lazy("Ordered too fast after the scan"),
    BURST: gettext_lazy("Too many orders at once"),
    REFUNDS: gettext_lazy("Too much given back"),
}

# What is held has an index of its own. A line that two guards hold is counted once in the last row, of no guard.
_HELD = """
SELECT g.guard, w.currency, count(DISTINCT w.line),
       sum(COALESCE(w.charged_minor, w.promised_minor) - w.reversed_minor)::bigint, min(w.held_until)
FROM sharing_wonline w
CROSS JOIN LATERAL (SELECT DISTINCT reason ->> 'guard' AS guard FROM jsonb_array_elements(w.hold_reasons) reason) g
WHERE w.held_at IS NOT NULL AND w.decision = ''
GROUP BY GROUPING SETS ((g.guard, w.currency), ()) ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Held:
    """What one guard holds in one currency; of no guard: how many lines are held at all, until when the first is."""

    guard: str
    currency: str
    lines: int
    amount_minor: int
    first_until: datetime | None


def held_by_guard() -> list[Held]:
    """Return what waits for an operator's word or its time."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD)
        return [Held(guard or "", *row) for guard, *row in cursor.fetchall()]


def guards(look: Look) -> Content:
    *by_guard, everything = held_by_guard()
    if not everything.lines:
        return Content(empty=_("The guards hold nothing."))
    until = everything.first_until
    return Content(
        headline=Figure(
            title=_("held until somebody decides, or time does"),
            value=ngettext("%(count)s line", "%(count)s lines", everything.lines) % {"count": f"{everything.lines:,}"},
            url=list_url("sharing.wonline", "guards=held"),
            tone=WARN,
        ),
        figures=[
            Figure(
                title=str(GUARDS.get(held.guard, held.guard)),
                value=f"{held.lines:,}",
                note=shown_money(held.amount_minor, held.currency),
                url=list_url("sharing.wonline", "guards=held"),
                part=held.lines / everything.lines,
            )
            for held in by_guard
        ],
        note=_("Now. The first is let go at %(until)s UTC.") % {"until": f"{until.astimezone(UTC):%Y-%m-%d %H:%M}"}
        if until
        else _("Now."),
    )


add_tile(
    Tile(
        name="guards",
        section="people",
        place=20,
        title=gettext_lazy("Held by guards"),
        permission="sharing.view_wonline",
        url=lambda: list_url("sharing.wonline", "guards=held"),
        read=guards,
        width="half",
    )
)
