"""Many scans at once: kept as if each had come alone in the order of their times, whatever order they come in."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts.models import Account
from core import clock
from sharing.models import Scan, ScanClass, ScanDay, Share
from sharing.services import Look, count_scans, record_scan, record_scans
from sharing.tokens import read_token, write_token
from tests.conftest import Statements
from tests.sharing.scans import PHONE, share_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
SIGNALS = ((), (), (), ("head",), ("head", "prefetch"))
SEEDS = range(6)
LOOKS = 60
KEPT = ("scanned_at", "share_id", "scan_class", "classifier", "visitor", "is_repeat", "agent", "signals")
COUNTED = ("share_id", "day", "human", "bot", "preview", "by_sharer", "visitors")


@pytest.fixture
def shares(buyer: Account, seller: Account) -> list[Share]:
    return [share_of(buyer, seller) for _ in range(2)]


def history(shares: Sequence[Share], seed: int) -> list[Look]:
    """Few visitors over a few hours around midnight, some at the same moment: many repeats, and many that are none."""
    chance = random.Random(seed)
    return [
        Look(
            share_id=chance.choice(shares).pk,
            agent=chance.choice((PHONE, PHONE, PHONE + " App/2", GOOGLEBOT, "x" * 400)),
            address=f"192.0.2.{chance.randrange(2)}",
            signals=chance.choice(SIGNALS),
            at=NOON + timedelta(hours=10, minutes=10 * chance.randrange(30)),
        )
        for _ in range(LOOKS)
    ]


def one_by_one(looks: Sequence[Look]) -> None:
    """Of one visitor's looks at the very same moment the one that said least comes first."""
    for look in sorted(looks, key=lambda look: (look.at, look.signals)):
        said = {"share_id": look.share_id, "agent": look.agent, "address": look.address, "signals": look.signals}
        assert record_scan(**said, now=look.at) is not None


def outcome(record: Callable[[], Any]) -> tuple[list[Any], list[Any]]:
    """The log in the order of its keys and what is counted of it; afterwards nothing has happened."""
    with transaction.atomic():
        record()
        log = list(Scan.objects.order_by("id").values_list(*KEPT))
        while count_scans():
            pass
        counted = list(ScanDay.objects.order_by("share_id", "day").values_list(*COUNTED))
        transaction.set_rollback(True)
    return log, counted


def in_batches(looks: Sequence[Look], sizes: Sequence[int]) -> None:
    """In the order of their times, so that no batch begins before the one before has ended."""
    waiting = sorted(looks, key=lambda look: (look.at, look.signals))
    for size in sizes:
        record_scans(looks=waiting[:size])
        waiting = waiting[size:]
    record_scans(looks=waiting)


@pytest.mark.parametrize("seed", SEEDS)
class TestAnyHistory:
    """Rows, repeats, visitors and counts."""

    def test_is_kept_as_if_each_look_had_come_alone(self, shares: list[Share], seed: int) -> None:
        looks = history(shares, seed)

        alone, counted_alone = outcome(lambda: one_by_one(looks))
        together, counted_together = outcome(lambda: in_batches(looks, [seed, 1, 20]))

        assert len(together) == LOOKS
        assert sorted(together, key=repr) == sorted(alone, key=repr)
        assert counted_together == counted_alone
        assert {row[KEPT.index("is_repeat")] for row in together} == {True, False}

    def test_is_the_same_in_any_order_of_delivery(self, shares: list[Share], seed: int) -> None:
        looks = history(shares, seed)
        shuffled = random.Random(seed + 100).sample(looks, len(looks))

        assert outcome(lambda: record_scans(looks=shuffled)) == outcome(lambda: record_scans(looks=looks))


class TestABatch:
    """What is said of it, and what it costs."""

    def test_says_of_each_look_in_the_order_given_what_is_kept(self, shares: list[Share]) -> None:
        (ended, live), at = shares, clock.now()
        type(ended.program).objects.filter(pk=ended.program_id).update(until_at=at, ended_at=at)
        given = [(live.pk, 5), (live.pk + 1000, 3), (ended.pk, 1), (live.pk, 2)]
        looks = [
            Look(share_id=key, agent=PHONE, address="192.0.2.1", at=NOON + timedelta(minutes=minutes))
            for key, minutes in given
        ]

        last, unknown, first, second = record_scans(looks=looks)

        assert unknown is None
        assert last is not None and first is not None and second is not None  # noqa: PT018
        assert [kept.is_live for kept in (first, second, last)] == [False, True, True]
        assert last.item == live.item.public_id
        for kept, look in ((first, looks[2]), (second, looks[3]), (last, looks[0])):
            ticket = read_token(write_token(kept.ticket), now=look.at)
            row = Scan.objects.get(pk=ticket.scan_id)
            assert (row.share_id, row.scanned_at, row.scan_class) == (look.share_id, look.at, ScanClass.HUMAN)
            assert row.is_repeat is (kept is last)
        assert first.ticket.scan_id < second.ticket.scan_id < last.ticket.scan_id

    def test_takes_one_statement_however_many(self, shares: list[Share], statements: Callable[[], Statements]) -> None:
        with statements() as seen:
            record_scans(looks=history(shares, 1) * 5)

        assert len(seen) == 1, str(seen)
        assert Scan.objects.count() == 5 * LOOKS

    def test_of_nothing_keeps_nothing(self, shares: list[Share]) -> None:
        assert record_scans(looks=[]) == []
        assert not Scan.objects.exists()
