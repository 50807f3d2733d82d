"""What waits for somebody: orders to pay, to hand over, and refunds to decide."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

from accounts.models import Account


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many orders of one account wait for it, and for what."""

    to_pay: int = 0
    to_hand_over: int = 0
    to_decide: int = 0

    @property
    def total(self) -> int:
        return self.to_pay + self.to_hand_over + self.to_decide


_WAITING = """
SELECT owner, sum(to_pay)::int, sum(to_hand_over)::int, sum(to_decide)::int
FROM (
    SELECT buyer_id AS owner, count(*) AS to_pay, 0 AS to_hand_over, 0 AS to_decide
    FROM orders_order WHERE buyer_id = ANY(%(accounts)s) AND status = 'pending' GROUP BY buyer_id
    UNION ALL
    SELECT seller_id, 0, count(*), 0
    FROM orders_order WHERE seller_id = ANY(%(accounts)s) AND status = 'paid' GROUP BY seller_id
    UNION ALL
    SELECT o.seller_id, 0, 0, count(*)
    FROM orders_refundrequest r JOIN orders_order o ON o.id = r.order_id
    WHERE o.seller_id = ANY(%(accounts)s) AND r.status = 'open' GROUP BY o.seller_id
) AS part
GROUP BY owner
"""


def waiting_for(accounts: Collection[Account]) -> dict[int, Waiting]:
    """Return what waits for several accounts, by key, in one statement; those with nothing are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"accounts": [account.pk for account in accounts]})
        return {owner: Waiting(*counts) for owner, *counts in cursor.fetchall()}
