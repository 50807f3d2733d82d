"""What the API reads of the counter."""

from django.db.models import QuerySet

from accounts.models import Account
from catalog.models import Store
from core.errors import NotFound
from orders.counter.models import CounterTrade, Terminal, TillRequest
from orders.models import ProviderPayment
from wallets.models import IdentityCharge


def terminals_of(store: str, *, visible_to: Account) -> QuerySet[Terminal]:
    """Return the tills of a store (public id) of this seller, those out of service as well."""
    return Terminal.objects.select_related("store").filter(store__public_id=store, store__seller=visible_to)


def tills_of(*, visible_to: Account) -> QuerySet[Terminal]:
    """Return a seller's tills in service, of all its stores."""
    return Terminal.objects.filter(store__seller=visible_to, revoked_at=None).order_by("store", "id")


def get_terminal(public_id: str, *, visible_to: Account) -> Terminal:
    """
    Return a till of this seller.

    :raises NotFound: the seller has none of this id.
    """
    found = Terminal.objects.select_related("store").filter(public_id=public_id, store__seller=visible_to).first()
    if found is None:
        raise NotFound
    return found


def sellers_of_till(public_id: str) -> set[int]:
    """Return the key of the seller whose store a till stands in, whoever asks: nobody where there is no such till."""
    return set(Terminal.objects.filter(public_id=public_id).values_list("store__seller", flat=True))


def get_trade(trade_no: str, *, store: Store) -> CounterTrade:
    """
    Return a trade of a store, for its tills.

    :raises NotFound: the store has none of this number.
    """
    trade = _trades().filter(order__trade_no=trade_no, store=store).first()
    if trade is None:
        raise NotFound
    return trade


def get_trade_to_pay(trade_no: str, *, visible_to: Account) -> CounterTrade:
    """
    Return a trade whose number a buyer has, unless it is another customer's.

    :raises NotFound: there is none of this number that the buyer may see.
    """
    trade = _trades().filter(order__trade_no=trade_no).first()
    if trade is None or trade.order.buyer_id not in (None, visible_to.pk):
        raise NotFound
    return trade


def customers_of_trade(trade_no: str) -> set[int] | None:
    """Return the key of the one who may pay a trade; none where there is no such trade, None where any buyer may."""
    customers = list(CounterTrade.objects.filter(order__trade_no=trade_no).values_list("order__buyer", flat=True))
    return None if customers == [None] else {customer for customer in customers if customer is not None}


def find_trade_of(order: str) -> CounterTrade | None:
    """Return the trade of an order (public id), whoever asks: for whoever shows what we have signed."""
    return _trades().filter(order__public_id=order).first()


def find_trade_under(terminal: Terminal, sequence: int) -> CounterTrade | None:
    """Return the trade that a till made under a sequence."""
    asked = TillRequest.objects.filter(terminal=terminal, sequence=sequence, kind=TillRequest.Kind.TRADE)
    return _trades().filter(pk__in=asked.values("trade")).first()


def is_being_charged(trade: CounterTrade) -> bool:
    """Whether a third party's server is charging an identity for a trade just now."""
    running = IdentityCharge.objects.filter(order=trade.order.public_id, status=IdentityCharge.Status.IN_PROGRESS)
    return running.exists()


def own_payment(trade: CounterTrade, *, visible_to: Account) -> ProviderPayment | None:
    """Return the latest payment of a trade by a provider that this buyer has made."""
    made = ProviderPayment.objects.filter(order=trade.order_id, buyer=visible_to).select_related("top_up")
    return made.order_by("-id").first()


def _trades() -> QuerySet[CounterTrade]:
    return CounterTrade.objects.select_related("order__seller", "order__buyer", "terminal", "store")


def creating_request(trade: CounterTrade) -> TillRequest | None:
    """Return the request that made a trade, with the first answer to it."""
    return TillRequest.objects.filter(trade=trade, kind=TillRequest.Kind.TRADE).first()
