"""Trades at tills, and all that tills asked for, for operators who look for one of a million."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from core import clock
from core.admin import ReadOnlyAdmin, link_to, list_link, pretty_json, shown_money, table
from core.money import AMOUNT_MINOR_MAX
from orders.admin.terminals import effect_of
from orders.counter.history import history_of, way_of
from orders.counter.models import CounterTrade, Terminal, TillRequest
from orders.counter.states import TradeStatus, status_of

AT_COUNTER = Q(order__channel="store")
COLOURS = {"pending": "info", "confirming": "warning", "paid": "success", "refunded": "warning", "closed": "danger"}
SECONDS = "%Y-%m-%d %H:%M:%S"  # Narrow enough for a phone.


class StateFilter(admin.SimpleListFilter):
    """The same states as `states.status_of`, each said so that an index of its own finds it."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state.value, state.value) for state in TradeStatus]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        now, fully = clock.now(), Q(order__refunded_minor=F("order__paid_minor"))
        is_paid, is_pending = Q(order__paid_minor__gt=0), Q(order__status="pending")
        waits = is_pending & Q(closes_at__gt=now)
        states = {
            TradeStatus.PENDING: waits & Q(confirming_since=None),
            TradeStatus.CONFIRMING: waits & Q(confirming_since__isnull=False),
            TradeStatus.PAID: is_paid & ~fully,
            TradeStatus.REFUNDED: is_paid & fully,
            TradeStatus.CLOSED: Q(order__status__in=["cancelled", "closed"], order__paid_minor=0)
            | is_pending & Q(closes_at__lte=now),
        }
        state = states.get(self.value())  # type: ignore[call-overload]
        return queryset if state is None else queryset.filter(AT_COUNTER & state)


class WayFilter(admin.SimpleListFilter):
    title = "way of paying"
    parameter_name = "way"
    by_provider = ~Q(order__provider="")
    ways = {
        "pay code": Q(paid_at_till_by="pay_code"),
        "identity": Q(paid_at_till_by="identity"),
        "identity's server": AT_COUNTER & by_provider & Q(order__provider=F("order__institution")),
        "phone, with a provider": AT_COUNTER & by_provider & ~Q(order__provider=F("order__institution")),
        "phone": Q(paid_at_till_by="", order__paid_minor__gt=0, order__provider=""),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(way, way) for way in self.ways]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        way = self.ways.get(self.value() or "")
        return queryset.filter(way) if way else queryset


class RefusalFilter(admin.SimpleListFilter):
    title = "last payment"
    parameter_name = "refused"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "refused")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.exclude(refusal="") if self.value() == "yes" else queryset


def till_and_sequence(term: str) -> tuple[int, int] | None:
    """Read `trm_…:17`; None where it is no such thing or there is no such till."""
    till, _, sequence = term.partition(":")
    if not (till.startswith("trm_") and sequence.isascii() and sequence.isdigit()):
        return None
    found = Terminal.objects.filter(public_id=till).values_list("pk", flat=True).first()
    return (found or 0, min(int(sequence[:20]), AMOUNT_MINOR_MAX))


@admin.register(CounterTrade)
class CounterTradeAdmin(ReadOnlyAdmin):
    """Found by its order, its number, its till with or without a sequence, or its store."""

    icon = "storefront"
    list_display = ("order_id_shown", "state", "amount", "way", "refusal", "shown_store", "till", "sequence", "until")
    list_display_links = ("order_id_shown",)
    list_select_related = ("order", "store", "terminal")
    list_filter = (StateFilter, WayFilter, RefusalFilter)
    ordering = ("-order_id",)  # The same order as of ids, and the one in which orders' indexes find rare states.
    search_fields = ("order__public_id__exact", "order__trade_no__exact")
    search_help_text = "ord_…, a trade number, a till (trm_…), one of its sequences (trm_…:17), or a store (sto_…)"
    fields = readonly_fields = (
        "order_link",
        "state",
        "until",
        "amount",
        "refunded",
        "way",
        "customer",
        "shown_refusal",
        "shown_store",
        "till",
        "sequence",
        "history",
        "book",
        "calls",
    )

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        """Tills and stores have indexes of their own, by the trade's key."""
        by_sequence = till_and_sequence(term)
        if by_sequence is not None:
            asked = TillRequest.objects.filter(terminal_id=by_sequence[0], sequence=by_sequence[1])
            return queryset.filter(pk__in=asked.values("trade_id"))
        if term.startswith("trm_"):
            return queryset.filter(terminal__public_id=term).order_by("-pk")
        return queryset.filter(store__public_id=term).order_by("-pk") if term.startswith("sto_") else None

    @display(description="order")
    def order_id_shown(self, trade: CounterTrade) -> str:
        return trade.order.public_id

    @display(description="order")
    def order_link(self, trade: CounterTrade) -> str:
        return link_to("orders.order", trade.order_id, trade.order.public_id)

    @display(description="state", label=COLOURS)
    def state(self, trade: CounterTrade) -> str:
        return status_of(trade, clock.now()).value

    @display(description="in progress until")
    def until(self, trade: CounterTrade) -> str:
        waits = status_of(trade, clock.now()) in (TradeStatus.PENDING, TradeStatus.CONFIRMING)
        return f"{trade.closes_at:{SECONDS}} UTC" if waits else "-"

    @display(description="amount")
    def amount(self, trade: CounterTrade) -> str:
        return shown_money(trade.order.total_minor, trade.order.currency)

    @display(description="refunded")
    def refunded(self, trade: CounterTrade) -> str:
        return shown_money(trade.order.refunded_minor, trade.order.currency)

    @display(description="way of paying")
    def way(self, trade: CounterTrade) -> str:
        return way_of(trade) or "-"

    @display(description="customer")
    def customer(self, trade: CounterTrade) -> str:
        buyer = trade.order.buyer
        return link_to("accounts.account", buyer.pk, buyer.name) if buyer else "nobody yet"

    @display(description="last refusal")
    def shown_refusal(self, trade: CounterTrade) -> str:
        return f"{trade.refusal}: {trade.refusal_detail}" if trade.refusal else "-"

    @display(description="store")
    def shown_store(self, trade: CounterTrade) -> str:
        return link_to("catalog.store", trade.store_id, trade.store.name)

    @display(description="till")
    def till(self, trade: CounterTrade) -> str:
        return link_to("orders.terminal", trade.terminal_id, trade.terminal.name)

    @display(description="history")
    def history(self, trade: CounterTrade) -> str:
        rows = [
            (
                f"{moment.at:{SECONDS}}",
                link_to(moment.label, moment.key, moment.what) if moment.label else moment.what,
                moment.detail,
            )
            for moment in history_of(trade, now=clock.now())
        ]
        return table(("when (UTC)", "what", "how"), rows)

    @display(description="book")
    def book(self, trade: CounterTrade) -> str:
        """The journals lead on to their transfers, and those to why they are as they are."""
        subject = trade.order.public_id
        return list_link("events.eventrecord", f"q={subject}", "events, each with its journal and explanation")

    @display(description="provider")
    def calls(self, trade: CounterTrade) -> str:
        return list_link("wallets.identitycharge", f"q={trade.order.public_id}", "charges, with every call and answer")


class KindFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("cancelled", "cancelled before anything came of it")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(kind="cancelled") if self.value() == "cancelled" else queryset


@admin.register(TillRequest)
class TillRequestAdmin(ReadOnlyAdmin):
    """What tills asked for under their sequences, with the first answer, also where nothing came of it."""

    icon = "receipt"
    list_display = ("shown_sequence", "kind", "till", "effect", "recorded_at")
    list_display_links = ("shown_sequence",)
    list_select_related = ("terminal", "trade__order", "refund")
    list_filter = (KindFilter,)
    search_fields = ("refund__public_id__exact",)
    search_help_text = "A till (trm_…), one of its sequences (trm_…:17), or a refund (rfd_…)"
    fields = readonly_fields = ("shown_sequence", "kind", "till", "effect", "recorded_at", "shown_answer")

    def find(self, queryset: QuerySet, term: str) -> QuerySet | None:
        by_sequence = till_and_sequence(term)
        if by_sequence is not None:
            return queryset.filter(terminal_id=by_sequence[0], sequence=by_sequence[1])
        if term.startswith("trm_"):
            till = Terminal.objects.filter(public_id=term).values_list("pk", flat=True).first()
            return queryset.filter(terminal_id=till or 0).order_by("-sequence")
        return None

    @display(description="sequence")
    def shown_sequence(self, request: TillRequest) -> str:
        return str(request.sequence)

    @display(description="till")
    def till(self, request: TillRequest) -> str:
        return link_to("orders.terminal", request.terminal_id, request.terminal.name)

    @display(description="what came of it")
    def effect(self, request: TillRequest) -> str:
        return effect_of(request)

    @display(description="first answer")
    def shown_answer(self, request: TillRequest) -> str:
        return pretty_json(json.loads(request.answer))
