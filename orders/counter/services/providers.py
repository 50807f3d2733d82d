"""
Trades that a phone pays with a provider's money: what the wallet lacks is charged first, as for orders online.

Intent, call and outcome are those of `orders.services.provider_payments`. Until the money is there and booked the
trade waits as before: it is still nobody's, whoever else pays it first has it, and then what was charged stays in
the wallet of who was charged.
"""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from core.money import Money
from orders.counter.models import CounterTrade
from orders.counter.services.charging import ensure_open
from orders.counter.services.paying import lock_trade_of
from orders.counter.services.trading import NAMED_LENGTH_MAX
from orders.models import ProviderPayment
from orders.services.provider_payments import request_payment_of
from wallets.providers.registry import find_provider


@transaction.atomic
def request_phone_payment(
    *, trade_no: str, amount: Money, provider: str, payer: Account, actor: Actor, now: datetime, named: str = ""
) -> ProviderPayment:
    """
    First step: write the intent to pay a trade whose number the acting buyer has. What the wallet has is not charged.
    `named`: a scan token or a sharer's code; it takes the place of what the till may have named.

    Where it has everything, the trade is paid at once and nobody is called.

    :raises NotFound: there is none of this number, or it is another customer's.
    :raises ProviderUnknown: there is no such provider.
    :raises StoreClosed: the store sells nothing any more.
    :raises OrderNotPayable: it is not pending, or its time is up.
    :raises PaymentInProgress: something is being charged for it just now.
    :raises AmountMismatch: `amount` is not the trade's.
    """
    trade = lock_trade_of(actor.acting, trade_no)
    find_provider(provider)
    ensure_open(trade.store)
    if named:
        trade.scan = named[:NAMED_LENGTH_MAX]
        trade.save(update_fields=["scan"])
    return request_payment_of(trade.order, amount=amount, provider=provider, payer=payer, actor=actor, now=now)


def trade_of(payment: ProviderPayment) -> CounterTrade:
    """Return the trade that a payment is for, whoever has paid it by now."""
    trades = CounterTrade.objects.select_related("order__seller", "order__buyer", "terminal", "store")
    return trades.get(order=payment.order)
