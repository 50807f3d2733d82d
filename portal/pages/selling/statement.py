"""Everything booked in a seller's wallet, newest first, with the balance after each; for a period, and as CSV."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from core.api.lists import stream_csv
from core.money import Money
from ledger.api.statements import every_page, read_place, write_place
from portal.pages.base import TextPage
from portal.pages.selling.earnings import as_file
from portal.pages.selling.forms import PeriodForm
from portal.pages.selling.parts import SellingPage
from portal.pages.selling.wording import OF_OWN_SALES, event_in_words
from wallets.api.outputs import STATEMENT_COLUMNS, statement_documents
from wallets.selectors import StatementRow, wallet_balances, wallet_statement


class Statement(SellingPage, TextPage):
    """/sell/statement, with ?since=, ?until= and, further down, ?cursor="""

    template_name = "portal/selling/statement.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        form, seller = PeriodForm(request.GET), self.customer.acting
        form.is_valid()
        scope, size = f"portal:{seller.public_id}", settings.SELLERS_ROWS_PER_PAGE
        after = read_place(request.GET.get("cursor"), scope)
        rows = wallet_statement(visible_to=seller, limit=size + 1, after=after, **_period(form))
        following = request.GET.copy()
        if len(rows) > size:
            following["cursor"] = write_place(rows[size - 1].place, scope)
        context = self.get_context_data(
            form=form,
            balances=[Money(balance.posted_minor, balance.currency) for balance in wallet_balances(visible_to=seller)],
            rows=[_row(row) for row in rows[:size]],
            more=f"?{following.urlencode()}" if len(rows) > size else "",
            period=request.GET.urlencode(),
        )
        return self.render_to_response(context)


class StatementCsv(SellingPage):
    """/sell/statement.csv: the whole period, as the API writes it"""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        form, seller = PeriodForm(request.GET), self.customer.acting
        form.is_valid()
        period = _period(form)
        pages = every_page(lambda limit, after: wallet_statement(visible_to=seller, limit=limit, after=after, **period))
        documents = (document for page in pages for document in statement_documents(page))
        return as_file(stream_csv(documents, STATEMENT_COLUMNS), "statement")


def _period(form: PeriodForm) -> dict[str, Any]:
    """Days are whole ones, in UTC; what is no day leaves its side open, and the form says so."""
    since, until = form.cleaned_data.get("since"), form.cleaned_data.get("until")
    return {
        "since": _midnight(since) if since else None,
        "until": _midnight(until + timedelta(days=1)) if until and until < date.max else None,
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _row(row: StatementRow) -> dict[str, Any]:
    line = row.line
    return {
        "what": event_in_words(row.event_type),
        "subject": row.subject,
        "is_sale": row.event_type in OF_OWN_SALES,
        "amount": Money(line.amount_minor, line.currency),
        "is_out": line.amount_minor < 0,
        "after": Money(line.balance_after_minor, line.currency),
        "at": line.effective_at,
    }
