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
# up); then the newest transfers of each, from the end of its list or from the place where the last page ended.
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
    SELECT t.id, CASE WHEN t.debit_id = m.account_id THEN -t.amount_minor ELSE t.amount_minor END AS amount_minor,
           t.currency
    FROM (
        SELECT unnest(l.transfer_ids[l.last - %(limit)s + 1 : l.last]) AS id
        FROM (SELECT transfer_ids, width_bucket(m.below - 1, transfer_ids) AS last FROM ledger_movementlegs
              WHERE batch_id = m.batch_id AND account_id = m.account_id OFFSET 0) l
    ) leg JOIN ledger_transfer t ON t.id = leg.id
    ORDER BY t.id DESC LIMIT %(limit)s
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
