from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import Account
from catalog.models import Store
from core import clock
from distribution import services
from distribution.chains import Sale, resolve_chains
from distribution.errors import AccountClosed, AreaUnknown, FromTooEarly, OperatorAsAgent, SeatEnded, SeatTaken
from distribution.models import AgentSeat, Area, Placement
from tests.conftest import make_account
from tests.distribution.people import areas, clerk, events_of, minute

LONG_AGO = minute(-10)


@pytest.fixture
def tree(database: None) -> dict[str, Area]:
    return areas()


def appoint(area: Area, account: Account | None = None, *, at: float = 0, **more: Any) -> AgentSeat:
    account = account or make_account(created_at=minute(-1000))
    return services.appoint_agent(area=area, account=account, actor=clerk(), now=minute(at), **more)


def replace(seat: AgentSeat, account: Account, *, at: float = 10, **more: Any) -> AgentSeat:
    return services.replace_agent(seat=seat.public_id, account=account, actor=clerk(), now=minute(at), **more)


def end(seat: AgentSeat, at: float = 10) -> AgentSeat:
    return services.end_agent(seat=seat.public_id, actor=clerk(), now=minute(at))


def place_store(area: Area, *, waiting: bool = False, number: str = "P-1", at: datetime = LONG_AGO) -> Store:
    seller = make_account(side="seller")
    store = Store.objects.create(seller=seller, name="Corner", opened_by=seller, opened_at=at)
    Placement.objects.create(
        store=store,
        area=area,
        evidence="declared",
        rule_number=f"{number}-{store.pk}",
        from_at=at,
        is_waiting=waiting,
        doubt="centre" if waiting else "",
    )
    return store


def agents(store: Store, at: float) -> dict[int, int | None]:
    """The key of each level's agent as a sale at that minute sees it."""
    [chain] = resolve_chains([Sale(store=store.public_id, seller=store.seller.public_id, buyer="acc_0", at=minute(at))])
    return {link.level: link.account.id if link.account else None for link in chain.agents}


class TestAppointing:
    """An area has one agent at any instant."""

    def test_the_agents_of_district_city_and_province_stand_behind_a_store(self, tree: dict[str, Area]) -> None:
        store = place_store(tree["N11"])
        district, province = appoint(tree["N11"]), appoint(tree["N"])

        assert agents(store, 1) == {3: district.account_id, 2: None, 1: province.account_id, 0: None}
        assert agents(store, -1) == {3: None, 2: None, 1: None, 0: None}
        assert district.rule_number.startswith("ZZ-N11-A3-")
        assert [event.payload["area"] for event in events_of("agent.appointed")] == ["ZZ:N11", "ZZ:N"]

    def test_a_taken_seat_is_not_given_twice(self, tree: dict[str, Area]) -> None:
        appoint(tree["N"])
        for begins in (None, minute(500)):
            with pytest.raises(SeatTaken):
                appoint(tree["N"], at=1, from_at=begins)

    def test_not_even_before_one_that_begins_later(self, tree: dict[str, Area]) -> None:
        appoint(tree["N"], from_at=minute(500))
        with pytest.raises(SeatTaken):
            appoint(tree["N"], at=1)

    def test_operators_closed_accounts_and_retired_areas_are_refused(self, tree: dict[str, Area]) -> None:
        with pytest.raises(OperatorAsAgent):
            appoint(tree["N"], make_account(operator=True))
        with pytest.raises(AccountClosed):
            appoint(tree["N"], make_account(is_active=False))
        Area.objects.filter(code="N12").update(retired_at=minute(0))
        with pytest.raises(AreaUnknown):
            appoint(tree["N12"])

    def test_nobody_is_appointed_for_a_time_before_they_were_there(self, tree: dict[str, Area]) -> None:
        with pytest.raises(FromTooEarly):
            appoint(tree["N"], make_account(created_at=minute(-5)), from_at=minute(-6))
        with pytest.raises(FromTooEarly, match="31 days"):
            appoint(tree["N"], make_account(created_at=minute(-(10**6))), from_at=minute(0) - timedelta(days=32))
        assert appoint(tree["N"], make_account(created_at=minute(-5)), from_at=minute(-4)).from_at == minute(-4)

    def test_the_database_itself_refuses_two(self, tree: dict[str, Area]) -> None:
        seat = appoint(tree["N"])
        with pytest.raises(DatabaseError, match="seat_one_agent_at_any_instant"), transaction.atomic():
            AgentSeat.objects.create(
                area=seat.area, account=seat.account, rule_number="x", from_at=minute(9),
                appointed_by=seat.appointed_by, appointed_at=minute(9),
            )  # fmt: skip
        with pytest.raises(DatabaseError, match="refused"), transaction.atomic():
            AgentSeat.objects.filter(pk=seat.pk).update(from_at=minute(-9))


class TestReplacing:
    """One seat ends at the instant at which the next begins."""

    def test_every_chain_is_right_at_once_with_one_row_ended_and_one_begun(
        self, tree: dict[str, Area], statements: Callable[[], Any]
    ) -> None:
        stores = [place_store(tree["N11"], number=f"P-{number}") for number in range(5)]
        first, other = appoint(tree["N1"]), make_account()
        with statements() as seen:
            second = replace(first, other)

        writes = [query["sql"] for query in seen.captured_queries if query["sql"].startswith(("UPDATE", "INSERT"))]
        assert sum("distribution_" in sql for sql in writes) == 2, seen
        assert {agents(store, 10)[2] for store in stores} == {other.pk}
        assert {agents(store, 9.99)[2] for store in stores} == {first.account_id}
        assert [second.rule_number[-6:-2], first.rule_number[-6:-2]] == ["0002", "0001"]
        assert events_of("agent.ended")[0].payload["replaced_by"] == second.public_id

    def test_as_many_statements_for_many_stores_as_for_none(
        self, tree: dict[str, Area], statements: Callable[[], Any]
    ) -> None:
        lone, busy = appoint(tree["N12"]), appoint(tree["N11"])
        for number in range(5):
            place_store(tree["N11"], number=f"P-{number}")
        counts = []
        for seat in (lone, busy):
            other, by = make_account(), clerk()
            with statements() as seen:
                services.replace_agent(seat=seat.public_id, account=other, actor=by, now=minute(10))
            counts.append(len(seen))
        assert counts[0] == counts[1]

    def test_ahead_of_time_the_old_one_holds_on_until_then(self, tree: dict[str, Area]) -> None:
        store, first, other = place_store(tree["N1"]), appoint(tree["N1"]), make_account()
        replace(first, other, from_at=minute(60))

        assert (agents(store, 59)[2], agents(store, 60)[2]) == (first.account_id, other.pk)

    def test_by_oneself_or_after_the_end_it_is_refused(self, tree: dict[str, Area]) -> None:
        seat = appoint(tree["N1"])
        with pytest.raises(SeatTaken):
            replace(seat, seat.account)
        end(seat)
        with pytest.raises(SeatEnded):
            replace(seat, make_account(), at=11)


class TestEnding:
    """A seat ends once, dated; the area is vacant from then on."""

    def test_it_is_vacant_from_then_on_and_may_be_given_again(self, tree: dict[str, Area]) -> None:
        store, seat = place_store(tree["N1"]), appoint(tree["N1"])
        assert end(seat).until_at == minute(10)

        assert (agents(store, 9)[2], agents(store, 10)[2]) == (seat.account_id, None)
        with pytest.raises(SeatEnded):
            end(seat, 11)
        assert appoint(tree["N1"], at=12).rule_number[-6:-2] == "0002"

    def test_one_that_has_yet_to_begin_never_does(self, tree: dict[str, Area]) -> None:
        store, seat = place_store(tree["N1"]), appoint(tree["N1"], from_at=minute(60))
        end(seat)

        assert agents(store, 61)[2] is None
        appoint(tree["N1"], at=11)

    def test_it_ends_with_its_account(self, tree: dict[str, Area]) -> None:
        store, account = place_store(tree["N1"]), make_account()
        appoint(tree["N1"], account)
        appoint(tree["N12"], account)
        Account.objects.filter(pk=account.pk).update(is_active=False, closed_at=minute(10))
        assert (agents(store, 9)[2], agents(store, 10)[2]) == (account.pk, None)

        assert services.end_seats_of(account=account, now=minute(10)) == 2
        assert services.end_seats_of(account=account, now=minute(10)) == 0

        assert (agents(store, 9)[2], agents(store, 10)[2]) == (account.pk, None)


class TestPlaces:
    """Only settled placements lead to agents, and a sale without a store is the seller's only store's."""

    def test_who_waits_has_no_agents(self, tree: dict[str, Area]) -> None:
        store = place_store(tree["N1"], waiting=True)
        appoint(tree["N1"])
        [chain] = resolve_chains([Sale(store=store.public_id, seller="", buyer="", at=minute(5))])
        assert (chain.area, chain.agents, chain.placement and chain.placement.waiting) == (None, (), True)

    def test_without_a_store_it_is_the_only_open_one(self, tree: dict[str, Area]) -> None:
        store, seat = place_store(tree["N1"]), appoint(tree["N1"])
        sale = Sale(store=None, seller=store.seller.public_id, buyer="", at=minute(5))
        [chain] = resolve_chains([sale])
        assert (chain.store, chain.agents[0].rule_number) == (store.public_id, seat.rule_number)

        Store.objects.create(seller=store.seller, name="Two", opened_by=store.seller, opened_at=minute(3))
        assert resolve_chains([sale])[0].store is None
        before = Sale(store=None, seller=store.seller.public_id, buyer="", at=minute(2))
        assert resolve_chains([before])[0].store == store.public_id

    def test_two_statements_for_one_sale_and_for_a_thousand(
        self, tree: dict[str, Area], statements: Callable[[], Any]
    ) -> None:
        store = place_store(tree["N11"])
        sale = Sale(store=store.public_id, seller=store.seller.public_id, buyer="acc_0", at=clock.now())
        for number in (1, 1000):
            with statements() as seen:
                chains = resolve_chains([sale] * number)
            assert (len(seen), len(chains)) == (2, number)
            assert {chain.store for chain in chains} == {store.public_id}


class TestRaces:
    """Two at the same moment: one wins, and there is never a moment with two agents."""

    def test_two_operators_appoint(self, committed_db: Any, race: Callable[..., list[Any]]) -> None:
        area = areas()["N"]
        one, other = make_account(created_at=minute(-9)), make_account(created_at=minute(-9))
        outcomes = race(lambda: appoint(area, one), lambda: appoint(area, other))

        assert sorted(type(outcome) for outcome in outcomes if not isinstance(outcome, AgentSeat)) == [SeatTaken]
        assert AgentSeat.objects.filter(area=area).count() == 1

    def test_control_without_lock_and_constraint_there_are_two(
        self, committed_db: Any, race: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        area = areas()["N"]
        people = [make_account(created_at=minute(-9)) for _ in range(6)]
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE distribution_agentseat DROP CONSTRAINT seat_one_agent_at_any_instant")
            cursor.execute("ALTER TABLE distribution_agentseat DROP CONSTRAINT seat_number_once")
        unlocked = Area.objects.get(pk=area.pk)
        monkeypatch.setattr("distribution.services.seats._lock_area", lambda key: unlocked)
        race(*[lambda person=person: appoint(area, person) for person in people])

        assert AgentSeat.objects.filter(area=area).count() > 1

    def test_two_replace_the_same_agent(self, committed_db: Any, race: Callable[..., list[Any]]) -> None:
        area = areas()["N"]
        seat = appoint(area)
        one, other = make_account(), make_account()
        outcomes = race(lambda: replace(seat, one), lambda: replace(seat, other))

        refused = [type(outcome) for outcome in outcomes if not isinstance(outcome, AgentSeat)]
        assert refused == [SeatEnded]
        assert AgentSeat.objects.filter(area=area, until_at=None).count() == 1

    def test_one_ends_what_another_replaces(self, committed_db: Any, race: Callable[..., list[Any]]) -> None:
        area = areas()["N"]
        seat, other = appoint(area), make_account()
        outcomes = race(lambda: end(seat), lambda: replace(seat, other))

        refused = [outcome for outcome in outcomes if not isinstance(outcome, AgentSeat)]
        assert [type(outcome) for outcome in refused] == [SeatEnded]
