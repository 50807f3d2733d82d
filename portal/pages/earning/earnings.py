"""What one has of sales, in whatever role: on its way and until when, held and why, paid out, taken back, owed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.models import Account
from core.api.lists import after_cursor, write_cursor
from core.errors import CursorInvalid
from core.languages import say_day, say_money, say_month
from core.money import CURRENCY_DIGITS, Money
from portal.pages.base import CustomerPage, TextPage
from portal.pages.earning.wording import ROLES, TONES, held_in_words, role_in_words
from portal.pages.scanning import with_query
from proofs.wording import state_in_words
from sharing.attributions import held_lines
from wallets.earning_figures import (
    EarningSums,
    by_currency,
    earning_sums,
    earnings_by_month,
)
from wallets.models import Earning
from wallets.selectors import coming_releases, debts_of, earnings_of

NEWEST_FIRST = ("-id",)
SHOWN_TO_BOTH_SIDES = frozenset({"seller", "cashback"})  # Roles whose account is a party of the order.


@dataclass(frozen=True, slots=True)
class EarningRow:
    """One part of a sale, as lists of it say."""

    earning: Earning
    role: str
    original: Money
    amount: Money
    state: str
    tone: str
    leads_to_order: bool


@dataclass(frozen=True, slots=True)
class Sums:
    """What parts of sales come to in one currency, as pages say it."""

    pending: Money
    held: Money
    released: Money
    reversed: Money
    count: int

    @classmethod
    def of(cls, sums: EarningSums) -> "Sums":
        return cls(
            pending=Money(sums.pending_minor, sums.currency),
            held=Money(sums.held_minor, sums.currency),
            released=Money(sums.released_minor, sums.currency),
            reversed=Money(sums.reversed_minor, sums.currency),
            count=sums.count,
        )


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One month of earnings."""

    month: date
    sums: Sums


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """What is released on a day; None: once its orders are completed."""

    day: date | None
    amount: Money
    count: int


class EarningsForm(forms.Form):
    """Which of them somebody wants to see; what is none of these is not asked for."""

    role = forms.ChoiceField(required=False, choices=[("", ""), *((role, role) for role in ROLES)])
    status = forms.ChoiceField(required=False, choices=[("", ""), *((status, status) for status in Earning.Status)])
    currency = forms.ChoiceField(required=False, choices=[("", ""), *((code, code) for code in CURRENCY_DIGITS)])


class Earnings(CustomerPage, TextPage):
    """/earnings?currency=&role=&status=&after="""

    template_name = "portal/earning/earnings.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        own = self.customer.acting
        asked = EarningsForm(request.GET)
        wanted = {name: asked.cleaned_data.get(name, "") for name in asked.fields} if asked.is_valid() else {}
        sums = earning_sums(visible_to=own)
        debts = list(debts_of(visible_to=own))
        currencies = _currencies(sums, [debt.currency for debt in debts])
        currency = wanted.get("currency") or next(iter(currencies), "")
        if not currencies:
            return self.render_to_response(self.get_context_data(currencies=[]))
        return self.render_to_response(
            self.get_context_data(
                currencies=currencies,
                currency=currency,
                wanted=wanted,
                sums=_whole(sums, currency),
                by_role=_by_role(sums, currency),
                debts=[(debt, Money(debt.owed_minor, currency)) for debt in debts if debt.currency == currency],
                owed=Money(sum(debt.owed_minor for debt in debts if debt.currency == currency), currency),
                held=_held(own, currency),
                **calendar_of(own, currency),
                **months_of(own, currency),
                **self._list(own, wanted | {"currency": currency}),
            )
        )

    def _list(self, own: Account, wanted: dict[str, str]) -> dict[str, Any]:
        rows = earnings_of(visible_to=own).filter(**{name: value for name, value in wanted.items() if value})
        found, more = page_of(rows, self.request)
        return {
            "rows": [row_of(earning) for earning in found],
            "more": with_query(self.request.path, {**wanted, "after": more}) if more else "",
            "roles": [(role, title) for role, title in ROLES.items()],
            "states": [(status, state_in_words(status)) for status in Earning.Status.values],
        }


def page_of(rows: Any, request: HttpRequest) -> tuple[list[Any], str]:
    """Return a page's rows, the newest first, and the cursor of the next one; a cursor that is no good begins anew."""
    try:
        behind = after_cursor(rows, NEWEST_FIRST, request.GET.get("after"))
    except CursorInvalid:
        behind = rows.order_by(*NEWEST_FIRST)
    found = list(behind[: settings.EARNINGS_PER_PAGE + 1])
    page = found[: settings.EARNINGS_PER_PAGE]
    return page, write_cursor(page[-1], NEWEST_FIRST) if len(found) > len(page) else ""


def row_of(earning: Earning) -> EarningRow:
    return EarningRow(
        earning,
        role_in_words(earning.role),
        Money(earning.original_minor, earning.currency),
        Money(earning.amount_minor, earning.currency),
        state_in_words(earning.status),
        TONES.get(earning.status, "plain"),
        earning.role in SHOWN_TO_BOTH_SIDES,
    )


def calendar_of(own: Account, currency: str) -> dict[str, Any]:
    """Return what is released when, for `portal/parts/release_calendar.html`."""
    releases = [
        ReleaseRow(release.day, Money(release.amount_minor, currency), release.earnings)
        for release in coming_releases(visible_to=own)
        if release.currency == currency and not release.is_held
    ]
    dated = [release for release in releases if release.day is not None]
    points = [(say_day(release.day), release.amount) for release in dated if release.day]
    return {
        "releases": releases,
        "release_option": _bars(currency, points) if len(dated) > 1 else None,
        "release_columns": [_("Day"), _("Released")],
        "release_table": [(day, say_money(amount)) for day, amount in points],
    }


def months_of(own: Account, currency: str, role: str | None = None) -> dict[str, Any]:
    """Return what was earned in which month, for `portal/parts/earning_months.html`; nothing was in no currency."""
    if not currency:
        return {"months": []}
    found = [sums for sums in earnings_by_month(visible_to=own, role=role) if sums.currency == currency]
    rows = [MonthRow(sums.month, Sums.of(sums)) for sums in found if sums.month]
    return {
        "months": rows,
        "month_option": _stacked(currency, found),
        "month_columns": [_("Month"), *(state_in_words(state) for _amount, state, _colour in _STACK), _("Taken back")],
        "month_table": [
            (
                say_month(row.month),
                *map(say_money, (row.sums.released, row.sums.pending, row.sums.held, row.sums.reversed)),
            )
            for row in reversed(rows)
        ],
    }


def _bars(currency: str, points: Sequence[tuple[str, Money]]) -> dict[str, Any]:
    return {
        "house": {"currency": currency, "digits": CURRENCY_DIGITS[currency]},
        "xAxis": {"type": "category", "data": [day for day, _amount in points]},
        "yAxis": {"type": "value"},
        "series": [
            {"type": "bar", "name": _("Released"), "data": [amount.minor for _day, amount in points], "barMaxWidth": 40}
        ],
    }


_STACK = (
    ("released_minor", "released", "var(--chart-good)"),
    ("pending_minor", "pending", "var(--chart-1)"),
    ("held_minor", "held", "var(--chart-warn)"),
)


def _stacked(currency: str, months: Sequence[EarningSums]) -> dict[str, Any]:
    """By month, what is left of what was earned in it, by how far it has come."""
    return {
        "house": {"currency": currency, "digits": CURRENCY_DIGITS[currency]},
        "legend": {},
        "xAxis": {"type": "category", "data": [say_month(sums.month) for sums in months if sums.month]},
        "yAxis": {"type": "value"},
        "series": [
            {
                "type": "bar",
                "stack": "earned",
                "name": state_in_words(state),
                "itemStyle": {"color": colour},
                "barMaxWidth": 48,
                "data": [getattr(sums, amount) for sums in months],
            }
            for amount, state, colour in _STACK
            if any(getattr(sums, amount) for sums in months)
        ],
    }


def _currencies(sums: Sequence[EarningSums], owed_in: Sequence[str]) -> list[str]:
    """Those of which there is most come first."""
    counts = {one.currency: one.count for one in by_currency(sums)}
    return sorted({*counts, *owed_in}, key=lambda currency: (-counts.get(currency, 0), currency))


def _whole(sums: Sequence[EarningSums], currency: str) -> Sums:
    found = [one for one in by_currency(sums) if one.currency == currency]
    nothing = EarningSums(currency=currency, pending_minor=0, held_minor=0, released_minor=0, reversed_minor=0, count=0)
    return Sums.of(found[0] if found else nothing)


def _by_role(sums: Sequence[EarningSums], currency: str) -> list[tuple[str, str, Sums]]:
    return [(one.role, role_in_words(one.role), Sums.of(one)) for one in sums if one.currency == currency]


def _held(own: Account, currency: str) -> list[tuple[Any, Money, list[str]]]:
    lines = held_lines(sharer=own).filter(currency=currency)[: settings.EARNINGS_PER_PAGE]
    return list(_held_rows(lines))


def _held_rows(lines: Any) -> Iterator[tuple[Any, Money, list[str]]]:
    for line in lines:
        yield line, line.amount, held_in_words(line)
