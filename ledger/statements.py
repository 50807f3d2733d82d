"""
What went in and out of some ledger accounts, newest booking first, each with the balance after it.

The order is the booking order: within one account, movements in the order of their locks, and within
one movement the transfers by id. A page reads a bounded number of rows however many transfers one
batch has booked: the balance at a page's end travels in the cursor instead of being added up again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from ledger.models import LEG_BITS, LedgerAccount

_BIGINT_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One transfer as one of its two accounts sees it; `amount_minor` is signed: money in is positive."""

    movement_id: int
    transfer_id: int
    amount_minor: int
    currency: str
    balance_after_minor: int
    effective_at: datetime
    booked_at: datetime

    @property
    def event_id(self) -> int:
        return self.transfer_id >> LEG_BITS

    @property
    def place(self) -> "StatementPlace":
        return StatementPlace(
            self.booked_at, self.movement_id, self.transfer_id, self.balance_after_minor - self.amount_minor
        )


@dataclass(frozen=True, slots=True)
class StatementPlace:
    """Where a page ends: behind a transfer of a movement, and the balance before that transfer."""

    booked_at: datetime
    movement_id: int
    transfer_id: int
    balance_before_minor: int


# The newest movements of each account, merged (one more than the page has lines: the first may be used
# up); then the newest transfers of each, by the two indexes.
# Movements come sorted, so the outer LIMIT stops the walk as soon as the page is full.
_PAGE = """
WITH newest AS MATERIALIZED (
    SELECT m.* FROM unnest(%(accounts)s::bigint[]) AS a(id) CROSS JOIN LATERAL (
        SELECT m.id, m.account_id, m.batch_id, m.booked_at,
               m.credits_after_minor - m.debits_after_minor AS balance_after,
               CASE WHEN m.id = %(movement)s THEN %(transfer)s ELSE 9223372036854775807 END AS below
        FROM ledger_movement m
        WHERE m.account_id = a.id AND m.booked_at >= %(since)s AND m.booked_at < %(until)s
          AND (m.booked_at, m.id) <= (%(booked_at)s, %(movement)s)
        ORDER BY m.booked_at DESC, m.id DESC LIMIT %(limit)s + 1
    ) m
    ORDER BY m.booked_at DESC, m.id DESC LIMIT %(limit)s + 1
)
SELECT m.id, t.id, t.amount_minor, t.currency, m.balance_after, j.effective_at, m.booked_at
FROM (SELECT * FROM newest ORDER BY booked_at DESC, id DESC) m
CROSS JOIN LATERAL (
    SELECT both_sides.* FROM (
        (SELECT d.id, -d.amount_minor AS amount_minor, d.currency FROM ledger_transfer d
         WHERE d.debit_id = m.account_id AND d.batch_id = m.batch_id AND d.id < m.below
         ORDER BY d.id DESC LIMIT %(limit)s)
        UNION ALL
        (SELECT c.id, c.amount_minor, c.currency FROM ledger_transfer c
         WHERE c.credit_id = m.account_id AND c.batch_id = m.batch_id AND c.id < m.below
         ORDER BY c.id DESC LIMIT %(limit)s)
    ) both_sides ORDER BY both_sides.id DESC LIMIT %(limit)s
) t
JOIN ledger_journal j ON j.event_id = t.id >> 8
ORDER BY m.booked_at DESC, m.id DESC, t.id DESC LIMIT %(limit)s
"""


def statement_page(
    *,
    codes: Sequence[str],
    limit: int,
    after: StatementPlace | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    currency: str | None = None,
) -> list[StatementLine]:
    """
    Return up to `limit` lines of these ledger accounts behind `after`, newest booking first.

    `since` (inclusive) and `until` (exclusive) are compared with `booked_at`; without `currency` all are told.
    """
    accounts = LedgerAccount.objects.filter(code__in=codes)
    if currency is not None:
        accounts = accounts.filter(currency=currency)
    account_ids = list(accounts.values_list("id", flat=True))
    parameters: dict[str, Any] = {
        "accounts": account_ids,
        "limit": limit,
        "booked_at": after.booked_at if after else "infinity",
        "movement": after.movement_id if after else _BIGINT_MAX,
        "transfer": after.transfer_id if after else _BIGINT_MAX,
        "since": since or "-infinity",
        "until": until or "infinity",
    }
    with connection.cursor() as cursor:
        cursor.execute(_PAGE, parameters)
        return list(_with_balances(cursor.fetchall(), after))


def _with_balances(rows: Sequence[tuple], after: StatementPlace | None) -> Iterator[StatementLine]:
    """Walk down each movement from its balance: what is before one transfer is after the next older one."""
    movement_id, balance = (after.movement_id, after.balance_before_minor) if after else (None, 0)
    for row_movement_id, transfer_id, minor, currency, balance_after, effective_at, booked_at in rows:
        if row_movement_id != movement_id:
            movement_id, balance = row_movement_id, balance_after
        yield StatementLine(row_movement_id, transfer_id, minor, currency, balance, effective_at, booked_at)
        balance -= minor
