"""Refunds: by lines or by amount, exact for every party, to whoever paid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from accounts.actor import Actor
from accounts.services import give_back
from catalog.services import lock_stock, put_back_stock
from core.money import Money
from events.services import emit
from orders.errors import LineUnknown, RefundExceedsPaid, RestockExceedsQuantity
from orders.events import OrderRefunded, paid_key
from orders.models import Order, OrderLine, Refund, RefundLine
from orders.refund_plan import RefundStep, plan_refund, spread
from orders.services.paying import SELLER
from orders.services.request_answers import answer_by_refund
from sharing.services import reverse_share_charges
from wallets.services import note_unbooked_change, take_back_earning

_WRITE_LINES = """
UPDATE orders_orderline line
SET refunded_minor = line.refunded_minor + step.minor, restocked = line.restocked + step.units
FROM unnest(%s::bigint[], %s::bigint[], %s::int[]) AS step(id, minor, units) WHERE line.id = step.id
"""


@dataclass(frozen=True, slots=True)
class WantedRefundLine:
    """
    What to give back of one line (by its public id), and how many units go back on the shelf.

    `restock` True: the whole units that the amount pays for, and all that are out once the line is
    refunded in full.
    """

    line: str
    amount_minor: int
    restock: int | bool = False


@transaction.atomic
def refund_order(
    *,
    order: str,
    amount_minor: int | None = None,
    lines: Sequence[WantedRefundLine] = (),
    reason: str,
    actor: Actor,
    now: datetime,
) -> Refund:
    """
    Give money of a paid order of the acting seller back to its payer: an amount, or amounts of lines.

    An amount is spread over the lines by what is left of each. Of every line, seller and platform give
    back their parts exactly. What the seller has been paid out is taken from the wallet, and else owed.
    Amounts are minor units of the order's currency.

    :raises NotFound: the seller has no such order.
    :raises LineUnknown: the order has no such line.
    :raises RefundExceedsPaid: more than is paid and not yet refunded, in all or of a line.
    :raises RestockExceedsQuantity: more units would go back than were sold.
    """
    lock_stock(items=_items_to_restock(order, lines))  # Items before orders.
    refunded = Order.objects.lock(order, seller=actor.acting)
    return refund_locked(refunded, amount_minor=amount_minor, lines=lines, reason=reason, actor=actor, now=now)


def refund_locked(
    order: Order,
    *,
    amount_minor: int | None,
    lines: Sequence[WantedRefundLine],
    reason: str,
    actor: Actor,
    now: datetime,
) -> Refund:
    """The same for an order that is locked already, after the items that go back on the shelf."""
    sold = list(order.lines.order_by("id"))
    amount_by_line = amounts_wanted(order, sold, amount_minor, lines)
    steps = plan_refund(amount_by_line, sold)
    refund = _write_refund(order, steps, _units_to_restock(steps, lines), reason, actor, now)
    if not order.refundable_minor:  # Whoever has asked for money has it all.
        answer_by_refund(order, refund, actor=actor, now=now)
    return refund


def refund_rest(order: Order, *, reason: str, actor: Actor, now: datetime) -> Refund | None:
    """Give back all that is left of a locked order; None where nothing is."""
    if not order.refundable_minor:
        return None
    return refund_locked(order, amount_minor=order.refundable_minor, lines=(), reason=reason, actor=actor, now=now)


def _items_to_restock(order: str, lines: Sequence[WantedRefundLine]) -> list[int]:
    keys = [OrderLine.key_of(line.line) for line in lines if line.restock]
    if not keys:
        return []
    items = OrderLine.objects.filter(id__in=[key for key in keys if key], order__public_id=order, item__isnull=False)
    return list(items.values_list("item_id", flat=True))


def amounts_wanted(
    order: Order, sold: Sequence[OrderLine], amount_minor: int | None, lines: Sequence[WantedRefundLine]
) -> dict[int, int]:
    """
    Return what a refund of an amount, or of amounts of lines, wants of each line of an order, by the line's key.

    :raises LineUnknown: the order has no such line.
    :raises RefundExceedsPaid: it is more than is paid and not yet refunded.
    """
    wanted = _amounts_of_lines(sold, lines) if amount_minor is None else {}
    if (amount_minor or sum(wanted.values())) > order.refundable_minor:
        raise RefundExceedsPaid(left=order.refundable_minor)
    return wanted if amount_minor is None else spread(amount_minor, sold)


def _amounts_of_lines(sold: Sequence[OrderLine], lines: Sequence[WantedRefundLine]) -> dict[int, int]:
    keys = {line.public_id: line.id for line in sold}
    for place, line in enumerate(lines):
        if line.line not in keys:
            raise LineUnknown.at(f"lines.{place}.line")
    return {keys[line.line]: line.amount_minor for line in lines}


def _units_to_restock(steps: Sequence[RefundStep], lines: Sequence[WantedRefundLine]) -> dict[int, int]:
    """Return how many units of each line go back on the shelf, by the line's key."""
    wanted = {line.line: line.restock for line in lines}
    return {step.line.id: _units(step, wanted.get(step.line.public_id, False)) for step in steps}


def _units(step: RefundStep, restock: int | bool) -> int:
    line = step.line
    sold_and_out = line.quantity - line.restocked
    if restock is True:
        is_all = step.amount_minor == line.refundable_minor
        return sold_and_out if is_all else min(step.amount_minor // line.unit_minor, sold_and_out)
    if restock > sold_and_out:
        raise RestockExceedsQuantity(line=line.public_id, sold=sold_and_out)
    return int(restock)


def _write_refund(
    order: Order, steps: Sequence[RefundStep], units: Mapping[int, int], reason: str, actor: Actor, now: datetime
) -> Refund:
    amount_minor, fee_minor = sum(step.amount_minor for step in steps), sum(step.fee_minor for step in steps)
    refund = Refund.objects.create(
        order=order,
        amount_minor=amount_minor,
        reason=reason,
        made_by=actor.acting,
        login_account=actor.login,
        refunded_at=now,
    )
    RefundLine.objects.bulk_create(
        RefundLine(
            refund=refund,
            line=step.line,
            amount_minor=step.amount_minor,
            fee_minor=step.fee_minor,
            restocked=units[step.line.id],
        )
        for step in steps
    )
    _write_lines(steps, units)
    order.refunded_minor += amount_minor
    order.fee_refunded_minor += fee_minor
    order.save(update_fields=["refunded_minor", "fee_refunded_minor"])
    _book_refund(order, refund, steps, now)
    return refund


def _write_lines(steps: Sequence[RefundStep], units: Mapping[int, int]) -> None:
    columns = zip(*((step.line.id, step.amount_minor, units[step.line.id]) for step in steps), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_WRITE_LINES, [list(column) for column in columns])
    back: dict[int, int] = {}
    for step in steps:
        if step.line.item_id is not None:
            back[step.line.item_id] = back.get(step.line.item_id, 0) + units[step.line.id]
    put_back_stock(units_by_item=back)


def _book_refund(order: Order, refund: Refund, steps: Sequence[RefundStep], now: datetime) -> None:
    """
    Take back first what sharers have of the seller's part, then the seller's own, so that the refund finds both; then
    say that the payer gets it.
    """
    assert order.payer is not None
    assert order.buyer is not None
    fee_minor = sum(step.fee_minor for step in steps)
    net = Money(refund.amount_minor - fee_minor, order.currency)
    refunded_net = {step.line.id: step.net_refunded_minor for step in steps}
    shared_minor = reverse_share_charges(order=order.public_id, refunded_net=refunded_net, now=now)
    own = net - Money(shared_minor, order.currency)
    take_back_earning(order=order.public_id, owner=order.seller, role=SELLER, amount=own, now=now)
    event = OrderRefunded(
        order=order.public_id,
        refund=refund.public_id,
        payer=order.payer.public_id,
        buyer=order.buyer.public_id,
        seller=order.seller.public_id,
        net_minor=net.minor,
        fee_minor=fee_minor,
        currency=order.currency,
        channel=order.channel,
        institution=order.institution or None,
        provider=order.provider or None,
        store=order.store or None,
        terminal=order.terminal or None,
        undoes=paid_key(order.public_id),
    )
    emitted = emit(event, occurred_at=now)
    amount = Money(refund.amount_minor, order.currency)
    give_back(link_id=order.paid_through_id, owner=order.payer, amount=amount)
    note_unbooked_change(event_id=emitted.id, owner_id=order.payer.id, amount=amount)
