"""A batch books the same as one by one: journals, transfers, counters, holds, and what it sets aside."""

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import booking
from tests.histories import CURRENCIES, DAYS, KINDS, MINOR_MAX, OWNERS, WHICH_MAX, Drawn, World, the_book
from tests.money_facts import limits

DRAWN = {
    "owner": st.sampled_from(OWNERS),
    "currency": st.sampled_from(CURRENCIES),
    "minor": st.integers(1, MINOR_MAX),
    "which": st.integers(0, WHICH_MAX),
    "day": st.integers(-DAYS, DAYS),
}
facts = st.one_of(
    st.tuples(st.just(kind), *(DRAWN[what] for what in (*drawn_from, "day"))) for kind, drawn_from in KINDS.items()
)


def book_all(at_once: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one go, or with a count that lets every event be booked alone."""
    counts = limits() if at_once else limits(max_accounts=1)
    monkeypatch.setattr(booking, "_settings_in_force", lambda _at_work: counts)
    while booking.book_batch(trigger=booking.MANUAL):
        pass


def run(history: list[Drawn], cuts: set[int], *, at_once: bool, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Record a history, booking at the cuts and at the end; return the book and take it all back."""
    with transaction.atomic():
        world = World()
        world.endow(MINOR_MAX)
        book_all(at_once, monkeypatch)
        for number, fact in enumerate(history):
            world.record(number, *fact)
            if number in cuts:
                book_all(at_once, monkeypatch)
        book_all(at_once, monkeypatch)
        found = the_book()
        transaction.set_rollback(True)
    return found


@pytest.mark.django_db
class TestBatches:
    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(history=st.lists(facts, max_size=25), cuts=st.sets(st.integers(0, 25), max_size=4))
    def test_book_the_same_as_one_by_one(
        self, history: list[Drawn], cuts: set[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        together = run(history, cuts, at_once=True, monkeypatch=monkeypatch)
        one_by_one = run(history, cuts, at_once=False, monkeypatch=monkeypatch)

        assert together == one_by_one
