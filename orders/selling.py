"""What a seller's own pages read of its sales: what waits, what came in day by day, and what a refund would take."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import Count, Q

from accounts.models import Account
from catalog.models import Item
from core.money import Money
from orders.models import Order, OrderLine, RefundRequest
from orders.refund_plan import plan_refund
from orders.services.paying import SELLER
from orders.services.refunding import WantedRefundLine, amounts_wanted
from sharing.services import foresee_reversals
from wallets.selectors import foresee_taking_back

_DAILY = """
SELECT (paid_at AT TIME ZONE 'UTC')::date, currency, count(*), sum(paid_minor)::bigint, sum(refunded_minor)::bigint
FROM orders_order WHERE seller_id = %(seller)s AND paid_at >= %(since)s AND paid_at IS NOT NULL
GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class SalesOfDay:
    """What was paid to a seller on one day (UTC) in one currency, and what of just these orders has gone back since."""

    day: date
    currency: str
    orders: int
    paid_minor: int
    refunded_minor: int


@dataclass(frozen=True, slots=True)
class SellerWaits:
    """How much waits for a seller: paid orders, open requests, and items on sale of which there are none left."""

    to_fulfil: int
    to_answer: int
    sold_out: int


@dataclass(frozen=True, slots=True)
class RefundForeseen:
    """
    Where the money of a refund would come from now; the parts sum to the amount.

    `from_pending`, `from_wallet` and `owed` are the seller's: earnings not released yet, its wallet, and what would
    be a debt.
    """

    amount: Money
    from_platform: Money
    from_sharers: Money
    from_pending: Money
    from_wallet: Money
    owed: Money


def sales_by_day(*, seller: Account, since: datetime) -> list[SalesOfDay]:
    """Return a seller's paid sales since a moment, day by day; days without any are not there."""
    with connection.cursor() as cursor:
        cursor.execute(_DAILY, {"seller": seller.pk, "since": since})
        return [SalesOfDay(*row) for row in cursor.fetchall()]


def waits_for(seller: Account) -> SellerWaits:
    """Return how much waits for a seller."""
    sold_out = Item.objects.filter(seller=seller, status=Item.Status.ON_SALE, stock=0)
    return SellerWaits(
        to_fulfil=Order.objects.filter(seller=seller, status=Order.Status.PAID).count(),
        to_answer=RefundRequest.objects.filter(order__seller=seller, status=RefundRequest.Status.OPEN).count(),
        sold_out=sold_out.count(),
    )


def counts_by_status(seller: Account) -> dict[str, int]:
    """Return how many orders a seller has in each state; states without any are not there."""
    counted = Order.objects.filter(seller=seller).values_list("status").annotate(count=Count("id"))
    return dict(counted.order_by())


def items_counted(seller: Account) -> dict[str, int]:
    """Return how many items a seller has in each state, and under `sold_out` those on sale that nobody can buy."""
    own = Item.objects.filter(seller=seller)
    counted: dict[str, int] = dict(own.values_list("status").annotate(count=Count("id")).order_by())
    return counted | {"sold_out": own.filter(Q(status=Item.Status.ON_SALE), stock=0).count()}


def foresee_refund(
    *, order: Order, amount_minor: int | None = None, lines: Sequence[WantedRefundLine] = ()
) -> RefundForeseen:
    """
    Return what `refund_order` would take from whom, if it came now; nothing is locked and nothing changed.

    Amounts are minor units of the order's currency.

    :raises LineUnknown: the order has no such line.
    :raises RefundExceedsPaid: more than is paid and not yet refunded, in all or of a line.
    """
    sold = list(OrderLine.objects.filter(order=order).order_by("id"))
    steps = plan_refund(amounts_wanted(order, sold, amount_minor, lines), sold)
    whole_minor, fee_minor = sum(step.amount_minor for step in steps), sum(step.fee_minor for step in steps)
    gone = foresee_reversals(
        order=order.public_id, refunded_net={step.line.id: step.net_refunded_minor for step in steps}
    )
    own_minor = whole_minor - fee_minor - gone.of_sharers_minor - sum(gone.of_seller_minors.values())
    taken = foresee_taking_back(
        order=order.public_id,
        owner=order.seller,
        role=SELLER,
        currency=order.currency,
        minor_by_part={"": own_minor, **gone.of_seller_minors},
    )
    amounts = (
        whole_minor,
        fee_minor,
        gone.of_sharers_minor,
        taken.from_pending_minor,
        taken.from_wallet_minor,
        taken.to_debt_minor,
    )
    return RefundForeseen(*(Money(minor, order.currency) for minor in amounts))
