"""Stores stand where their coordinates and sellers say; what is doubtful waits for an operator."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.actor import Actor
from catalog import services as catalog
from catalog.models import Store
from core import clock
from core.jobs import run_next_job
from core.models import Job
from distribution import services
from distribution.errors import AreaUnknown, PlacementSettled
from distribution.models import Placement
from distribution.services import placing
from events.consumers import get_consumer
from events.delivery import deliver_batch
from events.models import Delivery, EventRecord
from tests.distribution.areas import COUNTRY, HEADER, SQUARES, load

IN_WESTFORD = {"latitude": 0.2, "longitude": 0.5}
IN_EASTLEIGH = {"latitude": 0.5, "longitude": 1.5}
NEAR_WESTBURY = {"latitude": 0.8, "longitude": 0.5}  # In the west, where Westbury has no border.
AT_THE_BORDER = {"latitude": 0.4999, "longitude": 0.5}


def hear() -> None:
    """What the worker does."""
    while deliver_batch(get_consumer("placement")):
        pass
    assert not Delivery.objects.filter(consumer="placement").exists()


def open_store(seller: Any, **place: Any) -> Store:
    store = catalog.open_store(name="Shop", **place, actor=Actor.own(seller), now=clock.now())
    hear()
    return store


def move(store: Store, **place: Any) -> None:
    catalog.change_store(store=store.public_id, changes=place, actor=Actor.own(store.seller), now=clock.now())
    hear()


def decide(placement: Placement, area: str, operator: Any) -> Placement:
    decided = {"placement": placement.public_id, "area": area, "actor": Actor.own(operator)}
    return services.decide_placement(**decided, now=clock.now())


def only(store: Store) -> Placement:
    return Placement.objects.get(store=store)


def said(store: Store) -> list[tuple[str, Any]]:
    events = EventRecord.objects.filter(subject=store.public_id, type__in=["store.placed", "placement.decided"])
    return [(event.type, event.payload.get("area")) for event in events.order_by("id")]


@pytest.fixture
def country(database, tmp_path) -> None:
    load(tmp_path, shapes=SQUARES)
    Job.objects.all().delete()


class TestWhereAStoreStands:
    """By its coordinates, by what its seller declares, and by both."""

    @pytest.mark.parametrize(
        ("place", "area", "evidence", "doubt"),
        [
            (IN_WESTFORD, "11", "polygon", ""),
            (AT_THE_BORDER, "11", "polygon", "near_border"),
            (NEAR_WESTBURY, "12", "centre", "centre"),
            ({"area_code": "XX:21"}, "21", "declared", ""),
            ({"area_code": "21"}, "21", "declared", ""),
            ({"area_code": "XX:99"}, None, "declared", "unknown_code"),
            ({**IN_WESTFORD, "area_code": "XX:11"}, "11", "polygon", ""),
            ({**AT_THE_BORDER, "area_code": "XX:11"}, "11", "polygon", ""),
            ({**IN_WESTFORD, "area_code": "XX:1"}, "11", "polygon", ""),
            ({**NEAR_WESTBURY, "area_code": "XX:12"}, "12", "declared", ""),
            ({**IN_WESTFORD, "area_code": "XX:21"}, "11", "polygon", "contradiction"),
            ({**IN_WESTFORD, "area_code": "XX:99"}, "11", "polygon", ""),
            ({"latitude": 0.5, "longitude": 2.2, "area_code": "XX:21"}, "21", "declared", ""),
        ],
    )
    def test_is_judged_by_what_is_known(self, country, seller, place, area, evidence, doubt):
        placement = only(open_store(seller, **place))

        assert (placement.area.code if placement.area else None) == area
        assert (placement.evidence, placement.doubt, placement.is_waiting) == (evidence, doubt, bool(doubt))

    def test_nothing_said_and_nowhere_known_is_no_placement(self, country, seller):
        open_store(seller)
        open_store(seller, latitude=60, longitude=60)

        assert not Placement.objects.exists()

    def test_the_distance_to_the_border_is_kept(self, country, seller):
        placement = only(open_store(seller, **AT_THE_BORDER))

        assert placement.border_m == pytest.approx(11.06, abs=0.02)

    def test_a_code_of_another_scheme_contradicts_a_border(self, country, seller, tmp_path):
        load(tmp_path, [("YY", "Yland", "", 0, "", ""), ("Y1", "Far", "YY", 1, "", "")], {"Y1": (50, 50, 51, 51)})
        placement = only(open_store(seller, **IN_WESTFORD, area_code="YY:Y1"))

        assert (placement.area.public_code, placement.doubt) == ("XX:11", "contradiction")  # type: ignore[union-attr]

    def test_where_there_are_no_areas_nothing_waits(self, db, seller):
        open_store(seller, **IN_WESTFORD, area_code="XX:11")

        assert not Placement.objects.exists()


class TestMovesAndEnds:
    """Every placement has its time, and the database keeps it."""

    def test_a_move_ends_one_and_begins_the_next(self, country, seller):
        store = open_store(seller, **IN_WESTFORD)
        move(store, **IN_EASTLEIGH)

        first, second = Placement.objects.order_by("id")
        assert first.until_at == second.from_at
        assert [p.area.code for p in (first, second)] == ["11", "21"]
        assert [p.rule_number[-6:-2] for p in (first, second)] == ["0001", "0002"]
        assert said(store) == [("store.placed", "XX:11"), ("store.placed", "XX:21")]

    def test_a_move_within_the_area_changes_nothing(self, country, seller):
        store = open_store(seller, **IN_WESTFORD)
        move(store, latitude=0.3)

        assert only(store).until_at is None

    def test_closing_ends_it(self, country, seller):
        store = open_store(seller, **IN_WESTFORD)
        closed = catalog.close_store(store=store.public_id, actor=Actor.own(seller), now=clock.now())
        hear()

        assert only(store).until_at == closed.closed_at

    def test_all_that_a_late_worker_hears_at_once_is_dated(self, country, seller):
        begin = clock.now()
        actor = Actor.own(seller)
        store = catalog.open_store(name="Shop", **IN_WESTFORD, actor=actor, now=begin)
        place = IN_EASTLEIGH
        catalog.change_store(store=store.public_id, changes=place, actor=actor, now=begin + timedelta(hours=1))
        catalog.close_store(store=store.public_id, actor=actor, now=begin + timedelta(hours=2))
        hear()

        placement = only(store)
        assert (placement.area.code, placement.from_at) == ("21", begin)  # type: ignore[union-attr]
        assert placement.until_at == begin + timedelta(hours=2)

    def test_settled_placements_only_ever_end(self, country, seller):
        placement = only(open_store(seller, **IN_WESTFORD))
        rows = Placement.objects.filter(pk=placement.pk)
        for change in (
            lambda: rows.update(area=None, is_waiting=True, doubt="centre", rule_number=None),
            lambda: rows.update(from_at=clock.now()),
            lambda: rows.delete(),
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                change()

    def test_no_store_stands_in_two_areas_at_once(self, country, seller):
        placement = only(open_store(seller, **IN_WESTFORD))
        placement.pk, placement.public_id, placement.rule_number = None, "plc_2", "XX-11-P2-2"
        placement.from_at += timedelta(hours=1)
        with pytest.raises(IntegrityError, match="placement_one_at_any_instant"), transaction.atomic():
            placement.save(force_insert=True)

    def test_any_number_of_stores_takes_as_many_statements(self, country, seller, statements):
        def heard(stores: int) -> int:
            for _ in range(stores):
                catalog.open_store(name="Shop", **IN_WESTFORD, actor=Actor.own(seller), now=clock.now())
            with statements() as seen:
                deliver_batch(get_consumer("placement"))
            return len(seen)

        heard(1)  # Reads the borders.
        assert heard(1) == heard(20)


class TestDeciding:
    """An operator says where a store stands; it counts from the beginning, once."""

    def test_confirms_a_proposal(self, country, seller, operator):
        store = open_store(seller, **NEAR_WESTBURY)
        before = only(store)
        decide(before, "XX:12", operator)

        after = only(store)
        assert (after.is_waiting, after.decided_by, after.from_at) == (False, operator, before.from_at)
        assert (after.rule_number, after.proposed_number) == (before.rule_number, None)
        assert said(store) == [("store.placed", "XX:12"), ("placement.decided", "XX:12")]

    def test_says_another_area_and_keeps_what_was_proposed(self, country, seller, operator):
        store = open_store(seller, **NEAR_WESTBURY)
        before = only(store)
        decide(before, "XX:11", operator)

        after = only(store)
        assert (after.area.code, after.proposed_area.code) == ("11", "12")  # type: ignore[union-attr]
        assert after.proposed_number == before.rule_number != after.rule_number

    def test_decides_where_nothing_was_proposed(self, country, seller, operator):
        placement = only(open_store(seller, area_code="XX:99"))

        assert decide(placement, "21", operator).rule_number.startswith("XX-21-P2-")  # type: ignore[union-attr]

    def test_decides_for_a_time_that_is_over(self, country, seller, operator):
        store = open_store(seller, **NEAR_WESTBURY)
        move(store, **IN_EASTLEIGH)
        first, second = Placement.objects.order_by("id")
        decide(first, "XX:12", operator)

        numbers = [p.rule_number for p in Placement.objects.order_by("id")]
        assert numbers == [first.rule_number, second.rule_number]
        assert not Placement.objects.filter(is_waiting=True).exists()

    def test_a_decision_stands_while_the_store_says_the_same(self, country, seller, operator):
        store = open_store(seller, **NEAR_WESTBURY)
        decide(only(store), "XX:11", operator)
        move(store, latitude=0.81)

        assert only(store).area.code == "11"  # type: ignore[union-attr]

    def test_names_an_area_in_force(self, country, seller, operator):
        placement = only(open_store(seller, **NEAR_WESTBURY))
        with pytest.raises(AreaUnknown):
            decide(placement, "XX:99", operator)

    def test_of_two_decisions_at_the_same_moment_one_counts(self, committed_db, country, seller, operator, race):
        store = open_store(seller, **NEAR_WESTBURY)
        placement = only(store)
        outcomes = race(lambda: decide(placement, "XX:11", operator), lambda: decide(placement, "XX:12", operator))

        assert sum(isinstance(one, PlacementSettled) for one in outcomes) == 1
        assert [kind for kind, _area in said(store)] == ["store.placed", "placement.decided"]

    def test_without_the_lock_both_would_settle_it(self, committed_db, country, seller, operator, race, monkeypatch):
        """The control of the race: both find it waiting, and only the database still refuses the second."""
        store = open_store(seller, **NEAR_WESTBURY)
        placement = only(store)
        both_have_looked = threading.Barrier(2)

        def look_without_lock(stores: Any) -> Any:
            found = Store.objects.select_related("seller").get(public_id=store.public_id)
            placements = list(Placement.objects.filter(store=found).select_related("area"))
            both_have_looked.wait(timeout=10)
            return {found.public_id: placing._History(found, placements)}

        monkeypatch.setattr(placing, "_lock_histories", look_without_lock)
        outcomes = race(lambda: decide(placement, "XX:11", operator), lambda: decide(placement, "XX:12", operator))

        assert not any(isinstance(one, PlacementSettled) for one in outcomes)
        assert sum(isinstance(one, IntegrityError) for one in outcomes) == 1


class TestPlacingAgain:
    """A load is followed by a job that looks again at what is doubtful."""

    def run(self) -> dict[str, int]:
        job = Job.objects.get()
        assert run_next_job()
        job.refresh_from_db()
        assert job.status == "done", job.error_detail
        return job.result

    def test_borders_that_come_later_settle_what_waits(self, country, seller, tmp_path):
        store = open_store(seller, **NEAR_WESTBURY)
        before = only(store)
        load(tmp_path, shapes={**SQUARES, "12": (0, 0.5, 1, 1)})

        assert self.run() == {"stores": 1, "placed": 0, "settled": 1, "moved": 0}
        after = only(store)
        assert (after.is_waiting, after.evidence, after.decided_by) == (False, "polygon", None)
        assert (after.from_at, after.rule_number) == (before.from_at, before.rule_number)
        assert said(store)[-1] == ("placement.decided", "XX:12")

    def test_stores_from_before_the_first_load_are_placed(self, db, seller, tmp_path):
        store = open_store(seller, **IN_WESTFORD)
        closed = open_store(seller, **IN_WESTFORD)
        catalog.close_store(store=closed.public_id, actor=Actor.own(seller), now=clock.now())
        hear()
        load(tmp_path, shapes=SQUARES)

        assert self.run()["placed"] == 1
        assert only(store).area.code == "11"  # type: ignore[union-attr]

    def test_whoever_stands_in_a_retired_area_goes_where_its_code_leads(self, country, seller, tmp_path):
        store = open_store(seller, area_code="XX:21")
        rows = [*((*row, "") for row in COUNTRY[:-1]), ("22", "Eastport", "2", 2, "", "", "21")]
        load(tmp_path, rows, header=(*HEADER, "replaces"))

        assert self.run()["moved"] == 1
        first, second = Placement.objects.filter(store=store).order_by("id")
        assert (first.area.code, second.area.code, first.until_at) == ("21", "22", second.from_at)  # type: ignore[union-attr]

    def test_one_of_many_is_locked_only_for_its_piece(self, country, seller, tmp_path, settings):
        settings.PLACEMENT_STORES_AT_ONCE = 2
        stores = [open_store(seller, **NEAR_WESTBURY) for _ in range(5)]
        load(tmp_path, shapes={**SQUARES, "12": (0, 0.5, 1, 1)})

        assert self.run()["settled"] == len(stores)


class TestRaces:
    """Opened, moved and closed while workers deliver: one history comes of it, without gaps."""

    def test_opened_moved_and_closed_at_once(self, committed_db, country, seller, race):
        store = catalog.open_store(name="Shop", **IN_WESTFORD, actor=Actor.own(seller), now=clock.now())
        actor = Actor.own(seller)

        def deliver() -> None:
            for _ in range(5):
                deliver_batch(get_consumer("placement"))

        def shift() -> None:
            catalog.change_store(store=store.public_id, changes=IN_EASTLEIGH, actor=actor, now=clock.now())

        def close() -> None:
            catalog.close_store(store=store.public_id, actor=actor, now=clock.now())

        race(deliver, shift, deliver, close)
        hear()

        history = list(Placement.objects.filter(store=store).order_by("from_at", "id"))
        store.refresh_from_db()
        assert history[-1].until_at == store.closed_at
        assert [p.until_at for p in history[:-1]] == [p.from_at for p in history[1:]]
        assert history[0].from_at == store.opened_at
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM events_delivery WHERE consumer = 'placement'")
            assert cursor.fetchone() == (0,)
