"""The operators' tiles of the book: how booking goes, how far it is sealed, where the money is."""

from datetime import UTC, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.admin import list_url, shown_money
from core.cockpit import BAD, GOOD, WARN, Chart, Content, Figure, Look, Tile, add_tile, period_note, shown_age
from core.money import CURRENCY_DIGITS
from ledger.cockpit_figures import UNSEALED_COUNTED_MAX, Money, booking_pulse, money_by_purpose, sealing

PULSE = timedelta(hours=1)
PURPOSES = {
    "wallet": gettext_lazy("Wallets"),
    "pending": gettext_lazy("Earnings on hold"),
    "escrow": gettext_lazy("Escrow"),
    "platform": gettext_lazy("Platform"),
    "debt": gettext_lazy("Debts to us"),
    "cash": gettext_lazy("Cash"),
    "clearing": gettext_lazy("At providers"),
    "suspense": gettext_lazy("Suspense"),
}
TRIGGERS = {
    "period": gettext_lazy("by time"),
    "accounts": gettext_lazy("by accounts"),
    "transfers": gettext_lazy("by transfers"),
    "manual": gettext_lazy("by hand"),
}


def booking(look: Look) -> Content:
    pulses = booking_pulse(PULSE)
    if not pulses:
        return Content(
            empty=_("Nothing was booked within the last hour."), note=_("What is recorded now is booked at once.")
        )
    everything, *by_trigger = pulses
    lag = everything.lag_seconds
    return Content(
        headline=Figure(
            title=_("from event to booking, 99 of 100"),
            value=shown_age(lag),
            tone=GOOD if lag < settings.COCKPIT_LAG_LATE_SECONDS else WARN,
        ),
        figures=[
            Figure(
                title=_("Batches %(trigger)s") % {"trigger": TRIGGERS.get(pulse.trigger, pulse.trigger)},
                value=f"{pulse.batches:,}",
                note=ngettext("%(count)s event", "%(count)s events", pulse.events) % {"count": f"{pulse.events:,}"},
            )
            for pulse in by_trigger
        ],
        note=_("Last hour; the last batch at %(at)s UTC.") % {"at": f"{everything.last_at.astimezone(UTC):%H:%M:%S}"},
    )


def sealed(look: Look) -> Content:
    found = sealing()
    behind = ngettext("%(count)s batch is not sealed yet", "%(count)s batches are not sealed yet", found.unsealed)
    count = f"> {UNSEALED_COUNTED_MAX:,}" if found.unsealed > UNSEALED_COUNTED_MAX else f"{found.unsealed:,}"
    if found.number is None:
        empty = behind % {"count": count} if found.unsealed else _("Nothing is booked yet, so nothing is sealed.")
        return Content(empty=empty)
    assert found.sealed_at is not None
    return Content(
        headline=Figure(
            title=_("the head of the chain"),
            value=found.hash[:12],
            tone=BAD if found.unsealed > UNSEALED_COUNTED_MAX else GOOD,
        ),
        figures=[
            Figure(title=_("Seals"), value=f"{found.number:,}"),
            Figure(title=_("Last one"), value=_("%(age)s ago") % {"age": shown_age(found.age_seconds)}),
            Figure(
                title=_("Batches behind it"),
                value=count,
                url=list_url("ledger.batch"),
                tone=WARN if found.unsealed else GOOD,
            ),
        ],
        note=f"{found.sealed_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
    )


def money(look: Look) -> Content:
    """Whose the money is above the line, where it lies below it; both sides are the same every day."""
    found = money_by_purpose(first=look.first, last=look.last, currency=look.currency)
    if not found.balances:
        return Content(empty=_("No money has moved yet."))
    return Content(
        chart=_money_chart(found),
        figures=[
            Figure(
                title=_purpose(purpose),
                value=shown_money(balances[-1], found.currency),
                url=list_url("ledger.ledgeraccount", f"purpose={purpose}"),
            )
            for purpose, balances in found.balances.items()
        ],
        note=period_note(look, found.as_of),
        currencies=found.currencies,
        currency=found.currency,
    )


def _money_chart(found: Money) -> Chart:
    days = [day.isoformat() for day in found.days]
    option: dict[str, Any] = {
        "house": {"currency": found.currency, "digits": CURRENCY_DIGITS[found.currency]},
        "legend": {},
        "xAxis": {"type": "category", "data": days},
        "yAxis": {},
        "series": [
            {
                "type": "bar",
                "stack": "money",
                "name": _purpose(purpose),
                "data": list(balances),
                "emphasis": {"focus": "series"},
                "barMaxWidth": 28,
                "itemStyle": {"color": f"var(--chart-{_colour(purpose)})"},
            }
            for purpose, balances in found.balances.items()
            if any(balances)
        ],
    }
    rows = [
        [day, *(shown_money(balances[place], found.currency) for balances in found.balances.values())]
        for place, day in enumerate(days)
    ]
    return Chart(
        option=option,
        caption=_("Whose the money is (above the line) and where it lies (below), at the end of each day"),
        columns=[_("Day"), *(_purpose(purpose) for purpose in found.balances)],
        rows=rows[::-1],
    )


def _purpose(purpose: str) -> str:
    return str(PURPOSES.get(purpose, purpose))


def _colour(purpose: str) -> int:
    """Each purpose keeps its colour, whichever of the others are shown."""
    return list(PURPOSES).index(purpose) % 8 + 1 if purpose in PURPOSES else 7


add_tile(
    Tile(
        name="money",
        section="now",
        place=10,
        title=gettext_lazy("Money by purpose"),
        permission="ledger.view_ledgeraccount",
        url=lambda: list_url("ledger.ledgeraccount"),
        read=money,
        width="two-thirds",
        alone=True,
    )
)
add_tile(
    Tile(
        name="booking",
        section="road",
        place=20,
        title=gettext_lazy("Booking"),
        permission="ledger.view_batch",
        url=lambda: list_url("ledger.batch"),
        read=booking,
        live=True,
        width="quarter",
    )
)
add_tile(
    Tile(
        name="seal",
        section="books",
        place=10,
        title=gettext_lazy("Last seal"),
        permission="ledger.view_batch",
        url=lambda: list_url("ledger.batch"),
        read=sealed,
    )
)
