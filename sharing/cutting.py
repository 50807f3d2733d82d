"""How a line that somebody brought is cut between the seller and the sharer, without a database."""

from core.money import split_cumulative

SELLER, SHARER = "seller", "sharer"


def gone_of_charge(refunded_net_minor: int, *, charged_minor: int, net_minor: int) -> int:
    """
    Return what refunds have taken of a charge, by all that they have taken of what the seller had of the line.

    It depends on that alone, never falls as it grows, and is the whole charge once all is refunded.
    """
    weights = {SELLER: net_minor - charged_minor, SHARER: charged_minor}
    return split_cumulative(refunded_net_minor, weights)[SHARER]
