"""Refund requests: a buyer asks, the seller answers, and after a time limit an operator may."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from core.errors import NotFound
from orders.errors import (
    LineUnknown,
    RefundExceedsPaid,
    RefundRequestDecided,
    RefundRequestOpen,
    SellerDecidesFirst,
)
from orders.models import Order, OrderLine, Refund, RefundRequest
from orders.services.refunding import WantedRefundLine, refund_locked, refund_rest


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
    return RefundRequest.objects.create(
        order=asked_about,
        lines=[{"line": line.line, "amount": line.amount_minor} for line in lines] or None,
        reason=reason,
        requested_by=actor.acting,
        login_account=actor.login,
        requested_at=now,
        operators_from=now + settings.REFUND_REQUEST_LIMIT,
    )


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
    refund = _refund(order, accepted, actor, now)
    return _decide(accepted, RefundRequest.Status.ACCEPTED, answer, refund, actor, now)


@transaction.atomic
def refuse_refund_request(*, request: str, answer: str = "", actor: Actor, now: datetime) -> RefundRequest:
    """
    Refuse a request; the buyer may ask again.

    :raises NotFound: there is none that the account decides on.
    :raises RefundRequestDecided: it has been answered.
    :raises SellerDecidesFirst: an operator decides before the seller's time is up.
    """
    refused, _order = _lock_undecided(request, actor, now)
    return _decide(refused, RefundRequest.Status.REFUSED, answer, None, actor, now)


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


def _decide(
    request: RefundRequest,
    status: RefundRequest.Status,
    answer: str,
    refund: Refund | None,
    actor: Actor,
    now: datetime,
) -> RefundRequest:
    request.status, request.answer, request.refund = status, answer, refund
    request.decided_by, request.decided_at = actor.acting, now
    request.save(update_fields=["status", "answer", "refund", "decided_by", "decided_at"])
    return request
