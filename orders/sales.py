"""What distribution asks of orders: the lines of sales and refunds, as they were written (`distribution.sales`)."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from distribution.sales import SoldLine
from orders.models import OrderLine, RefundLine


def lines_of(orders: Collection[str]) -> Mapping[str, Sequence[SoldLine]]:
    """Return the lines of orders (by public id), in the order of their keys."""
    found = OrderLine.objects.filter(order__public_id__in=orders).order_by("id")
    sold: dict[str, list[SoldLine]] = defaultdict(list)
    for order, key, store, fee_minor in found.values_list("order__public_id", "id", "store__public_id", "fee_minor"):
        line = SoldLine(key=key, public_id=OrderLine.public_id_of(key), store=store, fee_minor=fee_minor)
        sold[order].append(line)
    return sold


def refunded_fees(refunds: Collection[str]) -> Mapping[str, Mapping[int, int]]:
    """Return what refunds (by public id) gave back of the platform's fee, by the line's key."""
    found = RefundLine.objects.filter(refund__public_id__in=refunds)
    fees: dict[str, dict[int, int]] = defaultdict(dict)
    for refund, line, fee_minor in found.values_list("refund__public_id", "line_id", "fee_minor"):
        fees[refund][line] = fee_minor
    return fees
