"""The operators' tiles of trade: who sells the most and where, and today's trades at the tills."""

from collections import Counter
from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.admin import change_url, list_url, shown_money
from core.cockpit import BAD, GOOD, WARN, Content, Figure, Look, Tile, add_tile, period_note, ranked
from orders.counter.states import TradeStatus
from orders.counter.today import trades_by_state
from orders.sales_days import Ranking, top_areas, top_sellers

STATES = {
    TradeStatus.PENDING: (gettext_lazy("Pending"), ""),
    TradeStatus.CONFIRMING: (gettext_lazy("Wait for a confirmation"), WARN),
    TradeStatus.PAID: (gettext_lazy("Paid"), GOOD),
    TradeStatus.REFUNDED: (gettext_lazy("Refunded"), WARN),
    TradeStatus.CLOSED: (gettext_lazy("Closed unpaid"), BAD),
}


def sellers(look: Look) -> Content:
    return _ranking(look, top_sellers, "accounts.account", _("Nobody has sold anything in this time."))


def areas(look: Look) -> Content:
    return _ranking(look, top_areas, "distribution.area", _("No store that is placed has sold anything in this time."))


def _ranking(look: Look, read: Callable[..., Ranking], label: str, empty: str) -> Content:
    found = read(first=look.first, last=look.last, currency=look.currency)
    figures = [
        (
            Figure(
                title=sold.name,
                value=shown_money(sold.net_minor, found.currency),
                note=_("%(money)s given back") % {"money": shown_money(sold.refunded_minor, found.currency)}
                if sold.refunded_minor
                else "",
                url=change_url(label, sold.key),
            ),
            sold.net_minor,
        )
        for sold in found.rows
    ]
    return Content(
        figures=ranked(figures),
        empty="" if figures else empty,
        note=period_note(look, found.as_of),
        currencies=found.currencies,
        currency=found.currency,
    )


def counter_today(look: Look) -> Content:
    found = trades_by_state(look.now)
    counts: Counter[TradeStatus] = Counter()
    for row in found:
        counts[row.status] += row.count
    total, refused = sum(counts.values()), sum(row.refused for row in found)
    note = _("%(day)s, UTC, by the house's clock.") % {"day": look.last.isoformat()}
    if not total:
        return Content(empty=_("No till has traded today."), note=note)
    return Content(
        headline=Figure(
            title=ngettext("%(count)s payment refused", "%(count)s payments refused", refused) % {"count": refused},
            value=ngettext("%(count)s trade", "%(count)s trades", total) % {"count": f"{total:,}"},
            url=list_url("orders.countertrade", "refused=yes") if refused else list_url("orders.countertrade"),
        ),
        figures=[
            Figure(
                title=str(STATES[status][0]),
                value=f"{counts[status]:,}",
                note=", ".join(shown_money(row.total_minor, row.currency) for row in found if row.status == status),
                url=list_url("orders.countertrade", f"state={status}"),
                tone=STATES[status][1],
                part=counts[status] / total,
            )
            for status in STATES
            if counts[status]
        ],
        note=note,
    )


add_tile(
    Tile(
        name="sellers",
        section="trade",
        place=10,
        title=gettext_lazy("Top sellers"),
        permission="orders.view_order",
        url=lambda: list_url("orders.order"),
        read=sellers,
        alone=True,
    )
)
add_tile(
    Tile(
        name="areas",
        section="trade",
        place=20,
        title=gettext_lazy("Top areas"),
        permission="distribution.view_area",
        url=lambda: list_url("distribution.area"),
        read=areas,
        alone=True,
    )
)
add_tile(
    Tile(
        name="counter",
        section="trade",
        place=30,
        title=gettext_lazy("At the tills today"),
        permission="orders.view_countertrade",
        url=lambda: list_url("orders.countertrade"),
        read=counter_today,
        live=True,
    )
)
