"""
Reading the book at two times: `as_of` (when it happened) and `known_at` (when it was booked).

Whoever asks "what did the balance of 1 May look like on 3 May" gives both. Answers for a `known_at`
up to the frontier never change again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from core.errors import NotFound
from ledger.engine import ENGINE_LOCK
from ledger.models import LedgerAccount


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


# Booked until `known_at` comes from the last movement; what is effective only after `as_of` is taken off:
# whole movements where all of it is later, and single transfers where a movement straddles the moment.
_BALANCES = """
WITH asked AS (
    SELECT id, code, currency, held_minor, debits_minor, credits_minor FROM ledger_ledgeraccount a WHERE {accounts}
), booked AS (
    SELECT asked.*, COALESCE(last.debits_after_minor, 0) AS debits, COALESCE(last.credits_after_minor, 0) AS credits
    FROM asked LEFT JOIN LATERAL (
        SELECT debits_after_minor, credits_after_minor FROM ledger_movement m
        WHERE m.account_id = asked.id AND m.booked_at <= %(known_at)s
        ORDER BY m.booked_at DESC, m.id DESC LIMIT 1
    ) last ON true
), later AS (
    SELECT m.account_id, m.debits_minor AS debits, m.credits_minor AS credits
    FROM ledger_movement m JOIN asked ON asked.id = m.account_id
    WHERE m.booked_at <= %(known_at)s AND m.effective_min > %(as_of)s
    UNION ALL
    SELECT m.account_id, t.amount_minor, 0
    FROM ledger_movement m JOIN asked ON asked.id = m.account_id
    JOIN ledger_transfer t ON t.debit_id = m.account_id AND t.batch_id = m.batch_id
    JOIN ledger_journal j ON j.event_id = t.id >> 8
    WHERE m.booked_at <= %(known_at)s AND m.effective_min <= %(as_of)s AND m.effective_max > %(as_of)s
      AND j.effective_at > %(as_of)s
    UNION ALL
    SELECT m.account_id, 0, t.amount_minor
    FROM ledger_movement m JOIN asked ON asked.id = m.account_id
    JOIN ledger_transfer t ON t.credit_id = m.account_id AND t.batch_id = m.batch_id
    JOIN ledger_journal j ON j.event_id = t.id >> 8
    WHERE m.booked_at <= %(known_at)s AND m.effective_min <= %(as_of)s AND m.effective_max > %(as_of)s
      AND j.effective_at > %(as_of)s
)
SELECT booked.code, booked.currency, (booked.debits - COALESCE(sum(later.debits), 0))::bigint,
       (booked.credits - COALESCE(sum(later.credits), 0))::bigint, booked.held_minor
FROM booked LEFT JOIN later ON later.account_id = booked.id
GROUP BY booked.code, booked.currency, booked.debits, booked.credits, booked.held_minor
ORDER BY booked.currency, booked.code
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

    :raises NotFound: no such account has ever been used.
    """
    if as_of is None and known_at is None:
        found = balances_of([code])
    else:
        found = _balances("a.code = %(code)s", as_of=as_of, known_at=known_at, code=code)
    chosen = [balance for balance in found if currency in (None, balance.currency)]
    if not chosen:
        raise NotFound("No such ledger account has been used.")
    return chosen


def trial_balance(*, as_of: datetime | None = None, known_at: datetime | None = None) -> list[TrialBalance]:
    """Return all accounts by currency, at present or at the two times, in one snapshot."""
    if as_of is None and known_at is None:
        rows = LedgerAccount.objects.order_by("currency", "code")
        balances = [Balance(a.code, a.currency, a.debits_minor, a.credits_minor, a.held_minor) for a in rows]
    else:
        balances = _balances("true", as_of=as_of, known_at=known_at)
    currencies = sorted({balance.currency for balance in balances})
    return [TrialBalance(c, [balance for balance in balances if balance.currency == c]) for c in currencies]


def _balances(accounts: str, *, as_of: datetime | None, known_at: datetime | None, **parameters: str) -> list[Balance]:
    with connection.cursor() as cursor:
        cursor.execute(
            _BALANCES.format(accounts=accounts),
            parameters | {"as_of": as_of or "infinity", "known_at": known_at or "infinity"},
        )
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
