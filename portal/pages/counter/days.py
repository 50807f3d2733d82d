"""A store's day: what each till has taken, how its trades stand, and what is in progress."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.http import urlencode

from catalog.models import Store
from catalog.selectors import get_own_store
from core import clock
from core.api.lists import after_cursor, every_page, stream_csv, write_cursor
from core.money import Money
from orders.counter.api.days import SoldDocument, sold_documents
from orders.counter.day import look_at_day, trades_of_day
from orders.counter.models import CounterTrade
from orders.counter.receipts.reading import short_number
from orders.counter.states import TradeStatus
from portal.pages.base import TextPage
from portal.pages.counter.base import CounterPage
from portal.pages.counter.wording import STATES, refusal_in_words, state_of

NEWEST_FIRST = ("-id",)


class DayPage(CounterPage):
    """What a day's page and its CSV have in common: the store, the day (UTC, by the house's clock), which state."""

    @property
    def store(self) -> Store:
        """:raises NotFound: the seller has no such store."""
        return get_own_store(self.kwargs["store_id"], seller=self.customer.acting)

    @property
    def day(self) -> date:
        """The day that is asked for; what is no day is today."""
        try:
            asked = parse_date(self.request.GET.get("date", ""))
        except ValueError:
            asked = None
        return asked or clock.now().date()

    @property
    def status(self) -> str | None:
        asked = self.request.GET.get("status")
        return asked if asked in [status.value for status in TradeStatus] else None

    def trades(self, store: Store, day: date) -> Any:
        found = trades_of_day(store, day, status=self.status, now=clock.now())
        return found.select_related("order", "terminal")


class StoreDay(DayPage, TextPage):
    """/counter/stores/<id>/day, with ?date=, ?status= and, further down, ?cursor="""

    template_name = "portal/counter/day.html"

    def get(self, request: HttpRequest, store_id: str) -> HttpResponse:
        store, day, now = self.store, self.day, clock.now()
        seen = look_at_day(store, day, now=now)
        found = list(after_cursor(self.trades(store, day), NEWEST_FIRST, request.GET.get("cursor"))[: _SHOWN + 1])
        page = found[:_SHOWN]
        following = write_cursor(page[-1], NEWEST_FIRST) if len(found) > len(page) else ""
        return self.render_to_response(
            self.get_context_data(
                store=store,
                day=day,
                before=day - timedelta(days=1),
                after=day + timedelta(days=1) if day < now.date() else None,
                status=self.status,
                sums=_sums(seen.terminals),
                tills=[_cash_up(row) for row in seen.terminals],
                states=[_state(row) for row in seen.states],
                in_progress=[_row(trade) for trade in seen.in_progress],
                trades=[_row(trade) for trade in page],
                more=self._address(day, cursor=following) if following else "",
            )
        )

    def _address(self, day: date, **more: str) -> str:
        asked = {"date": day.isoformat(), **({"status": self.status} if self.status else {}), **more}
        return f"{reverse('portal:store-day', args=[self.kwargs['store_id']])}?{urlencode(asked)}"


class StoreDayCSV(DayPage):
    """/counter/stores/<id>/day.csv"""

    def get(self, request: HttpRequest, store_id: str) -> HttpResponseBase:
        store, day = self.store, self.day
        pages = every_page(self.trades(store, day), NEWEST_FIRST)
        rows = (document for page in pages for document in sold_documents(page))
        answer = stream_csv(rows, tuple(SoldDocument().fields))
        answer["Content-Disposition"] = f'attachment; filename="{store.public_id}-{day.isoformat()}.csv"'
        return answer


_SHOWN = settings.PAGE_SIZE


def _sums(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What all tills of a day have taken together, by currency."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_SUMMED, 0))
    for row in rows:
        for name in _SUMMED:
            sums[row["currency"]][name] += row[name]
    return [_cash_up({"currency": currency, **sums[currency]}) for currency in sorted(sums)]


_SUMMED = ("count", "paid", "refunded", "fee")


def _cash_up(row: Mapping[str, Any]) -> dict[str, Any]:
    currency = row["currency"]
    return {
        "name": row.get("terminal__name", ""),
        "currency": currency,
        "count": row["count"],
        "paid": Money(row["paid"], currency),
        "refunded": Money(row["refunded"], currency),
        "net": Money(row["paid"] - row["refunded"], currency),
        "fee": Money(row["fee"], currency),
    }


def _state(row: Mapping[str, Any]) -> dict[str, Any]:
    status = TradeStatus(row["state"])
    return {
        "status": status.value,
        "state": STATES[status],
        "count": row["count"],
        "amount": Money(row["amount"], row["currency"]),
    }


def _row(trade: CounterTrade) -> dict[str, Any]:
    """A trade that says its `state` by now; it is opened at its own till, while that is in service."""
    order = trade.order
    status = TradeStatus(trade.state)  # type: ignore[attr-defined]
    is_in_service = trade.terminal.revoked_at is None
    return {
        "trade": trade,
        "number": short_number(order.trade_no),
        "state": state_of(trade, status),
        "refused": refusal_in_words(trade),
        "amount": Money(order.total_minor, order.currency),
        "refunded": Money(order.refunded_minor, order.currency),
        "url": reverse("portal:till-trade", args=[trade.terminal.public_id, order.trade_no])
        if is_in_service
        else reverse("portal:order", args=[order.public_id]),
    }
