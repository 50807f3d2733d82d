"""
Sums that pages read at once, kept beside the book and extended batch by batch.

A task walks the batches in the order in which they were booked, up to the frontier, behind which no open
transaction can still add one. The place moves in the transaction that adds the sums: each batch is in each
roll-up exactly once. Nothing depends on a roll-up: emptied together with its mark, it is made again.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from ledger.models import TRANSFERS_OF_JOURNAL, RollupMark
from ledger.selectors import frontier

PURPOSES = "purposes"

Stretch = Mapping[str, Any]
Add = Callable[[Stretch], None]

# SQL: the journals `j` of a stretch of batches. Batches of one time are of events of one time: told the range of
# their ids, PostgreSQL does not read all events.
JOURNALS_OF_STRETCH = """
ledger_batch b
JOIN ledger_journal j ON j.batch_id = b.id AND j.event_id BETWEEN %(first_event)s AND %(last_event)s
                     AND (b.booked_at, b.id) > (%(after_at)s::timestamptz, %(after_id)s)
                     AND (b.booked_at, b.id) <= (%(until_at)s::timestamptz, %(until_id)s)
"""

_ADD_TO_PURPOSES = f"""
INSERT INTO ledger_purposeday AS kept (day, purpose, currency, debits_minor, credits_minor)
SELECT (j.effective_at AT TIME ZONE 'UTC')::date, split_part(a.code, ':', 1), t.currency,
       sum(side.debit_minor), sum(side.credit_minor)
FROM {JOURNALS_OF_STRETCH} {TRANSFERS_OF_JOURNAL} t ON true
CROSS JOIN LATERAL (
    VALUES (t.debit_id, t.amount_minor, 0), (t.credit_id, 0, t.amount_minor)
) AS side (account_id, debit_minor, credit_minor)
JOIN ledger_ledgeraccount a ON a.id = side.account_id
GROUP BY 1, 2, 3
ON CONFLICT (day, purpose, currency) DO UPDATE
SET debits_minor = kept.debits_minor + EXCLUDED.debits_minor,
    credits_minor = kept.credits_minor + EXCLUDED.credits_minor
"""  # noqa: S608 - SQL of our own

_rollups: dict[str, Add] = {}


def register_rollup(name: str, add: Add) -> None:
    """
    Keep a roll-up under this name, which its mark has too.

    `add` is given the parameters of `JOURNALS_OF_STRETCH` and adds what these batches come to, in one statement.
    """
    _rollups[name] = add


def register() -> None:
    """The ledger's own: money by purpose and day."""
    register_rollup(PURPOSES, _add_to_purposes)


def roll_up_due() -> int:
    """
    Add further batches to every roll-up, as far as that is certain; return how many, counted for each.

    Two at once are as good as one: each finds a mark taken and leaves it to the other.
    """
    _make_missing_marks()
    added = 0
    for name in _rollups:
        while step := _roll_some(name):
            added += step
    return added


@transaction.atomic
def _roll_some(name: str) -> int:
    mark = RollupMark.objects.select_for_update(skip_locked=True).filter(name=name).first()
    if mark is None:
        return 0
    until = frontier()  # Before the batches are read: what is booked up to it is committed by now.
    places = _batches_after(mark, until)
    if places:
        last_at, last_id = places[-1]
        _rollups[name](_stretch(mark, last_at, last_id))
        mark.booked_at, mark.batch_id, mark.as_of = last_at, last_id, last_at
    else:
        mark.as_of = until
    mark.save()
    return len(places)


def _make_missing_marks() -> None:
    known = set(RollupMark.objects.values_list("name", flat=True))
    missing = [RollupMark(name=name) for name in _rollups if name not in known]
    if missing:
        RollupMark.objects.bulk_create(missing, ignore_conflicts=True)


def _batches_after(mark: RollupMark, until: datetime) -> list[tuple[datetime, int]]:
    """The next batches, up to a number of transfers."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT booked_at, id, transfers_count FROM ledger_batch
            WHERE (booked_at, id) > (%s::timestamptz, %s) AND booked_at <= %s ORDER BY booked_at, id LIMIT %s
            """,
            [mark.booked_at or "-infinity", mark.batch_id, until, settings.ROLLUP_BATCHES_AT_ONCE],
        )
        found = cursor.fetchall()
    places: list[tuple[datetime, int]] = []
    transfers = 0
    for booked_at, id_, transfers_count in found:
        if places and transfers + transfers_count > settings.ROLLUP_TRANSFERS_AT_ONCE:
            break
        places.append((booked_at, id_))
        transfers += transfers_count
    return places


def _stretch(mark: RollupMark, until_at: datetime, until_id: int) -> Stretch:
    stretch = {
        "after_at": mark.booked_at or "-infinity",
        "after_id": mark.batch_id,
        "until_at": until_at,
        "until_id": until_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT COALESCE(min(j.event_id), 0), COALESCE(max(j.event_id), -1)
            FROM ledger_batch b JOIN ledger_journal j ON j.batch_id = b.id
            WHERE (b.booked_at, b.id) > (%(after_at)s::timestamptz, %(after_id)s)
              AND (b.booked_at, b.id) <= (%(until_at)s::timestamptz, %(until_id)s)
            """,
            stretch,
        )
        first, last = cursor.fetchone()
    return stretch | {"first_event": first, "last_event": last}


def _add_to_purposes(stretch: Stretch) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ADD_TO_PURPOSES, stretch)
