"""A store's day for its seller: trades by state, cash-up by till, what is in progress and until when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Case, CharField, Count, F, Q, QuerySet, Sum, Value, When

from catalog.models import Store
from orders.counter.models import CounterTrade
from orders.counter.states import TradeStatus

IN_PROGRESS_SHOWN_MAX = 200


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a store, from midnight to midnight (UTC, by the house's clock)."""

    states: list[Mapping[str, Any]]
    terminals: list[Mapping[str, Any]]
    in_progress: list[CounterTrade]


def trades_of_day(store: Store, day: date | None, *, status: str | None = None, now: datetime) -> QuerySet[Any]:
    """Return a store's trades, of one day or of all, each with its `state` by now."""
    trades: QuerySet[Any] = CounterTrade.objects.filter(order__store=store.public_id, order__channel="store")
    if day is not None:
        begins = datetime.combine(day, time(), UTC)
        trades = trades.filter(order__placed_at__gte=begins, order__placed_at__lt=begins + timedelta(days=1))
    trades = trades.annotate(state=state_of(now))
    return trades.filter(state=status) if status is not None else trades


def state_of(now: datetime) -> Case:
    """The same as `states.status_of`, for the database to tell."""
    is_over = ~Q(order__status="pending") | Q(closes_at__lte=now)
    return Case(
        When(order__paid_minor__gt=0, order__refunded_minor=F("order__paid_minor"), then=Value(TradeStatus.REFUNDED)),
        When(order__paid_minor__gt=0, then=Value(TradeStatus.PAID)),
        When(is_over, then=Value(TradeStatus.CLOSED)),
        When(confirming_since__isnull=False, then=Value(TradeStatus.CONFIRMING)),
        default=Value(TradeStatus.PENDING),
        output_field=CharField(),
    )


def takings_by_till(stores: Sequence[Store], day: date) -> list[Mapping[str, Any]]:
    """Return what each till of these stores has taken in a day, less what was given back; one statement."""
    begins = datetime.combine(day, time(), UTC)
    paid = CounterTrade.objects.filter(
        order__store__in=[store.public_id for store in stores],
        order__channel="store",
        order__placed_at__gte=begins,
        order__placed_at__lt=begins + timedelta(days=1),
        order__paid_minor__gt=0,
    )
    taken = paid.values("terminal", currency=F("order__currency"))
    kept = Sum(F("order__paid_minor") - F("order__refunded_minor"))
    return list(taken.annotate(count=Count("id"), kept=kept).order_by("terminal", "currency"))


def look_at_day(store: Store, day: date, *, now: datetime) -> Day:
    """Return a store's day; three statements, however many trades."""
    trades = trades_of_day(store, day, now=now)
    states = trades.values("state", currency=F("order__currency")).annotate(
        count=Count("id"), amount=Sum("order__total_minor"), refunded=Sum("order__refunded_minor")
    )
    tills = trades.filter(order__paid_minor__gt=0).values(
        "terminal__public_id", "terminal__name", currency=F("order__currency")
    )
    cash_up = tills.annotate(
        count=Count("id"),
        paid=Sum("order__paid_minor"),
        refunded=Sum("order__refunded_minor"),
        fee=Sum(F("order__fee_minor") - F("order__fee_refunded_minor")),
    )
    waiting = trades.filter(state__in=[TradeStatus.PENDING, TradeStatus.CONFIRMING]).select_related("order", "terminal")
    return Day(
        states=list(states.order_by("state", "currency")),
        terminals=list(cash_up.order_by("terminal__name", "terminal__public_id", "currency")),
        in_progress=list(waiting.order_by("closes_at", "id")[:IN_PROGRESS_SHOWN_MAX]),
    )
