"""All that happened to one trade, in the order of time: what tills asked for, who was to pay, what went back."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.money import Money
from orders.counter.models import CashierAct, CounterTrade, TillRequest
from orders.counter.states import TradeStatus, status_of
from orders.models import ProviderPayment, Refund
from wallets.models import IdentityCharge, Withdrawal
from wallets.pay_codes.models import PayCode

# A code ends within minutes of its making: by that index a trade's few are found among millions.
CODES_END_WITHIN = timedelta(hours=1)
WAYS = {"pay_code": "pay code", "identity": "identity"}


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened to a trade; `label` and `key`: the row that says so, for a link to it."""

    at: datetime
    what: str
    detail: str = ""
    label: str = ""
    key: int = 0


def way_of(trade: CounterTrade) -> str:
    """Say how a trade was paid; empty while it is not."""
    order = trade.order
    if not order.paid_minor:
        return ""
    if order.provider:
        return "identity's server" if order.provider == order.institution else "phone, with a provider"
    return WAYS.get(trade.paid_at_till_by, "phone")


def history_of(trade: CounterTrade, *, now: datetime) -> list[Moment]:
    """
    Return a trade's moments, the oldest first; a constant number of statements.

    By the house's clock, except of what tills asked for: that is kept by the machine's.
    """
    moments = [*_own(trade, now), *_requests(trade), *_codes(trade), *_charges(trade), *_payments(trade)]
    return sorted([*moments, *_acts(trade), *_refunds(trade)], key=lambda moment: moment.at)


def _own(trade: CounterTrade, now: datetime) -> Iterator[Moment]:
    order = trade.order
    yield Moment(order.placed_at, "made", str(Money(order.total_minor, order.currency)))
    if trade.confirming_since is not None:
        yield Moment(trade.confirming_since, "customer asked", "to confirm the amount on the phone")
    if order.paid_at is not None:
        yield Moment(order.paid_at, "paid", way_of(trade))
    if trade.cancelled_at is not None:
        yield Moment(trade.cancelled_at, "cancelled", "at a till", "orders.terminal", trade.cancelled_by_id or 0)
    elif status_of(trade, now) == TradeStatus.CLOSED:
        yield Moment(order.ended_at or trade.closes_at, "closed", "not paid in time")


def _requests(trade: CounterTrade) -> Iterator[Moment]:
    for request in TillRequest.objects.filter(trade=trade).select_related("terminal"):
        asked = f"sequence {request.sequence} of {request.terminal.name}; {_answered(request)}"
        yield Moment(request.recorded_at, f"till asked for a {request.kind}", asked, "orders.tillrequest", request.pk)


def _answered(request: TillRequest) -> str:
    answer = json.loads(request.answer)
    refusal = answer.get("refusal")
    return f"answered {answer.get('status')}" + (f", refused: {refusal['code']}" if refusal else "")


def _acts(trade: CounterTrade) -> Iterator[Moment]:
    """Who stood at a till in a browser."""
    for act in CashierAct.objects.filter(trade=trade).select_related("login_account", "terminal"):
        detail = f"{act.get_kind_display()}, at {act.terminal.name}"
        yield Moment(
            act.acted_at, f"cashier {act.login_account.name}", detail, "accounts.account", act.login_account_id
        )


def _codes(trade: CounterTrade) -> Iterator[Moment]:
    order = trade.order
    near = (order.placed_at - CODES_END_WITHIN, trade.closes_at + CODES_END_WITHIN)
    tried = PayCode.objects.filter(expires_at__range=near, used_for=order.public_id).select_related("account")
    for code in tried:
        if code.used_at is not None:
            detail = f"of {code.account.name}: {code.refusal or 'paid'}"
            yield Moment(code.used_at, "pay code tried", detail, "wallets.paycode", code.pk)


def _charges(trade: CounterTrade) -> Iterator[Moment]:
    for charge in IdentityCharge.objects.filter(order=trade.order.public_id):
        what, where = f"charge at {charge.provider}", ("wallets.identitycharge", charge.pk)
        yield Moment(charge.requested_at, what, "asked for", *where)
        if charge.finished_at is not None:
            yield Moment(charge.finished_at, what, f"{charge.status} {charge.failure}".strip(), *where)


def _payments(trade: CounterTrade) -> Iterator[Moment]:
    for payment in ProviderPayment.objects.filter(order=trade.order):
        what, where = f"payment with {payment.provider}", ("orders.providerpayment", payment.pk)
        yield Moment(payment.requested_at, what, "asked for", *where)
        if payment.finished_at is not None:
            yield Moment(payment.finished_at, what, f"{payment.status} {payment.failure}".strip(), *where)


def _refunds(trade: CounterTrade) -> Iterator[Moment]:
    order = trade.order
    refunds = list(Refund.objects.filter(order=order))
    for refund in refunds:
        detail = f"{Money(refund.amount_minor, order.currency)}: {refund.reason}"
        yield Moment(refund.refunded_at, "refund", detail, "orders.refund", refund.pk)
    for back in Withdrawal.objects.filter(refund__in=[refund.public_id for refund in refunds]):
        detail = f"{back.amount} to {back.provider}: {back.status} {back.failure}".strip()
        yield Moment(back.requested_at, "money on its way back", detail, "wallets.withdrawal", back.pk)
