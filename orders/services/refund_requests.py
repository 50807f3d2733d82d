"""
Refund requests: a buyer asks, the seller answers, and after a time limit an operator may.

Who may decide follows from the time alone; a task only tells it. Whatever gives back all that is left of an order
answers what is still open for it.
"""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from accounts.actor import Actor
from core.clock import runs_when_due
from core.errors import NotFound
from events.services import emit
from orders.errors import (
    LineUnknown,
    RefundExceedsPaid,
    RefundRequestDecided,
    RefundRequestOpen,
    SellerDecidesFirst,
)
from orders.events import RefundRequested, RefundRequestOverdue
from orders.models import Order, OrderLine, Refund, RefundRequest
from orders.services.refunding import WantedRefundLine, refund_locked, refund_rest
from orders.services.request_answers import write_answer


@transaction.atomic
def request_refund(
    *, order: str, lines: Sequence[WantedRefundLine] = (), reason: str, actor: Actor, now: datetime
) -> RefundRequest:
    """
    Ask for money of a paid order of the acting buyer: amounts of lines, or without lines all that is left.

    :raises NotFound: the buyer has no such order.
    :raises LineUnknown: the order has no such line.
    :raises RefundExceedsPaid: nothing is left to give back, or less than asked for.
    :raises RefundRequestOpen: an earlier request is not answered yet.
    """
    asked_about = Order.objects.lock(order, buyer=actor.acting)
    if asked_about.refund_requests.filter(status=RefundRequest.Status.OPEN).exists():
        raise RefundRequestOpen
    _refuse_too_much(asked_about, lines)
    request = RefundRequest.objects.create(
        order=asked_about,
        lines=[{"line": line.line, "amount": line.amount_minor} for line in lines] or None,
        reason=reason,
        requested_by=actor.acting,
        login_account=actor.login,
        requested_at=now,
        operators_from=now + settings.REFUND_REQUEST_LIMIT,
    )
    emit(RefundRequested(**_facts(request)), occurred_at=now)
    return request


@transaction.atomic
def accept_refund_request(*, request: str, answer: str = "", actor: Actor, now: datetime) -> RefundRequest:
    """
    Accept a request and make the refund that it asks for, as far as it is still left.

    :raises NotFound: there is none that the account decides on.
    :raises RefundRequestDecided: it has been answered.
    :raises SellerDecidesFirst: an operator decides before the seller's time is up.
    :raises RefundExceedsPaid: by now less is left than it asks for.
    """
    accepted, order = _lock_undecided(request, actor, now)
    accepted.answer = answer
    accepted.save(update_fields=["answer"])
    refund = _refund(order, accepted, actor, now)
    if not order.refundable_minor:  # Then the refund itself has answered.
        return _requests().get(pk=accepted.pk)
    return write_answer(accepted, RefundRequest.Status.ACCEPTED, refund, actor=actor, now=now)


@transaction.atomic
def refuse_refund_request(*, request: str, answer: str = "", actor: Actor, now: datetime) -> RefundRequest:
    """
    Refuse a request; the buyer may ask again.

    :raises NotFound: there is none that the account decides on.
    :raises RefundRequestDecided: it has been answered.
    :raises SellerDecidesFirst: an operator decides before the seller's time is up.
    """
    refused, _order = _lock_undecided(request, actor, now)
    refused.answer = answer
    return write_answer(refused, RefundRequest.Status.REFUSED, None, actor=actor, now=now)


@runs_when_due(
    "refund_requests",
    if_any="SELECT FROM orders_refundrequest"
    " WHERE status = 'open' AND overdue_at IS NULL AND operators_from <= %(now)s",
)
@transaction.atomic
def tell_overdue_refund_requests(now: datetime) -> int:
    """Tell once of each request whose seller has had its time; return how many of a bounded number."""
    open_ones = _requests().filter(status=RefundRequest.Status.OPEN, overdue_at=None, operators_from__lte=now)
    locked = open_ones.select_for_update(no_key=True, skip_locked=True, of=("self",)).order_by("operators_from", "id")
    overdue = list(locked[: settings.TIMED_TRANSITIONS_BATCH_MAX])
    RefundRequest.objects.filter(pk__in=[request.pk for request in overdue]).update(overdue_at=F("operators_from"))
    for request in overdue:
        emit(RefundRequestOverdue(**_facts(request)), occurred_at=request.operators_from)
    return len(overdue)


def _requests() -> QuerySet[RefundRequest]:
    return RefundRequest.objects.select_related("order__buyer", "order__seller", "requested_by", "decided_by", "refund")


def _facts(request: RefundRequest) -> dict[str, str]:
    """What every event about a request says."""
    order = request.order
    assert order.buyer is not None
    return {
        "order": order.public_id,
        "request": request.public_id,
        "buyer": order.buyer.public_id,
        "seller": order.seller.public_id,
    }


def _refuse_too_much(order: Order, lines: Sequence[WantedRefundLine]) -> None:
    sold = {line.public_id: line for line in OrderLine.objects.filter(order=order)}
    for place, line in enumerate(lines):
        if line.line not in sold:
            raise LineUnknown.at(f"lines.{place}.line")
        if line.amount_minor > sold[line.line].refundable_minor:
            raise RefundExceedsPaid(line=line.line, left=sold[line.line].refundable_minor)
    asked_minor = sum(line.amount_minor for line in lines)
    if not order.refundable_minor or asked_minor > order.refundable_minor:
        raise RefundExceedsPaid(left=order.refundable_minor)


def _lock_undecided(public_id: str, actor: Actor, now: datetime) -> tuple[RefundRequest, Order]:
    """Lock the order first, as everything about its money does, and then look at the request."""
    requests = RefundRequest.objects.filter(public_id=public_id)
    if not actor.acting.is_staff:
        requests = requests.filter(order__seller=actor.acting)
    order_id = requests.values_list("order__public_id", flat=True).first()
    if order_id is None:
        raise NotFound
    order = Order.objects.lock(order_id)
    request = requests.select_related("requested_by").get()
    request.order = order
    if request.status != RefundRequest.Status.OPEN:
        raise RefundRequestDecided
    if actor.acting.is_staff and now < request.operators_from:
        raise SellerDecidesFirst
    return request, order


def _refund(order: Order, request: RefundRequest, actor: Actor, now: datetime) -> Refund:
    lines = [WantedRefundLine(line["line"], line["amount"]) for line in request.lines or ()]
    if lines:
        return refund_locked(order, amount_minor=None, lines=lines, reason=request.reason, actor=actor, now=now)
    refund = refund_rest(order, reason=request.reason, actor=actor, now=now)
    if refund is None:
        raise RefundExceedsPaid(left=0)
    return refund
