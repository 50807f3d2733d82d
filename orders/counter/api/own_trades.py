"""What trades look like to the customers who pay them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from orders.api.outputs import PaymentDocument, payment_document
from orders.counter.api.outputs import TradeDocument, trade_document
from orders.counter.models import CounterTrade
from orders.models import OrderLine, ProviderPayment


class OwnTradeDocument(TradeDocument):
    payment = PaymentDocument(
        allow_null=True, help_text="One's own latest payment of it by a provider; nobody else sees it."
    )


def own_trade_document(
    trade: CounterTrade, lines: Sequence[OrderLine], payment: ProviderPayment | None, *, now: datetime
) -> dict[str, Any]:
    """`payment`: the viewer's own, if there is one."""
    shown = payment_document(payment) if payment else None
    return trade_document(trade, lines, now=now) | {"payment": shown}
