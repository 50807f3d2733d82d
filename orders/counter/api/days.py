"""A store's day over HTTP, for its seller."""

from collections.abc import Iterator, Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.callers import actor_of
from catalog.selectors import get_own_store
from core import clock
from core.api import fields
from core.api.lists import ListView
from core.api.views import ApiView
from orders.counter.day import Day, look_at_day, trades_of_day
from orders.counter.models import CounterTrade
from orders.counter.states import TradeStatus

SELLER = frozenset({"seller"})


class DateQuery(fields.Input):
    date = serializers.DateField(required=False, help_text="UTC, by the house's clock.")


class SoldDocument(serializers.Serializer):
    trade_no = serializers.CharField()
    order = serializers.CharField()
    terminal = serializers.CharField()
    terminal_name = serializers.CharField()
    sequence = serializers.IntegerField()
    status = serializers.ChoiceField([status.value for status in TradeStatus])
    amount = serializers.IntegerField()
    refunded = serializers.IntegerField()
    fee = serializers.IntegerField()
    currency = serializers.CharField()
    refusal = serializers.CharField(allow_blank=True, help_text="The code of what the last payment was refused for.")
    placed_at = serializers.DateTimeField()
    closes_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)


class StateDocument(serializers.Serializer):
    status = serializers.ChoiceField([status.value for status in TradeStatus])
    currency = serializers.CharField()
    count = serializers.IntegerField()
    amount = serializers.IntegerField()
    refunded = serializers.IntegerField()


class CashUpDocument(serializers.Serializer):
    terminal = serializers.CharField()
    name = serializers.CharField()
    currency = serializers.CharField()
    count = serializers.IntegerField(help_text="Trades that were paid.")
    paid = serializers.IntegerField()
    refunded = serializers.IntegerField()
    net = serializers.IntegerField(help_text="Paid less refunded.")
    fee = serializers.IntegerField(help_text="What the platform keeps of it.")


class DayDocument(serializers.Serializer):
    date = serializers.DateField()
    states = StateDocument(many=True)
    terminals = CashUpDocument(many=True)
    in_progress = SoldDocument(many=True, help_text="The first to close comes first; at most 200.")


class StoreTrades(ListView):
    """GET /api/v1/stores/<id>/trades"""

    audience = {"*": SELLER}
    csv_columns = tuple(SoldDocument().fields)

    class Query(DateQuery):
        status = serializers.ChoiceField([status.value for status in TradeStatus], required=False)

    @extend_schema(summary="Trades of an own store, of one day or of all", responses=SoldDocument(many=True))
    def get(self, request: Request, store_id: str) -> Any:
        store, wanted = get_own_store(store_id, seller=actor_of(request).acting), self.checked_query()
        trades = trades_of_day(store, wanted.get("date"), status=wanted.get("status"), now=clock.now())
        return self.answer_list(trades.select_related("order", "terminal"), sold_documents)


class StoreDay(ApiView):
    """GET /api/v1/stores/<id>/day"""

    audience = {"*": SELLER}
    Query = DateQuery

    @extend_schema(
        summary="A day of an own store: trades by state, cash-up by till, what is in progress", responses=DayDocument
    )
    def get(self, request: Request, store_id: str) -> Response:
        store, now = get_own_store(store_id, seller=actor_of(request).acting), clock.now()
        date = self.checked_query().get("date") or now.date()
        day = look_at_day(store, date, now=now)
        return Response({"date": date, **day_document(day)})


def sold_documents(trades: Sequence[CounterTrade]) -> Iterator[dict[str, Any]]:
    """Trades that say their `state`."""
    for trade in trades:
        order = trade.order
        yield {
            "trade_no": order.trade_no,
            "order": order.public_id,
            "terminal": trade.terminal.public_id,
            "terminal_name": trade.terminal.name,
            "sequence": trade.sequence,
            "status": trade.state,  # type: ignore[attr-defined]
            "amount": order.total_minor,
            "refunded": order.refunded_minor,
            "fee": order.fee_minor - order.fee_refunded_minor,
            "currency": order.currency,
            "refusal": "" if order.paid_minor else trade.refusal,
            "placed_at": order.placed_at,
            "closes_at": trade.closes_at,
            "paid_at": order.paid_at,
        }


def day_document(day: Day) -> dict[str, Any]:
    return {
        "states": [
            {
                "status": row["state"],
                "currency": row["currency"],
                "count": row["count"],
                "amount": row["amount"],
                "refunded": row["refunded"],
            }
            for row in day.states
        ],
        "terminals": [
            {
                "terminal": row["terminal__public_id"],
                "name": row["terminal__name"],
                "currency": row["currency"],
                "count": row["count"],
                "paid": row["paid"],
                "refunded": row["refunded"],
                "net": row["paid"] - row["refunded"],
                "fee": row["fee"],
            }
            for row in day.terminals
        ],
        "in_progress": list(sold_documents(day.in_progress)),
    }
