"""What other rooms and the API read of orders."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from accounts.models import Account
from catalog.models import Item
from core.api.lists import every_page
from core.errors import NotFound
from core.prepared import Columns, Prepared
from distribution.selectors import with_given_away
from orders.models import Checkout, Order, OrderLine, ProviderPayment, Refund, RefundRequest

_LINE, _ITEM = Columns(OrderLine, "l"), Columns(Item, "i", "id", "public_id", "cover")
_LINES = Prepared(
    "lines_of_orders",
    f"""
    SELECT {_LINE}, {_ITEM} FROM orders_orderline l LEFT JOIN catalog_item i ON i.id = l.item_id
    WHERE l.order_id = ANY(%(orders)s::bigint[]) ORDER BY l.id
    """,  # noqa: S608 - names of columns
)

OVERDUE = "overdue"  # Of a refund request: open, and operators may decide it.

Lines = dict[int, list[OrderLine]]  # By the order's key.
Payments = dict[int, ProviderPayment]  # By the order's key.


def orders_of(visible_to: Account) -> QuerySet[Order]:
    """Return the orders an account may see: as buyer, seller or payer, or all for operators; with their parties."""
    orders = Order.objects.select_related("buyer", "seller", "payer", "checkout")
    if visible_to.is_staff:
        return orders
    return orders.filter(Q(buyer=visible_to) | Q(seller=visible_to) | Q(payer=visible_to))


def orders_in_role(role: str | None, *, visible_to: Account) -> QuerySet[Order]:
    """Return an account's orders as `buyer` or as `seller`; without a role all it may see."""
    orders = Order.objects.select_related("buyer", "seller", "payer", "checkout")
    if role is None and visible_to.is_staff:
        return orders
    role = role or visible_to.side
    return orders.filter(**{role: visible_to})


def get_order(public_id: str, *, visible_to: Account) -> Order:
    """
    Return an order.

    :raises NotFound: there is none of this id that the account may see.
    """
    order = orders_of(visible_to).filter(public_id=public_id).first()
    if order is None:
        raise NotFound
    return order


def get_checkout(public_id: str, *, visible_to: Account) -> Checkout:
    """
    Return a checkout; its buyer and operators see it.

    :raises NotFound: there is none of this id that the account may see.
    """
    checkouts = Checkout.objects.filter(public_id=public_id)
    checkout = (checkouts if visible_to.is_staff else checkouts.filter(buyer=visible_to)).first()
    if checkout is None:
        raise NotFound
    return checkout


def parties_of(public_id: str) -> set[int]:
    """Return the keys of those who may see an order, a checkout or a refund, by its public id; one statement."""
    of_order = {"ord": Q(public_id=public_id), "rfd": Q(refunds__public_id=public_id)}.get(public_id[:3])
    if of_order is None:
        return set(Checkout.objects.filter(public_id=public_id).values_list("buyer", flat=True))
    parties = Order.objects.filter(of_order).values_list("buyer", "seller", "payer").first()
    return {party for party in parties or () if party is not None}


def orders_of_checkout(checkout: Checkout) -> list[Order]:
    """Return a checkout's orders with their parties, as they were placed."""
    orders = Order.objects.select_related("buyer", "seller", "payer", "checkout")
    return list(orders.filter(checkout=checkout).order_by("id"))


def lines_of(orders: Iterable[Order]) -> Lines:
    """Return the lines of orders, with their items' ids and covers, in one statement."""
    lines: Lines = defaultdict(list)
    for row in _LINES.rows(orders=[order.id for order in orders]):
        values = iter(row)
        line, item = _LINE.take(values), _ITEM.take(values)
        line.item = item if item.pk is not None else None
        lines[line.order_id].append(line)
    return lines


def payments_of(orders: Sequence[Order]) -> Payments:
    """Return the latest payment by a provider of each order that has one, of its own or of its whole checkout."""
    of_checkouts = Q(checkout__in=[order.checkout_id for order in orders if order.checkout_id is not None])
    found = ProviderPayment.objects.filter(Q(order__in=orders) | of_checkouts).select_related("top_up").order_by("id")
    latest = {(payment.order_id, payment.checkout_id): payment for payment in found}
    pairs = {o.id: (latest.get((o.id, None)), latest.get((None, o.checkout_id))) for o in orders}
    return {id_: max(filter(None, pair), key=lambda payment: payment.id) for id_, pair in pairs.items() if any(pair)}


def refunds_of(order: Order) -> QuerySet[Refund]:
    """Return an order's refunds; whoever sees the order sees them."""
    return Refund.objects.filter(order=order).select_related("order").prefetch_related("lines")


def get_refund(public_id: str, *, visible_to: Account) -> Refund:
    """
    Return a refund.

    :raises NotFound: there is none of this id of an order that the account may see.
    """
    refund = Refund.objects.select_related("order").prefetch_related("lines").filter(public_id=public_id).first()
    if refund is None or not orders_of(visible_to).filter(id=refund.order_id).exists():
        raise NotFound
    return refund


def refund_requests_of(order: Order) -> QuerySet[RefundRequest]:
    """Return what the buyer of an order asked for; whoever sees the order sees it."""
    return _refund_requests().filter(order=order)


def refund_requests(*, visible_to: Account, state: str | None = None, now: datetime) -> QuerySet[RefundRequest]:
    """
    Return what an account has asked for as a buyer or is asked for as a seller; operators get all.

    `state`: a status, or `overdue`: open ones that operators may decide by `now`.
    """
    found = _refund_requests()
    if not visible_to.is_staff:
        found = found.filter(Q(order__buyer=visible_to) | Q(order__seller=visible_to))
    if state == OVERDUE:
        return found.filter(status=RefundRequest.Status.OPEN, operators_from__lte=now)
    return found.filter(status=state) if state else found


def get_refund_request(public_id: str, *, visible_to: Account) -> RefundRequest:
    """
    Return a refund request.

    :raises NotFound: there is none of this id for an order that the account may see.
    """
    request = _refund_requests().filter(public_id=public_id).first()
    if request is None or not orders_of(visible_to).filter(id=request.order_id).exists():
        raise NotFound
    return request


def _refund_requests() -> QuerySet[RefundRequest]:
    return RefundRequest.objects.select_related("order", "requested_by", "decided_by", "refund")


def platform_fee(order: str) -> Sequence[int] | None:
    """
    Return the platform's fee of a paid order (public id), what refunds took of it, what was given away of it, and what
    of that came back; None where nothing is paid. One statement.
    """
    paid = with_given_away(Order.objects.filter(public_id=order, paid_minor__gt=0))
    return paid.values_list("fee_minor", "fee_refunded_minor", "given_minor", "given_back_minor").first()


def top_ups_awaited(public_ids: Iterable[str]) -> list[str]:
    """Return those of these top-ups that a payment of an order waits for, in one statement: most pay for nothing."""
    waiting = ProviderPayment.objects.filter(status=ProviderPayment.Status.IN_PROGRESS)
    of_these = waiting.filter(top_up__public_id__in=set(public_ids)).order_by("id")
    return list(of_these.values_list("top_up__public_id", flat=True))


def refunds_of_charged_orders(public_ids: Iterable[str]) -> list[str]:
    """Return those of these refunds whose orders a provider had a part in paying, in one statement."""
    charged = Refund.objects.filter(public_id__in=set(public_ids)).exclude(order__provider="")
    return list(charged.order_by("id").values_list("public_id", flat=True))


def unsettled(account: Account) -> list[str]:
    """Return what an account has to settle before it may close: orders that are under way, either side."""
    under_way = Order.objects.filter(status__in=[Order.Status.PENDING, Order.Status.PAID, Order.Status.FULFILLED])
    is_party = Q(buyer=account) | Q(seller=account)
    return ["orders_under_way"] if under_way.filter(is_party).exists() else []


def export_orders(account: Account) -> Iterator[dict[str, Any]]:
    """Yield an account's orders with their lines, the newest first, for the export of its data."""
    for page in every_page(orders_of(account), ("-id",)):
        lines = lines_of(page)
        for order in page:
            yield {
                "id": order.public_id,
                "role": _role_of(account, order),
                "status": order.status,
                "total": order.total_minor,
                "refunded": order.refunded_minor,
                "currency": order.currency,
                "placed_at": order.placed_at,
                "lines": [
                    {"title": line.title, "quantity": line.quantity, "amount": line.amount_minor}
                    for line in lines[order.id]
                ],
            }


def export_refund_requests(account: Account) -> Iterator[dict[str, Any]]:
    """Yield what an account asked for as a buyer and was asked for as a seller, the newest first."""
    is_party = Q(order__buyer=account) | Q(order__seller=account)
    for page in every_page(_refund_requests().filter(is_party), ("-id",)):
        for request in page:
            yield {
                "order": request.order.public_id,
                "lines": request.lines,
                "reason": request.reason,
                "status": request.status,
                "requested_at": request.requested_at,
                "answer": request.answer,
            }


def _role_of(account: Account, order: Order) -> str:
    if order.buyer_id == account.pk:
        return "buyer"
    return "seller" if order.seller_id == account.pk else "payer"
