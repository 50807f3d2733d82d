"""What has happened with an order, and what comes next, in the words of its buyer and its seller."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.languages import say_money
from core.money import Money
from orders.models import Order, Refund, RefundRequest

Status = Order.Status
Asked = RefundRequest.Status


class Tone(StrEnum):
    """How a step looks: over, where the order is now, yet to come, or a bad end."""

    DONE = "done"
    NOW = "now"
    NEXT = "next"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `at` is when it happened, or until when something may."""

    title: str
    tone: Tone
    at: datetime | None = None
    text: str = ""


def timeline_of(
    order: Order, *, sells: bool, is_being_paid: bool, refunds: Sequence[Refund], requests: Sequence[RefundRequest]
) -> list[Step]:
    """Return the steps of an order, oldest first, and after them what comes next."""
    happened = sorted([*_own_steps(order), *_money_back(order, refunds, requests)], key=_when)
    return [*happened, *_what_comes_next(order, sells=sells, is_being_paid=is_being_paid)]


def _when(step: Step) -> datetime:
    assert step.at is not None
    return step.at


def _own_steps(order: Order) -> Iterator[Step]:
    yield Step(_("Ordered"), Tone.DONE, order.placed_at, _total_said(order))
    if order.paid_at:
        payer = order.payer.name if order.payer else ""
        yield Step(_("Paid"), Tone.DONE, order.paid_at, _("From the wallet of %(name)s") % {"name": payer})
    if order.fulfilled_at:
        yield Step(_("Handed over"), Tone.DONE, order.fulfilled_at)
    if order.completed_at:
        yield Step(_("Completed"), Tone.DONE, order.completed_at)
    if order.status == Status.CANCELLED:
        yield Step(_("Cancelled"), Tone.BAD, order.ended_at)
    if order.status == Status.CLOSED:
        yield Step(_("Closed: it was not paid in time"), Tone.BAD, order.ended_at)


def _total_said(order: Order) -> str:
    return say_money(Money(order.total_minor, order.currency))


def _money_back(order: Order, refunds: Sequence[Refund], requests: Sequence[RefundRequest]) -> Iterator[Step]:
    for refund in refunds:
        amount = {"amount": say_money(Money(refund.amount_minor, order.currency))}
        yield Step(_("%(amount)s given back") % amount, Tone.DONE, refund.refunded_at, refund.reason)
    for request in requests:
        asked = {"amount": say_money(Money(request.asked_minor, order.currency))}
        is_open = request.status == Asked.OPEN
        title = _("%(amount)s asked back") % asked
        yield Step(title, Tone.NOW if is_open else Tone.DONE, request.requested_at, request.reason)
        if request.status == Asked.REFUSED:
            yield Step(_("The request was refused"), Tone.BAD, request.decided_at, request.answer)
        elif request.status == Asked.ACCEPTED:
            yield Step(_("The request was accepted"), Tone.DONE, request.decided_at, request.answer)


def _what_comes_next(order: Order, *, sells: bool, is_being_paid: bool) -> Iterator[Step]:
    if is_being_paid:
        yield Step(_("Being paid"), Tone.NOW, None, _("The charge is on its way."))
    elif order.status == Status.PENDING:
        yield Step(_("To be paid"), Tone.NOW, None, _limit_said(order))
    if order.status in (Status.PENDING, Status.PAID):
        is_now = Tone.NOW if order.status == Status.PAID else Tone.NEXT
        yield Step(_("You hand it over") if sells else _("The seller hands it over"), is_now)
    if order.status == Status.FULFILLED:
        yield Step(_("The buyer says that it is there") if sells else _("You say that you have it"), Tone.NOW)
        yield Step(_("Completed by itself otherwise"), Tone.NEXT, order.next_transition_at)
    elif order.status in (Status.PENDING, Status.PAID):
        yield Step(_("Completed"), Tone.NEXT)


def _limit_said(order: Order) -> str:
    minutes = settings.ORDER_PAYMENT_LIMIT // timedelta(minutes=1)
    said = ngettext(
        "What is not paid within one minute is cancelled.",
        "What is not paid within %(minutes)d minutes is cancelled.",
        minutes,
    )
    return said % {"minutes": minutes}
