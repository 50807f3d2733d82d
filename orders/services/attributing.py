"""Who brought the customer of a trade at the counter: decided as it is paid, when it is known who the customer is."""

from collections.abc import Sequence
from datetime import datetime

from accounts.actor import Actor
from accounts.models import Account
from orders.models import Order, OrderLine
from sharing.matching import SaleLine
from sharing.services import Matches, PlacedLine, match_order, record_matches


def attribute_trade(order: Order, *, named: Sequence[str], now: datetime, login: Account | None = None) -> None:
    """
    Decide for a locked trade that is paid in this transaction, by what its customer has claimed and what was named.

    `named`: tokens of scans or codes of shares, from the till and the phone. `login`: who logged in, if not the
    customer itself.
    """
    lines = list(order.lines.order_by("id"))
    matches = find_who_brought(order, lines, named=named, now=now, login=login)
    if matches is None:
        return
    won = [line for line in lines if line.share_terms is not None]
    if won:
        OrderLine.objects.bulk_update(won, ["share_terms"])
    record_who_brought(order, lines, matches, now=now)


def find_who_brought(
    order: Order, lines: Sequence[OrderLine], *, named: Sequence[str], now: datetime, login: Account | None = None
) -> Matches | None:
    """
    Decide, and put the terms into the lines, which may not be written yet; None where nobody could have brought any:
    what was typed at the till is no item.
    """
    assert order.buyer is not None
    sold = _items(lines)
    if not sold and not any(named):
        return None
    actor = Actor(login=login or order.buyer, acting=order.buyer)
    matches = match_order(lines=[_sale_line(line, order) for line in sold], named=named, actor=actor, now=now)
    for line, terms in zip(sold, matches.terms, strict=True):
        line.share_terms = terms
    return matches


def record_who_brought(order: Order, lines: Sequence[OrderLine], matches: Matches, *, now: datetime) -> None:
    """Write what was decided, now that the lines have keys."""
    assert order.buyer_id is not None
    placed = [PlacedLine(order.public_id, line.pk) for line in _items(lines)]
    record_matches(matches=matches, order=order.public_id, lines=placed, buyer_id=order.buyer_id, now=now)


def _items(lines: Sequence[OrderLine]) -> list[OrderLine]:
    return [line for line in lines if line.item_id is not None]


def _sale_line(line: OrderLine, order: Order) -> SaleLine:
    assert line.item_id is not None
    return SaleLine(
        item_id=line.item_id,
        seller_id=order.seller_id,
        quantity=line.quantity,
        amount_minor=line.amount_minor,
        fee_minor=line.fee_minor,
        currency=order.currency,
    )
