"""Where sellers begin: what waits for them, their money at a glance, and what they have sold of late."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.selectors import stores_of
from core import clock
from core.languages import say_day, say_money, say_number
from core.money import CURRENCY_DIGITS, Money
from distribution.placements import standings_of
from orders.selectors import orders_in_role
from orders.selling import SalesOfDay, sales_by_day, waits_for
from portal.pages.base import TextPage
from portal.pages.selling.parts import SellingPage, state_of_order
from wallets.selectors import ComingRelease, coming_releases, wallet_balances

_NEWEST_SHOWN = 5


class Overview(SellingPage, TextPage):
    """/sell"""

    template_name = "portal/selling/overview.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        seller, today = self.customer.acting, clock.now().astimezone(UTC).date()
        days = [today - timedelta(days=past) for past in reversed(range(settings.SELLERS_DAYS_SHOWN))]
        sales = sales_by_day(seller=seller, since=datetime.combine(days[0], time(), UTC))
        releases = coming_releases(visible_to=seller)
        orders = orders_in_role("seller", visible_to=seller).order_by("-id")[:_NEWEST_SHOWN]
        standings = standings_of(stores_of(seller.public_id, visible_to=None).values_list("public_id", flat=True))
        context = self.get_context_data(
            waits=waits_for(seller),
            undecided=sum(standing.is_waiting for standing in standings.values()),
            money=[_money_of(balance, releases) for balance in wallet_balances(visible_to=seller)],
            days=settings.SELLERS_DAYS_SHOWN,
            charts=[sales_chart(currency, sales, days) for currency in _currencies(sales)],
            orders=[(order, state_of_order(order), Money(order.total_minor, order.currency)) for order in orders],
        )
        return self.render_to_response(context)


def _money_of(balance: Any, releases: Iterable[ComingRelease]) -> dict[str, Any]:
    """One currency at a glance; what comes next is the nearest day on which something is released."""
    currency = balance.currency
    coming = next((one for one in releases if one.currency == currency and one.day), None)
    return {
        "currency": currency,
        "available": Money(balance.available_minor, currency),
        "pending": Money(balance.pending_minor, currency),
        "debt": Money(balance.debt_minor, currency) if balance.debt_minor else None,
        "coming": Money(coming.amount_minor, currency) if coming else None,
        "coming_day": coming.day if coming else None,
    }


def _currencies(sales: Sequence[SalesOfDay]) -> list[str]:
    """Those in which something was sold, the one with the most orders first."""
    orders = {sale.currency: 0 for sale in sales}
    for sale in sales:
        orders[sale.currency] += sale.orders
    return sorted(orders, key=lambda currency: (-orders[currency], currency))


def sales_chart(currency: str, sales: Iterable[SalesOfDay], days: Sequence[date]) -> dict[str, Any]:
    """Return what the chart of one currency's sales needs, and the table that says the same."""
    by_day = {sale.day: sale for sale in sales if sale.currency == currency}
    option = {
        "house": {"currency": currency, "digits": CURRENCY_DIGITS[currency]},
        "legend": {},
        "xAxis": {"data": [say_day(day) for day in days]},
        "yAxis": {},
        "series": [
            {
                "type": "bar",
                "name": _("Kept"),
                "stack": "sales",
                "data": [_minor(by_day.get(day), "kept") for day in days],
            },
            {
                "type": "bar",
                "name": _("Given back"),
                "stack": "sales",
                "itemStyle": {"color": "var(--chart-bad)"},
                "data": [_minor(by_day.get(day), "back") for day in days],
            },
        ],
    }
    whole = Money(sum(sale.paid_minor for sale in by_day.values()), currency)
    orders = sum(sale.orders for sale in by_day.values())
    sold = ngettext("%(sum)s in one order", "%(sum)s in %(orders)s orders", orders)
    return {
        "id": f"sales-{currency.lower()}",
        "option": option,
        "caption": sold % {"sum": say_money(whole), "orders": say_number(orders)},
        "columns": [_("Day"), _("Orders"), _("Sold"), _("Given back")],
        "rows": list(_rows(by_day.values(), currency)),
    }


def _minor(sale: SalesOfDay | None, what: str) -> int:
    if sale is None:
        return 0
    return sale.refunded_minor if what == "back" else sale.paid_minor - sale.refunded_minor


def _rows(sales: Iterable[SalesOfDay], currency: str) -> Iterator[tuple[str, ...]]:
    for sale in sales:
        paid, back = Money(sale.paid_minor, currency), Money(sale.refunded_minor, currency)
        yield say_day(sale.day), say_number(sale.orders), say_money(paid), say_money(back)
