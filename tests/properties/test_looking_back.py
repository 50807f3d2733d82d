"""Balances at any two times are what a list of all transfers says, however they were batched and in which order."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.models import Batch
from ledger.posting import JournalDraft, post_batch
from ledger.selectors import balance_at, trial_balance

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
PURPOSES = ("clearing:desk", "platform:fees", "pending:anna", "escrow:north")
_event_ids = count(10**9)

# Apart by less than a look back halves down to, by less and by more than what counts as late, and by long.
steps = st.sampled_from(
    [timedelta(), timedelta(microseconds=1), timedelta(seconds=2), timedelta(minutes=9)]
) | st.sampled_from([timedelta(minutes=11), timedelta(days=3)])


@dataclass(frozen=True)
class Moved:
    """One transfer as a plain list has it."""

    debit: str
    credit: str
    minor: int
    currency: str
    effective_at: datetime
    booked_at: datetime


@st.composite
def journals(draw: st.DrawFn) -> tuple[str, str, int, str, timedelta]:
    debit, credit = draw(st.sampled_from([(d, c) for d in PURPOSES for c in PURPOSES if d != c]))
    at = draw(st.lists(steps, min_size=1, max_size=2))
    return debit, credit, draw(st.integers(1, 1000)), draw(st.sampled_from(["GBP", "JPY"])), sum(at, timedelta())


batches = st.lists(st.lists(journals(), min_size=1, max_size=4), min_size=1, max_size=7)
gaps = st.lists(
    st.sampled_from([timedelta(microseconds=1), timedelta(seconds=1), timedelta(hours=5)]), min_size=7, max_size=7
)


def book(histories: Sequence[Sequence[tuple[str, str, int, str, timedelta]]], gaps: Sequence[timedelta]) -> list[Moved]:
    """Book each list as a batch, as if so much time lay between them; return it as a plain list."""
    moved, booked_at = [], BEGAN
    for drawn, gap in zip(histories, gaps, strict=False):
        drafts = [
            JournalDraft(
                event_id=next(_event_ids),
                subject="",
                currency=currency,
                rule_set_id=1,
                rule="default",
                effective_at=BEGAN + offset,
                transfers=[(debit, credit, minor)],
            )
            for debit, credit, minor, currency, offset in drawn
        ]
        posted = post_batch(drafts, trigger="manual", opened_at=BEGAN)
        booked_at += gap
        set_booked_at(posted.id, booked_at)
        moved += [Moved(*d.transfers[0], d.currency, d.effective_at, booked_at) for d in drafts]
    return moved


def set_booked_at(batch_id: int, moment: datetime) -> None:
    """The clock cannot be told what to say; the owner of a table can write what it would have said."""
    with connection.cursor() as cursor:
        for table, key in (("ledger_batch", "id"), ("ledger_movement", "batch_id")):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(f"UPDATE {table} SET booked_at = %s WHERE {key} = %s", [moment, batch_id])
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def added_up(moved: Sequence[Moved], as_of: datetime, known_at: datetime) -> dict[tuple[str, str], tuple[int, int]]:
    """Debits and credits of every account that has any, from the plain list."""
    debits: Counter[tuple[str, str]] = Counter()
    credits: Counter[tuple[str, str]] = Counter()
    for one in moved:
        if one.effective_at <= as_of and one.booked_at <= known_at:
            debits[one.debit, one.currency] += one.minor
            credits[one.credit, one.currency] += one.minor
    return {account: (debits[account], credits[account]) for account in debits | credits}


def around(moments: set[datetime]) -> list[datetime]:
    """Each moment, and just before it."""
    return sorted(moments | {moment - timedelta(microseconds=1) for moment in moments})


@pytest.mark.django_db
class TestLookingBack:
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(histories=batches, gaps=gaps, data=st.data())
    def test_is_what_a_plain_list_says(
        self,
        histories: list[list[tuple[str, str, int, str, timedelta]]],
        gaps: list[timedelta],
        data: st.DataObject,
    ) -> None:
        with transaction.atomic():
            moved = book(histories, gaps)
            as_ofs = around({one.effective_at for one in moved})
            known_ats = [*around({one.booked_at for one in moved}), datetime.now(UTC) + timedelta(days=1)]
            for _ in range(12):
                as_of, known_at = data.draw(st.sampled_from(as_ofs)), data.draw(st.sampled_from(known_ats))
                right = added_up(moved, as_of, known_at)
                trials = trial_balance(as_of=as_of, known_at=known_at)
                found = {
                    (a.code, a.currency): (a.debits_minor, a.credits_minor)
                    for trial in trials
                    for a in trial.accounts
                    if a.debits_minor or a.credits_minor
                }

                assert found == right
                assert all(trial.debits_minor == trial.credits_minor for trial in trials)
                (code, currency), sums = (
                    data.draw(st.sampled_from(sorted(right.items()))) if right else (("", ""), (0, 0))
                )
                if code:
                    (one,) = balance_at(code=code, currency=currency, as_of=as_of, known_at=known_at)
                    assert (one.debits_minor, one.credits_minor) == sums
            transaction.set_rollback(True)
        assert not Batch.objects.exists()
