"""
The batch triggers and the doorbell, driven through a real worker that hears nothing but the doorbell.

What a batch is cut by stands in the rule set in force, and another one takes effect without a restart.
"""

from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import pytest
from celery import current_app
from django.db import transaction

from billing import booking
from billing.services.catching_up import catch_up
from events import doorbell
from events.doorbell import DELIVER_TASK, MONEY_QUEUE
from ledger.models import Batch, Journal
from tests.faults.cases import findings, put_in_force
from tests.money_facts import account_id, balance, pay, top_up
from tests.real_worker import DOORBELL_ONLY, Redis, running_redis, running_worker, wait_for, waits

PERIOD_MS = 400
AN_HOUR_MS = 3_600_000
LATENESS_MEDIAN_MAX = 2  # Times the period, on a machine that may be busy.


@pytest.fixture(scope="class")
def redis_of_worker(class_committed_db: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    directory = tmp_path_factory.mktemp("worker")
    with (
        running_redis(directory) as redis_server,
        running_worker(class_committed_db, redis_server, directory / "worker.log", settings_module=DOORBELL_ONLY),
    ):
        yield redis_server


@pytest.fixture
def settings_of(redis_of_worker: Redis) -> Iterator[Callable[..., None]]:
    """`settings_of(period_ms=…)` activates rules with these; afterwards nothing waits."""
    yield put_in_force
    catch_up()


def batches_after(last: int) -> list[Batch]:
    return list(Batch.objects.filter(id__gt=last).order_by("id"))


def last_batch() -> int:
    return Batch.objects.order_by("-id").values_list("id", flat=True).first() or 0


def top_ups(number: int, minor: int = 5) -> None:
    """That many at once: one transfer each, and one new account each beside the cash desk's."""
    with transaction.atomic():
        for _ in range(number):
            top_up(account_id(), minor)


def waited_ms(batch: Batch) -> float:
    """From the oldest event to the booking, both by the database's clock."""
    return (batch.booked_at - batch.opened_at).total_seconds() * 1000


class TestTriggers:
    def test_the_period_of_the_oldest_event(self, settings_of: Callable[..., None]) -> None:
        settings_of(period_ms=PERIOD_MS)
        before = last_batch()
        for _ in range(5):
            top_ups(2)
            wait_for(lambda: not waits())

        found = batches_after(before)
        assert [(batch.trigger, batch.events_count) for batch in found] == [(booking.PERIOD, 2)] * 5
        assert min(map(waited_ms, found)) >= PERIOD_MS
        assert median(map(waited_ms, found)) <= LATENESS_MEDIAN_MAX * PERIOD_MS

    def test_the_count_of_transfers(self, settings_of: Callable[..., None]) -> None:
        settings_of(period_ms=AN_HOUR_MS, max_transfers=4)
        before = last_batch()
        top_ups(3)
        assert not batches_after(before)
        top_ups(7)

        wait_for(lambda: len(batches_after(before)) == 2)
        assert [(b.trigger, b.transfers_count) for b in batches_after(before)] == [(booking.TRANSFERS, 4)] * 2
        assert waits(), "Two of ten are left for the period."

    def test_the_count_of_accounts(self, settings_of: Callable[..., None]) -> None:
        settings_of(period_ms=AN_HOUR_MS, max_accounts=4)
        before = last_batch()
        top_ups(7)

        wait_for(lambda: len(batches_after(before)) == 2)
        found = batches_after(before)
        assert [(b.trigger, b.accounts_count, b.events_count) for b in found] == [(booking.ACCOUNTS, 4, 3)] * 2
        assert waits(), "One of seven is left for the period."

    def test_a_command_books_what_waits_at_once(self, settings_of: Callable[..., None]) -> None:
        settings_of(period_ms=AN_HOUR_MS)
        before = last_batch()
        top_ups(3)

        catch_up()

        assert [(batch.trigger, batch.events_count) for batch in batches_after(before)] == [(booking.MANUAL, 3)]

    def test_an_event_beyond_the_counts_is_booked_alone(self, settings_of: Callable[..., None]) -> None:
        payer, seller = account_id(), account_id()
        top_up(payer, 100)
        catch_up()
        settings_of(period_ms=AN_HOUR_MS, max_transfers=1)
        before = last_batch()
        with transaction.atomic():
            pay(payer, seller, 30, fee=3)
            top_up(payer, 5)
            pay(payer, seller, 30, fee=3)

        wait_for(lambda: not waits())
        found = batches_after(before)  # In any order: several threads of the worker may be at it.
        assert sorted((b.events_count, b.transfers_count, b.trigger) for b in found) == [
            (1, 1, booking.TRANSFERS),
            (1, 2, booking.TRANSFERS),
            (1, 2, booking.TRANSFERS),
        ]

    def test_no_batch_exceeds_the_counts(self, settings_of: Callable[..., None]) -> None:
        payer = account_id()
        top_up(payer, 10_000)
        catch_up()
        settings_of(period_ms=20, max_transfers=9, max_accounts=7)
        before = last_batch()
        for number in range(40):
            with transaction.atomic():
                for _ in range(number % 5):
                    pay(payer, account_id(), 7, fee=number % 3)
                    top_up(account_id(), 1)

        wait_for(lambda: not waits())
        found = batches_after(before)
        assert max(batch.transfers_count for batch in found) <= 9
        assert max(batch.accounts_count for batch in found) <= 7
        assert {booking.ACCOUNTS} <= {batch.trigger for batch in found}
        assert sum(batch.events_count for batch in found) == 160 == Journal.objects.filter(batch_id__gt=before).count()

    def test_other_settings_take_effect_without_a_restart(self, settings_of: Callable[..., None]) -> None:
        settings_of(period_ms=AN_HOUR_MS)
        before = last_batch()
        top_ups(1)
        settings_of(period_ms=PERIOD_MS)
        top_ups(1)

        wait_for(lambda: not waits())
        assert [(batch.trigger, batch.events_count) for batch in batches_after(before)] == [(booking.PERIOD, 2)]

    def test_the_doorbell_survives_a_flush_of_redis(
        self, settings_of: Callable[..., None], redis_of_worker: Redis
    ) -> None:
        settings_of(period_ms=PERIOD_MS)
        with redis_of_worker.client() as client:
            client.flushall()
        top_ups(1)

        wait_for(lambda: not waits())

    def test_a_ring_too_many_does_no_harm(self, settings_of: Callable[..., None]) -> None:
        settings_of(period_ms=1, max_transfers=3)
        before, owner = last_batch(), account_id()
        for _ in range(30):
            top_up(owner, 1)
            for _ring in range(4):
                current_app.send_task(
                    DELIVER_TASK, args=["billing"], queue=MONEY_QUEUE, producer=doorbell._bell.of_thread.producer
                )

        wait_for(lambda: not waits())
        assert balance(f"wallet:{owner}") == 30 == Journal.objects.filter(batch_id__gt=before).count()
        assert findings() == []
