"""How a refund request ends: by an answer, or because everything has been given back anyhow."""

from datetime import datetime

from accounts.actor import Actor
from events.services import emit
from orders.events import RefundRequestAnswered
from orders.models import Order, Refund, RefundRequest


def write_answer(
    request: RefundRequest, status: RefundRequest.Status, refund: Refund | None, *, actor: Actor, now: datetime
) -> RefundRequest:
    """End an open request of a locked order."""
    request.status, request.refund = status, refund
    request.decided_by, request.decided_at = actor.acting, now
    request.save(update_fields=["status", "refund", "decided_by", "decided_at", "answer"])
    order = request.order
    assert order.buyer is not None
    answered = RefundRequestAnswered(
        order=order.public_id,
        request=request.public_id,
        buyer=order.buyer.public_id,
        seller=order.seller.public_id,
        status=status.value,
        refund=refund.public_id if refund else None,
    )
    emit(answered, occurred_at=now)
    return request


def answer_by_refund(order: Order, refund: Refund, *, actor: Actor, now: datetime) -> None:
    """Accept what is still asked for of a locked order with the refund that has left nothing to give back."""
    for request in order.refund_requests.filter(status=RefundRequest.Status.OPEN):
        request.order = order
        write_answer(request, RefundRequest.Status.ACCEPTED, refund, actor=actor, now=now)
