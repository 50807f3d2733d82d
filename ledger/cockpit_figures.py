"""What the operators' cockpit shows of the book: how booking goes, how far it is sealed, where the money is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate

from django.db import connection

from ledger.rollups import PURPOSES

UNSEALED_COUNTED_MAX = 1000

_PULSE = """
SELECT trigger, count(*), sum(events_count), sum(transfers_count), max(booked_at),
       percentile_disc(0.99) WITHIN GROUP (ORDER BY EXTRACT(epoch FROM booked_at - opened_at))
FROM ledger_batch WHERE booked_at > now() - make_interval(secs => %s) GROUP BY GROUPING SETS ((trigger), ())
ORDER BY 2 DESC, 1
"""

_SEALING = """
WITH head AS (SELECT number, digest, booked_at, batch_id, sealed_at FROM ledger_seal ORDER BY number DESC LIMIT 1)
SELECT head.number, encode(head.digest, 'hex'), head.sealed_at,
       EXTRACT(epoch FROM clock_timestamp() - head.sealed_at),
       (SELECT count(*) FROM (
           SELECT 1 FROM ledger_batch b
           WHERE (b.booked_at, b.id) > (COALESCE(head.booked_at, '-infinity'), COALESCE(head.batch_id, 0)) LIMIT %s
       ) AS behind)
FROM (VALUES (1)) AS one LEFT JOIN head ON true
"""

_MONEY = """
SELECT GREATEST(day, %(before)s), purpose, currency, sum(credits_minor - debits_minor)::bigint,
       (SELECT as_of FROM ledger_rollupmark WHERE name = %(rollup)s)
FROM ledger_purposeday GROUP BY 1, 2, 3 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Pulse:
    """Batches of some time, cut by one trigger, or by any where that is empty; the lag is at the 99th percentile."""

    trigger: str
    batches: int
    events: int
    transfers: int
    last_at: datetime
    lag_seconds: float


@dataclass(frozen=True, slots=True)
class Sealing:
    """The newest seal, if there is one, and how many batches are behind it (counted no further than is said)."""

    number: int | None
    hash: str
    sealed_at: datetime | None
    age_seconds: float
    unsealed: int


@dataclass(frozen=True, slots=True)
class Money:
    """Balances of one currency by purpose, at the end of each day of `days`; over all purposes they sum to zero."""

    days: Sequence[date]
    balances: Mapping[str, Sequence[int]]
    currencies: Sequence[str]
    currency: str
    as_of: datetime | None


def booking_pulse(period: timedelta) -> list[Pulse]:
    """Return the batches of the last `period`, by the database's clock: of all triggers, then of each."""
    with connection.cursor() as cursor:
        cursor.execute(_PULSE, [period.total_seconds()])
        found = cursor.fetchall()
    return [
        Pulse(trigger or "", batches, events, transfers, last_at, float(lag))
        for trigger, batches, events, transfers, last_at, lag in sorted(found, key=lambda row: row[0] is not None)
        if batches
    ]


def sealing() -> Sealing:
    """Return how far the book is sealed."""
    with connection.cursor() as cursor:
        cursor.execute(_SEALING, [UNSEALED_COUNTED_MAX + 1])
        number, digest, sealed_at, age_seconds, unsealed = cursor.fetchone()
    return Sealing(number, digest or "", sealed_at, float(age_seconds or 0), unsealed)


def money_by_purpose(*, first: date, last: date, currency: str = "") -> Money:
    """
    Return what accounts of each purpose had at the end of each day, from the roll-up.

    `currency`: without one, or with one that was never booked, the one with the most days.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MONEY, {"before": first - timedelta(days=1), "rollup": PURPOSES})
        found = cursor.fetchall()
    all_currencies = [row[2] for row in found]
    currencies = sorted(set(all_currencies))
    if currency not in currencies:
        currency = max(currencies, key=all_currencies.count, default="")
    days = [first + timedelta(days=place) for place in range((last - first).days + 1)]
    nets: dict[str, dict[date, int]] = {}
    for day, purpose, in_, net_minor, _as_of in found:
        if in_ == currency and day <= last:
            nets.setdefault(purpose, {})[day] = net_minor
    balances = {purpose: _running(net, days) for purpose, net in sorted(nets.items())}
    return Money(days, balances, currencies, currency, found[0][4] if found else None)


def _running(net: Mapping[date, int], days: Sequence[date]) -> list[int]:
    opening = sum(minor for day, minor in net.items() if day < days[0])
    return list(accumulate((net.get(day, 0) for day in days), initial=opening))[1:]
