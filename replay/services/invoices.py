"""One invoice of a history through the public services, in one transaction with the mark that it is done."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from core.money import Money
from orders.services import (
    WantedLine,
    WantedRefundLine,
    complete_order,
    fulfil_order,
    pay_order,
    place_checkout,
    refund_order,
)
from replay.matching import Back, BoughtLine, by_order, match_line
from replay.models import Invoice as DoneInvoice
from replay.models import InvoiceRefund, Party
from replay.reading import Invoice, Line, Refused
from replay.reasons import Reason
from replay.selectors import bought_lines
from replay.services.world import World


def replay_invoice(invoice: Invoice, world: World) -> None:
    """
    Place, pay, fulfil and complete a sale, or refund what a cancellation takes back, at the invoice's time.

    :raises Refusal: a service refuses it; nothing is done then.
    """
    if invoice.is_cancellation:
        _take_back(invoice, world)
    else:
        _sell(invoice, world)


def _sell(invoice: Invoice, world: World) -> None:
    """Who and what appears for the first time stays, also when the sale is refused."""
    seller = world.seller(invoice.seller, now=invoice.at)
    buyer = world.customer(invoice.customer, now=invoice.at).account
    buying, selling, now = Actor.own(buyer), Actor.own(seller.account), invoice.at
    wanted = [
        WantedLine(
            item=world.item(seller, line, invoice.currency, now=now),
            quantity=line.quantity,
            agreed_unit_minor=line.unit_minor,
        )
        for line in invoice.lines
    ]
    with transaction.atomic():
        (order,) = place_checkout(lines=wanted, actor=buying, now=now).orders
        amount = Money(order.total_minor, order.currency)
        pay_order(order=order.public_id, amount=amount, payer=buyer, actor=buying, now=now)
        fulfil_order(order=order.public_id, actor=selling, now=now)
        complete_order(order=order.public_id, actor=buying, now=now)
        DoneInvoice.objects.create(seller=seller, number=invoice.number, order=order)


def _take_back(invoice: Invoice, world: World) -> None:
    seller = world.seller(invoice.seller, now=invoice.at)
    customer = world.find(Party.Role.CUSTOMER, invoice.customer.key)
    with transaction.atomic():
        backs, refused = _match(invoice, seller, customer, world)
        done = DoneInvoice.objects.create(
            seller=seller, number=invoice.number, refused=[[r.line, r.reason, r.detail] for r in refused]
        )
        for order, lines in by_order(backs).items():
            refund = refund_order(
                order=order,
                lines=[WantedRefundLine(back.bought.line, back.minor, restock=back.units) for back in lines],
                reason=f"Cancellation {invoice.number}",
                actor=Actor.own(seller.account),
                now=invoice.at,
            )
            InvoiceRefund.objects.create(invoice=done, refund=refund)


def _match(invoice: Invoice, seller: Party, customer: Party | None, world: World) -> tuple[list[Back], list[Refused]]:
    items = {line.stock_code: world.known_item(seller, line.stock_code, invoice.currency) for line in invoice.lines}
    bought = _bought(customer, [item for item in items.values() if item], until=invoice.at)
    backs, refused = [], []
    for line in invoice.lines:
        taken = match_line(line, bought.get(items[line.stock_code] or "", ()))
        backs += taken
        refused += _left_out(line, taken, invoice.currency)
    return backs, refused


def _bought(customer: Party | None, items: Sequence[str], *, until: datetime) -> dict[str, list[BoughtLine]]:
    return bought_lines(buyer=customer.account, items=items, until=until) if customer and items else {}


def _left_out(line: Line, taken: Sequence[Back], currency: str) -> list[Refused]:
    minor = sum(back.minor for back in taken)
    if minor == line.amount_minor:
        return []
    asked = Money(line.amount_minor, currency)
    if not minor:
        detail = f"{line.quantity} × {line.stock_code} for {asked}: nothing such was bought before."
        return [Refused(line.number, Reason.NOTHING_TO_REFUND, detail)]
    detail = f"{line.quantity} × {line.stock_code} for {asked}: refunded {Money(minor, currency)}."
    return [Refused(line.number, Reason.PARTLY_REFUNDED, detail)]
