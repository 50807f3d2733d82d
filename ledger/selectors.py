"""
Reading the book at two times: `as_of` (when it happened) and `known_at` (when it was booked).

Whoever asks "what did the balance of 1 May look like on 3 May" gives both. Answers for a `known_at`
up to the frontier never change again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import connection

from core.errors import NotFound
from ledger.engine import ENGINE_LOCK
from ledger.models import LATE_AFTER, LedgerAccount


@dataclass(frozen=True, slots=True)
class Balance:
    """One account's counters; `held_minor` is always the present one, since holds keep no history."""

    code: str
    currency: str
    debits_minor: int
    credits_minor: int
    held_minor: int

    @property
    def balance_minor(self) -> int:
        return self.credits_minor - self.debits_minor


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """All accounts of one currency; the difference of a double-entry book is zero."""

    currency: str
    accounts: Sequence[Balance]

    @property
    def debits_minor(self) -> int:
        return sum(account.debits_minor for account in self.accounts)

    @property
    def credits_minor(self) -> int:
        return sum(account.credits_minor for account in self.accounts)


# Three parts, each found by an index, however much was booked (docs/ledger.md):
# `pivot`: the last movement that knew nothing effective later than `as_of`; its totals are all before it.
# `near`: movements behind it, in booking order, until the account's time is LATE_AFTER further; the others
# behind them are later as a whole, except those that were booked late (`far`).
# Of a movement that straddles the moment, the transfers are looked at one by one.
# OFFSET 0 keeps the planner, which cannot know how few rows lie between, from reading the whole table.
_BALANCES = """
WITH asked AS MATERIALIZED (
    SELECT a.id, a.code, a.currency, a.held_minor,
           ledger_movement_before(a.id, %(as_of)s, %(known_at)s) AS pivot_id,
           ledger_movement_before(a.id, %(as_of)s::timestamptz + %(late_after)s, %(known_at)s) AS near_id
    FROM ({accounts}) a
), placed AS MATERIALIZED (
    SELECT asked.*, COALESCE(pivot.debits_after_minor, 0) AS debits, COALESCE(pivot.credits_after_minor, 0) AS credits,
           COALESCE(pivot.booked_at, '-infinity') AS pivot_at, COALESCE(near.booked_at, '-infinity') AS near_at
    FROM asked LEFT JOIN ledger_movement pivot ON pivot.id = asked.pivot_id
    LEFT JOIN ledger_movement near ON near.id = asked.near_id
), behind AS MATERIALIZED (
    SELECT m.* FROM placed CROSS JOIN LATERAL (
        SELECT * FROM ledger_movement m WHERE m.account_id = placed.id AND m.effective_min <= %(as_of)s
          AND (m.booked_at, m.id) > (placed.pivot_at, COALESCE(placed.pivot_id, 0))
          AND (m.booked_at, m.id) <= (placed.near_at, COALESCE(placed.near_id, 0)) OFFSET 0
    ) m
    UNION ALL
    SELECT m.* FROM placed CROSS JOIN LATERAL (
        SELECT * FROM ledger_movement m WHERE m.account_id = placed.id AND m.effective_min <= %(as_of)s
          AND m.late AND m.booked_at BETWEEN placed.near_at AND %(known_at)s
          AND (m.booked_at, m.id) > (placed.near_at, COALESCE(placed.near_id, 0)) OFFSET 0
    ) m
), earlier AS (
    SELECT account_id, debits_minor AS debits, credits_minor AS credits FROM behind WHERE effective_max <= %(as_of)s
    UNION ALL
    SELECT behind.account_id, CASE WHEN t.debit_id = behind.account_id THEN t.amount_minor ELSE 0 END,
           CASE WHEN t.credit_id = behind.account_id THEN t.amount_minor ELSE 0 END
    FROM behind JOIN ledger_movementlegs l ON l.batch_id = behind.batch_id AND l.account_id = behind.account_id
    CROSS JOIN LATERAL unnest(l.transfer_ids) AS leg(id)
    JOIN ledger_journal j ON j.event_id = leg.id >> 8
    JOIN ledger_transfer t ON t.id = leg.id
    WHERE behind.effective_max > %(as_of)s AND j.effective_at <= %(as_of)s
), added AS (
    SELECT account_id, sum(debits) AS debits, sum(credits) AS credits FROM earlier GROUP BY account_id
)
SELECT placed.code, placed.currency, (placed.debits + COALESCE(added.debits, 0))::bigint,
       (placed.credits + COALESCE(added.credits, 0))::bigint, placed.held_minor
FROM placed LEFT JOIN added ON added.account_id = placed.id
ORDER BY placed.currency, placed.code
"""


_ONE_CODE = "SELECT * FROM ledger_ledgeraccount WHERE code = %(code)s"
_NEXT_CODES = """
SELECT * FROM ledger_ledgeraccount WHERE currency = %(currency)s AND code > %(after)s ORDER BY code LIMIT %(limit)s
"""


def balances_of(codes: Sequence[str]) -> list[Balance]:
    """Return the present balances of these accounts in every currency they have been used in."""
    rows = LedgerAccount.objects.filter(code__in=codes).order_by("currency", "code")
    return [Balance(a.code, a.currency, a.debits_minor, a.credits_minor, a.held_minor) for a in rows]


def balance_at(
    *, code: str, currency: str | None = None, as_of: datetime | None = None, known_at: datetime | None = None
) -> list[Balance]:
    """
    Return one account's balances, by currency: the present ones, or those of the two times.

    A `known_at` behind the frontier means what is booked now: it may still change.

    :raises NotFound: no such account has ever been used.
    """
    if as_of is None and known_at is None:
        found = balances_of([code])
    else:
        found = _balances(_ONE_CODE, as_of=as_of, known_at=known_at, code=code)
    chosen = [balance for balance in found if currency in (None, balance.currency)]
    if not chosen:
        raise NotFound("No such ledger account has been used.")
    return chosen


def trial_balance(*, as_of: datetime | None = None, known_at: datetime | None = None) -> list[TrialBalance]:
    """Return all accounts by currency, as `trial_accounts` yields them."""
    found = trial_accounts(as_of=as_of, known_at=known_at)
    return [TrialBalance(currency, list(accounts)) for currency, accounts in groupby(found, lambda a: a.currency)]


def trial_accounts(*, as_of: datetime | None = None, known_at: datetime | None = None) -> Iterator[Balance]:
    """
    Yield all accounts at the two times, by currency and code, a chunk with each query.

    All chunks are as of one moment although no snapshot lives longer than a chunk: nothing is booked before the
    frontier any more, so a `known_at` behind it, or none, becomes the frontier.
    """
    settled = frontier()
    known_at = min(known_at, settled) if known_at else settled
    for currency in LedgerAccount.objects.order_by("currency").values_list("currency", flat=True).distinct():
        after = ""
        while chunk := _balances(
            _NEXT_CODES,
            as_of=as_of,
            known_at=known_at,
            currency=currency,
            after=after,
            limit=settings.TRIAL_ACCOUNTS_AT_ONCE,
        ):
            yield from chunk
            after = chunk[-1].code


def _balances(accounts: str, *, as_of: datetime | None, known_at: datetime | None, **parameters: Any) -> list[Balance]:
    moments: dict[str, Any] = {
        "as_of": as_of or "infinity",
        "known_at": known_at or "infinity",
        "late_after": LATE_AFTER,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES.format(accounts=accounts), parameters | moments)
        return [Balance(*row) for row in cursor.fetchall()]


def frontier() -> datetime:
    """
    Return the `booked_at` up to which no open transaction can still add a batch.

    A batch takes the engine's lock before it reads its clock, so one that is not seen holding it here
    books later than now; one that is, books later than its transaction began.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH looked AS MATERIALIZED (SELECT clock_timestamp() AS at)
            SELECT LEAST(looked.at, (
                SELECT min(a.xact_start) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
                JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
                WHERE l.locktype = 'advisory'
                  AND l.classid = %s AND l.objid = %s AND l.objsubid = 1 AND l.granted AND a.pid <> pg_backend_pid()
            )) FROM looked
            """,
            [ENGINE_LOCK >> 32, ENGINE_LOCK & 0xFFFFFFFF],
        )
        return cursor.fetchone()[0]
