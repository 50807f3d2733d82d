"""What a seller has earned: what is released when, what is held and why, what is owed; and all of it as CSV."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from core import clock
from core.api.lists import every_page, stream_csv
from core.languages import say_day, say_money, say_number
from core.money import CURRENCY_DIGITS, Money
from portal.pages.base import TextPage
from portal.pages.selling.parts import EARNING_STATES, NEWEST_FIRST, SellingPage, Tab, a_page_of
from portal.pages.selling.wording import ROLES
from wallets.api.outputs import EARNINGS_COLUMNS, earning_documents
from wallets.models import Earning
from wallets.selectors import ComingRelease, coming_releases, debts_of, earnings_of, wallet_balances

Status = Earning.Status


class Earnings(SellingPage, TextPage):
    """/sell/earnings, with ?state= and, further down, ?cursor="""

    template_name = "portal/selling/earnings.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        seller, state = self.customer.acting, _state_asked(request.GET.get("state"))
        page, more = a_page_of(earnings_of(visible_to=seller, status=state), request.GET)
        coming = coming_releases(visible_to=seller)
        context = self.get_context_data(
            balances=[_figures(balance, coming) for balance in wallet_balances(visible_to=seller)],
            charts=[_calendar(currency, coming) for currency in sorted({one.currency for one in coming if one.day})],
            coming=[(one, Money(one.amount_minor, one.currency)) for one in coming],
            today=clock.now().date(),
            debts=[
                (debt, Money(debt.owed_minor, debt.currency), Money(debt.amount_minor, debt.currency))
                for debt in debts_of(seller)
            ],
            tabs=_tabs(state),
            state=state,
            earnings=[_row(earning) for earning in page],
            more=more,
        )
        return self.render_to_response(context)


class EarningsCsv(SellingPage):
    """/sell/earnings.csv: all of them, as the API writes them"""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        own = earnings_of(visible_to=self.customer.acting)
        documents = (document for page in every_page(own, NEWEST_FIRST) for document in earning_documents(page))
        return as_file(stream_csv(documents, EARNINGS_COLUMNS), "earnings")


def as_file(answer: HttpResponseBase, name: str) -> HttpResponseBase:
    """Have the browser keep it instead of showing it."""
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _state_asked(asked: str | None) -> str | None:
    return asked if asked in Status.values else None


def _tabs(state: str | None) -> list[Tab]:
    tabs = [Tab(EARNING_STATES[one].text, f"?state={one}", None, state == one) for one in Status]
    return [Tab(_("All"), "?", None, state is None), *tabs]


def _row(earning: Earning) -> dict[str, Any]:
    return {
        "earning": earning,
        "role": ROLES.get(earning.role, earning.role),
        "state": EARNING_STATES[Status(earning.status)],
        "amount": Money(earning.amount_minor, earning.currency),
        "original": Money(earning.original_minor, earning.currency) if earning.reversed_minor else None,
    }


def _figures(balance: Any, coming: Iterable[ComingRelease]) -> dict[str, Any]:
    """One currency's money, by when it can be had."""
    currency = balance.currency
    own = [one for one in coming if one.currency == currency]
    dated = sum(one.amount_minor for one in own if one.day)
    held = sum(one.amount_minor for one in own if one.is_held)
    return {
        "currency": currency,
        "available": Money(balance.available_minor, currency),
        "dated": Money(dated, currency),
        "undated": Money(balance.pending_minor - dated - held, currency),
        "held": Money(held, currency) if held else None,
        "debt": Money(balance.debt_minor, currency) if balance.debt_minor else None,
    }


def _calendar(currency: str, coming: Iterable[ComingRelease]) -> dict[str, Any]:
    """Return the chart of what is released on which day, and the table that says the same."""
    days = [one for one in coming if one.currency == currency and one.day]
    option = {
        "house": {"currency": currency, "digits": CURRENCY_DIGITS[currency]},
        "xAxis": {"data": [say_day(one.day) for one in days if one.day]},
        "yAxis": {},
        "series": [
            {
                "type": "bar",
                "barMaxWidth": 48,
                "itemStyle": {"color": "var(--chart-good)"},
                "data": [one.amount_minor for one in days],
            }
        ],
    }
    whole = Money(sum(one.amount_minor for one in days), currency)
    return {
        "id": f"releases-{currency.lower()}",
        "option": option,
        "caption": _("%(sum)s on their way to your wallet") % {"sum": say_money(whole)},
        "columns": [_("Day"), _("Sales"), _("Released")],
        "rows": [
            (say_day(one.day), say_number(one.earnings), say_money(Money(one.amount_minor, currency)))
            for one in days
            if one.day
        ],
    }
