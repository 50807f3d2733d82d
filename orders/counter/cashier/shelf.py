"""What a cashier finds to sell: by what is typed, and what is sold here day by day."""

from collections import Counter

from django.conf import settings
from django.db.models import Count

from catalog.models import Item
from catalog.search import found_by
from catalog.selectors import items_sold_at
from core.errors import NotFound
from orders.counter.cashier.callers import Cashier
from orders.counter.models import CounterTrade
from orders.models import OrderLine


def find_items(wanted: str, *, cashier: Cashier) -> list[Item]:
    """Return the store's items that somebody types the words of, the newest first."""
    return list(found_by(items_sold_at(cashier.store), wanted).order_by("-id")[: settings.TILL_ITEMS_FOUND])


def usual_items(*, cashier: Cashier) -> list[Item]:
    """Return what sells most at this store's tills lately, and its newest items where that is not enough."""
    recent = CounterTrade.objects.filter(store=cashier.store).order_by("-id").values("order")
    sold = OrderLine.objects.filter(order__in=recent[: settings.TILL_TILES_FROM_TRADES], item__isnull=False)
    counts = Counter(dict(sold.values_list("item").annotate(times=Count("id"))))
    wanted = [key for key, _times in counts.most_common(settings.TILL_TILES)]
    sellable = items_sold_at(cashier.store)
    found = sorted(sellable.filter(pk__in=wanted), key=lambda item: wanted.index(item.pk))
    missing = settings.TILL_TILES - len(found)
    return found + list(sellable.exclude(pk__in=wanted).order_by("-id")[:missing])


def get_sellable(public_id: str, *, cashier: Cashier) -> Item:
    """
    Return an item that this store sells.

    :raises NotFound: it has none of this id.
    """
    item = items_sold_at(cashier.store).filter(public_id=public_id).first()
    if item is None:
        raise NotFound
    return item


def usual_currency(*, cashier: Cashier) -> str:
    """Return the currency that this store sold in last, or prices its newest item in; blank where it did neither."""
    last = CounterTrade.objects.filter(store=cashier.store).order_by("-id").values_list("order__currency", flat=True)
    newest = items_sold_at(cashier.store).order_by("-id").values_list("currency", flat=True)
    return last.first() or newest.first() or ""
