"""The statement of a wallet: every booking with the balance after it, a period of it, and all of that as a file."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, groupby
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Account
from core.api.lists import stream_csv
from core.money import Money, format_minor
from ledger.api.statements import every_page, read_place, write_place
from portal.pages.base import CustomerPage, TextPage
from portal.pages.buying.forms import PeriodForm
from portal.pages.buying.wording import booking_in_words
from portal.pages.scanning import with_query
from wallets.selectors import StatementRow, wallet_currencies, wallet_statement

# In and out are columns of their own, as spreadsheets and accountants want them.
CSV_COLUMNS = ("booked_at", "effective_at", "what", "belongs_to", "in", "out", "currency", "balance_after")

_PAGES = {"ord": "portal:order", "top": "portal:top-up-done", "wdr": "portal:withdrawal-done"}


@dataclass(frozen=True, slots=True)
class Booking:
    """
    What one event has booked in a wallet, in words; `url` leads to what it belongs to, where that has a page.

    The ledger may have cut a payment into parts, for whoever gets them: here it is one.
    """

    what: str
    subject: str
    url: str
    amount: Money
    balance: Money
    effective_at: datetime
    booked_at: datetime

    @classmethod
    def of(cls, rows: Sequence[StatementRow]) -> "Booking":
        """Join the lines of one event, the newest first."""
        row, line = rows[0], rows[0].line
        page = _PAGES.get(row.subject.partition("_")[0])
        return cls(
            what=booking_in_words(row.event_type),
            subject=row.subject,
            url=reverse(page, args=[row.subject]) if page else "",
            amount=Money(sum(part.line.amount_minor for part in rows), line.currency),
            balance=Money(line.balance_after_minor, line.currency),
            effective_at=line.effective_at,
            booked_at=line.booked_at,
        )


class StatementPage(CustomerPage, TextPage):
    """/wallet/statement?currency=, with ?since= and ?until=, and further down ?cursor="""

    template_name = "portal/buying/statement.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        owner = self.customer.acting
        currencies = wallet_currencies(visible_to=owner)
        currency = _chosen(request.GET.get("currency"), currencies)
        form = PeriodForm(request.GET)
        is_sound = form.is_valid()
        page, following = self._page(owner, currency, form) if currency and is_sound else ([], "")
        asked = {name: request.GET.get(name, "") for name in ("since", "until")}
        here = reverse("portal:statement")
        context = self.get_context_data(
            form=form,
            currency=currency,
            tabs=[(code, with_query(here, {"currency": code, **asked}), code == currency) for code in currencies],
            bookings=[Booking.of(rows) for rows in page],
            is_period=any(asked.values()),
            more=with_query(here, {"currency": currency, **asked, "cursor": following}) if following else "",
            download=with_query(reverse("portal:statement-csv"), {"currency": currency, **asked}),
        )
        answer = self.render_to_response(context)
        answer.status_code = 200 if is_sound else 422
        return answer

    def _page(self, owner: Account, currency: str, form: PeriodForm) -> tuple[list[list[StatementRow]], str]:
        """
        The lines of one page, event by event, and the cursor of the next; "" where there is none.

        A page ends with the last event that is whole. A cursor is its owner's only.
        """
        scope, size = f"wallet:{owner.public_id}:{currency}", settings.STATEMENT_LINES_PER_PAGE
        after = read_place(self.request.GET.get("cursor"), scope)
        found = wallet_statement(visible_to=owner, limit=size + 1, after=after, currency=currency, **form.period())
        page = list(_by_event(found))
        if len(found) <= size:
            return page, ""
        whole = page[:-1] or page
        return whole, write_place(whole[-1][-1].place, scope)


def _by_event(rows: Iterable[StatementRow]) -> Iterator[list[StatementRow]]:
    """Lines of one event follow each other: its transfers have numbers in a row, and are booked in one movement."""
    for _event_id, of_event in groupby(rows, key=lambda row: row.line.event_id):
        yield list(of_event)


def _chosen(wanted: str | None, currencies: Sequence[str]) -> str:
    """The currency that is asked for; the first one where it is none of the wallet's."""
    if wanted in currencies:
        return str(wanted)
    return currencies[0] if currencies else ""


class StatementCSV(CustomerPage):
    """/wallet/statement.csv: the same as a file, all of it"""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        owner, form = self.customer.acting, PeriodForm(request.GET)
        period: dict[str, Any] = form.period() if form.is_valid() else {}
        currency = _chosen(request.GET.get("currency"), wallet_currencies(visible_to=owner))
        pages = every_page(
            lambda limit, after: wallet_statement(
                visible_to=owner, limit=limit, after=after, currency=currency, **period
            )
        )
        answer = stream_csv(_documents(pages), CSV_COLUMNS)
        answer["Content-Disposition"] = f'attachment; filename="{_("statement")}-{currency}.csv"'
        return answer


def _documents(pages: Iterator[Sequence[StatementRow]]) -> Iterator[dict[str, Any]]:
    for rows in _by_event(chain.from_iterable(pages)):
        booking = Booking.of(rows)
        amount = format_minor(abs(booking.amount.minor), booking.amount.currency)
        yield {
            "booked_at": booking.booked_at,
            "effective_at": booking.effective_at,
            "what": booking.what,
            "belongs_to": booking.subject,
            "in": amount if booking.amount.minor > 0 else "",
            "out": amount if booking.amount.minor < 0 else "",
            "currency": booking.amount.currency,
            "balance_after": format_minor(booking.balance.minor, booking.balance.currency),
        }
