"""Events reach each consumer once, in order within their subject, whatever breaks."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from core.errors import Conflict
from events import consumers, delivery
from events.consumers import Consumer
from events.errors import EventKeyTaken, OutsideTransaction
from events.models import Delivery, EventRecord
from events.services import Fact, record_facts
from tests.money_facts import AT


class Refused(Conflict):
    code = "refused_here"


class Listener:
    """A consumer that notes what it hears, and refuses or fails where it is told to."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.batches: list[int] = []
        self.refuse: set[str] = set()
        self.fail_with: Exception | None = None

    def __call__(self, events: Sequence[EventRecord]) -> None:
        if self.fail_with:
            raise self.fail_with
        if any(event.key in self.refuse for event in events):
            raise Refused
        self.batches.append(len(events))
        self.heard += [event.key for event in events]


@pytest.fixture
def add_listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Listener]]:
    """Register listeners for the test alone."""
    monkeypatch.setattr(consumers, "_consumers", {})
    delivery.low_water.forget()

    def add(name: str = "listener", *types: str, after: tuple[str, ...] = ()) -> Listener:
        listener = Listener()
        consumers.add_consumer(Consumer(name, frozenset(types or ("thing.happened",)), after, handle=listener))
        return listener

    yield add
    delivery.low_water.forget()


def happen(*keys: str, subject: str | None = None, type_: str = "thing.happened") -> None:
    with transaction.atomic():
        record_facts([Fact(type_, key, subject or key, {}, AT) for key in keys])


@pytest.mark.django_db
class TestEmit:
    """An event commits with its cause and its deliveries, or not at all."""

    def test_writes_one_delivery_per_consumer_that_hears_the_type(self, add_listener: Any) -> None:
        add_listener("one")
        add_listener("two")
        add_listener("deaf", "other.thing")

        happen("a")

        assert set(Delivery.objects.values_list("consumer", flat=True)) == {"one", "two"}

    def test_takes_one_statement_for_any_number_of_events(self, add_listener: Any, statements: Any) -> None:
        add_listener()
        with statements() as seen:
            happen(*(f"event-{number}" for number in range(50)))

        assert len(seen) == 1, str(seen)
        assert list(EventRecord.objects.order_by("id").values_list("key", flat=True)[:3]) == [
            "event-0",
            "event-1",
            "event-2",
        ]

    def test_refuses_a_key_twice(self, add_listener: Any) -> None:
        add_listener()
        happen("a")

        with pytest.raises(EventKeyTaken), transaction.atomic():
            happen("a")

    def test_refuses_to_be_changed_or_deleted(self, add_listener: Any) -> None:
        add_listener()
        happen("a")

        for statement in ("UPDATE events_eventrecord SET key = 'b'", "DELETE FROM events_eventrecord"):
            with pytest.raises(Exception, match="written once"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)


class TestOutsideATransaction:
    def test_emit_refuses(self, committed_db: Any) -> None:
        with pytest.raises(OutsideTransaction):
            record_facts([Fact("thing.happened", "a", "a", {}, AT)])


@pytest.mark.django_db
class TestDeliver:
    """What was heard is gone from the queue in the same transaction."""

    def test_hears_in_order_and_in_batches(self, add_listener: Any, settings: Any) -> None:
        settings.DELIVERY_BATCH_MAX = 4
        listener = add_listener()
        happen(*"abcdef")

        delivery.deliver_due("listener")

        assert listener.heard == list("abcdef")
        assert listener.batches == [4, 2]
        assert not Delivery.objects.exists()

    def test_finds_the_culprit_by_halving_and_parks_it_alone(self, add_listener: Any) -> None:
        listener = add_listener()
        listener.refuse = {"c"}
        happen(*"abcdef")

        delivery.deliver_due("listener")

        assert listener.heard == list("abdef")
        parked = Delivery.objects.get()
        assert (parked.error_code, parked.parked_at is not None) == ("refused_here", True)

    def test_a_parked_one_holds_back_those_behind_it_in_its_subject_only(self, add_listener: Any) -> None:
        listener = add_listener()
        listener.refuse = {"s1"}
        happen("s1", "s2", subject="s")
        happen("other")

        delivery.deliver_due("listener")
        happen("s3", subject="s")
        delivery.deliver_due("listener")

        assert listener.heard == ["other"]

    def test_a_retry_puts_it_back_in_its_place(self, add_listener: Any) -> None:
        listener = add_listener()
        listener.refuse = {"s1"}
        happen("s1", "s2", subject="s")
        delivery.deliver_due("listener")

        listener.refuse = set()
        assert delivery.retry_parked("listener", EventRecord.objects.get(key="s1").pk)
        delivery.deliver_due("listener")

        assert listener.heard == ["s1", "s2"]

    def test_a_transient_error_puts_the_batch_back_with_a_counter_and_a_wait(self, add_listener: Any) -> None:
        listener = add_listener()
        listener.fail_with = OperationalError("deadlock detected")
        happen("a", "b")

        delivery.deliver_due("listener")

        rows = list(Delivery.objects.all())
        assert [row.attempts for row in rows] == [1, 1]
        assert all(row.not_before and row.parked_at is None for row in rows)
        listener.fail_with = None
        delivery.deliver_due("listener")
        assert listener.heard == [], "it still backs off"

    def test_an_unforeseen_error_is_raised_and_loses_nothing(self, add_listener: Any) -> None:
        listener = add_listener()
        listener.fail_with = ZeroDivisionError()
        happen("a")

        with pytest.raises(ZeroDivisionError):
            delivery.deliver_due("listener")

        assert Delivery.objects.get().attempts == 1

    def test_what_failed_before_goes_alone(self, add_listener: Any) -> None:
        listener = add_listener()
        happen(*"abcd")
        Delivery.objects.filter(event_id=EventRecord.objects.get(key="c").pk).update(attempts=1)

        delivery.deliver_due("listener")

        assert listener.batches == [2, 1, 1]

    def test_hears_after_another_consumer_has(self, add_listener: Any) -> None:
        first = add_listener("first")
        second = add_listener("second", after=("first",))
        happen("a", "b")

        delivery.deliver_due("second")
        assert second.heard == []
        delivery.deliver_due("first")
        delivery.deliver_due("second")

        assert (first.heard, second.heard) == (["a", "b"], ["a", "b"])

    def test_what_another_consumer_parked_holds_back_its_own_subject_only(self, add_listener: Any) -> None:
        first = add_listener("first")
        second = add_listener("second", after=("first",))
        first.refuse = {"s1"}
        happen("s1", "s2", subject="s")
        happen("other")

        delivery.deliver_due("first")
        delivery.deliver_due("second")

        assert (first.heard, second.heard) == (["other"], ["other"])

    def test_statements_of_a_batch_do_not_grow_with_it(self, add_listener: Any, statements: Any) -> None:
        add_listener()
        counts = []
        for size in (2, 200):
            happen(*(f"{size}-{number}" for number in range(size)))
            with statements() as seen:
                delivery.deliver_batch(consumers.get_consumer("listener"))
            counts.append(len(seen))

        assert counts[0] == counts[1] <= 4


class TestTwoWorkers:
    """Two workers never hear an event twice, nor out of order within its subject."""

    def test_a_later_event_waits_while_another_worker_holds_an_older_one_of_its_subject(
        self, committed_db: Any, add_listener: Any, race: Any
    ) -> None:
        add_listener()
        happen("s1", "s2", subject="s")
        happen("other")
        consumer = consumers.get_consumer("listener")

        with transaction.atomic():
            mine = delivery.claim(consumer, 1)
            (theirs,) = race(lambda: _claimed_keys(consumer))

        assert [claimed.event.key for claimed in mine] == ["s1"]
        assert theirs == ["other"]

    def test_control_without_the_second_look_it_would_overtake(
        self, committed_db: Any, add_listener: Any, race: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        add_listener()
        happen("s1", "s2", subject="s")
        consumer = consumers.get_consumer("listener")
        monkeypatch.setattr(delivery, "_OVERTAKING", "SELECT 1 WHERE %(consumer)s IS NULL AND %(claimed)s IS NULL")

        with transaction.atomic():
            delivery.claim(consumer, 1)
            (theirs,) = race(lambda: _claimed_keys(consumer))

        assert theirs == ["s2"]

    def test_racing_workers_hear_everything_once_and_in_order(
        self, committed_db: Any, add_listener: Any, race: Any, settings: Any
    ) -> None:
        settings.DELIVERY_BATCH_MAX = 7
        listener = add_listener()
        expected = {f"s{subject}": [f"s{subject}-{number}" for number in range(20)] for subject in range(5)}
        for number in range(20):
            for subject in expected:
                happen(f"{subject}-{number}", subject=subject)

        for _round in range(200):
            race(*[lambda: delivery.deliver_due("listener")] * 4)
            if not Delivery.objects.exists():
                break

        assert sorted(listener.heard) == sorted(key for keys in expected.values() for key in keys)
        for subject, keys in expected.items():
            assert [key for key in listener.heard if key.startswith(f"{subject}-")] == keys


def _claimed_keys(consumer: Consumer) -> list[str]:
    with transaction.atomic():
        return [claimed.event.key for claimed in delivery.claim(consumer, 10)]


@pytest.mark.django_db
class TestLowWater:
    """Starting behind deleted rows never hides an event for longer than a rescan."""

    def test_an_event_within_the_margin_is_found_at_once(self, add_listener: Any) -> None:
        listener = add_listener()
        happen("a")
        delivery.deliver_due("listener")
        first = EventRecord.objects.get(key="a").pk
        delivery.low_water.found("listener", first + 1)

        happen("b")
        delivery.deliver_due("listener")

        assert listener.heard == ["a", "b"]

    def test_an_event_below_the_mark_is_found_at_the_rescan(
        self, add_listener: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.DELIVERY_LOW_WATER_MARGIN = 0
        listener = add_listener()
        happen("late")
        delivery.low_water.mark("listener")
        delivery.low_water.found("listener", EventRecord.objects.get(key="late").pk + 1)

        delivery.deliver_due("listener")
        assert listener.heard == []
        settings.DELIVERY_LOW_WATER_RESCAN_SECONDS = 0
        delivery.deliver_due("listener")

        assert listener.heard == ["late"]
