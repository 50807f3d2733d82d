import threading
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError

from accounts.models import Account
from distribution import services
from distribution.consumers.referring import bind_referrals
from distribution.errors import (
    AccountClosed,
    AlreadyReferred,
    ReferralCycle,
    ReferralEnded,
    ReferralMoving,
    ReferralUnchanged,
)
from distribution.models import Referral
from distribution.services import referring
from tests.distribution.people import above, came, clerk, events_of, minute, place_now

WHY: dict[str, Any] = {"reason": "They say so."}


@pytest.fixture(autouse=True)
def three_levels(settings: Any) -> None:
    settings.REFERRAL_LEVELS_MAX = {"": 3}


def bind(account: Account, referrer: Account, at: float = 10) -> Referral:
    return services.bind_referral(account=account, referrer=referrer, **WHY, actor=clerk(), now=minute(at))


def move(account: Account, referrer: Account, at: float = 10) -> Referral:
    return services.move_referral(account=account, referrer=referrer, **WHY, actor=clerk(), now=minute(at))


def end(account: Account, at: float = 10) -> Referral:
    return services.end_referral(account=account, **WHY, actor=clerk(), now=minute(at))


def move_up_all() -> int:
    steps = 0
    while services.move_up_children(minute(1000)):
        steps += 1
    return steps


class TestRegistering:
    """Who brought whom is known from the codes, in whatever order the registrations are heard."""

    def test_a_code_puts_the_newcomer_below_who_gave_it(self, db: None) -> None:
        first = came(minute(0))
        second = came(minute(1), through=first)
        third = came(minute(2), through=second)

        assert above(third, minute(3)) == [second, first]
        assert (place_now(third).via, place_now(third).is_original) == ("code", True)
        assert (place_now(first).referrer, place_now(first).via) == (None, "nobody")
        assert [event.payload["referrer"] for event in events_of("referral.bound")] == [
            first.public_id,
            second.public_id,
        ]

    def test_a_sellers_code_is_a_merchants_link(self, db: None) -> None:
        assert place_now(came(minute(1), through=came(minute(0), side="seller"))).via == "merchant"

    def test_what_is_heard_first_makes_no_difference(self, db: None) -> None:
        first = came(minute(0), heard=False)
        second = came(minute(1), through=first, heard=False)
        third = came(minute(2), through=second, heard=False)

        services.place_registered(accounts=[third])
        services.place_registered(accounts=[first, second, third])

        assert above(third, minute(2)) == [second, first]
        assert [place_now(account).from_at for account in (first, second, third)] == [minute(n) for n in range(3)]
        assert len(events_of("referral.bound")) == 2

    def test_before_it_registered_it_has_nobody_above(self, db: None) -> None:
        account = came(minute(1), through=came(minute(0)))

        assert above(account, minute(0.5)) == []

    def test_the_consumer_hears_registrations_and_closings(self, db: None) -> None:
        first = came(minute(0), heard=False)
        second = came(minute(1), through=first, heard=False)
        bind_referrals(events_of("account.registered"))

        assert above(second, minute(1)) == [first]


class TestWhoWasThereBefore:
    """Houses that run get a forest from what was registered."""

    def test_everybody_gets_the_place_of_the_own_registration(self, db: None) -> None:
        first = came(minute(0), heard=False)
        second = came(minute(1), through=first, heard=False)
        third = came(minute(2), through=second, heard=False)
        Account.objects.filter(pk=second.pk).update(is_active=False, closed_at=minute(10))
        migration = import_module("distribution.migrations.0004_places_of_everybody")
        for _ in range(2):
            migration.place_everybody(apps, None)

        assert (above(third, minute(9)), above(third, minute(10))) == ([second, first], [first])
        assert move_up_all() == 1
        assert place_now(third).referrer == first
        assert place_now(third).rule_number.split("-")[2] == "0002"


class TestByAnOperator:
    """Operators put accounts below others, and can never close a circle."""

    def test_who_came_alone_is_put_below_a_referrer_from_then_on(self, db: None) -> None:
        account, referrer = came(minute(0)), came(minute(1))

        place = bind(account, referrer)

        assert (place.via, place.is_original, place.reason) == ("operator", True, "They say so.")
        assert (above(account, minute(9)), above(account, minute(10))) == ([], [referrer])
        assert [event.payload["via"] for event in events_of("referral.bound")] == ["operator"]

    def test_who_has_a_referrer_is_not_bound_again(self, db: None) -> None:
        account = came(minute(1), through=came(minute(0)))
        with pytest.raises(AlreadyReferred):
            bind(account, came(minute(2)))

    @pytest.mark.parametrize("put", [bind, move])
    def test_nobody_stands_below_itself_or_below_who_stands_below_it(
        self, db: None, put: Callable[..., Referral]
    ) -> None:
        first = came(minute(0))
        third = came(minute(2), through=came(minute(1), through=first))
        for below in (first, third):
            with pytest.raises(ReferralCycle):
                put(first, below)

    def test_moving_one_moves_all_below_with_one_row(self, db: None) -> None:
        first, other = came(minute(0)), came(minute(0))
        second = came(minute(1), through=first)
        third = came(minute(2), through=second)
        rows = Referral.objects.count()

        move(second, other)

        assert Referral.objects.count() == rows + 1
        assert above(third, minute(10)) == [second, other]
        assert above(third, minute(9)) == [second, first]
        assert Referral.objects.get(account=second, is_original=True).referrer == first
        assert [event.payload["former_referrer"] for event in events_of("referral.moved")] == [first.public_id]

    def test_to_where_it_stands_it_is_not_moved(self, db: None) -> None:
        first = came(minute(0))
        with pytest.raises(ReferralUnchanged):
            move(came(minute(1), through=first), first)

    def test_closed_accounts_are_left_alone(self, db: None) -> None:
        account, closed = came(minute(0)), came(minute(0))
        Account.objects.filter(pk=closed.pk).update(is_active=False, closed_at=minute(5))
        for pair in ((account, closed), (closed, account)):
            with pytest.raises(AccountClosed):
                bind(*pair)

    def test_nobody_is_put_below_who_has_left(self, db: None) -> None:
        account, left = came(minute(0)), came(minute(0))
        end(left, 5)
        with pytest.raises(ReferralEnded):
            bind(account, left)

    def test_who_left_may_come_back_once_those_below_are_moved(self, db: None) -> None:
        first = came(minute(0))
        second = came(minute(1), through=first)
        third = came(minute(2), through=second)
        end(second, 5)

        with pytest.raises(ReferralMoving):
            bind(second, third, 6)
        move_up_all()
        place = bind(second, third, 7)

        assert place.rule_number.split("-")[2] == "0002"
        assert above(second, minute(7)) == [third, first]


class TestLeaving:
    """Who leaves is passed over at the same instant; those below are moved up behind it, dated."""

    def test_chains_are_right_before_anybody_is_moved(self, db: None) -> None:
        first = came(minute(0))
        second = came(minute(1), through=first)
        third = came(minute(2), through=second)

        end(second)

        assert above(third, minute(10)) == [first]
        assert above(third, minute(10) - timedelta(microseconds=1)) == [second, first]
        assert above(second, minute(10)) == []
        assert place_now(third).referrer == second

    def test_moving_up_changes_no_chain(self, db: None) -> None:
        first = came(minute(0))
        second = came(minute(1), through=first)
        third = came(minute(2), through=second)
        end(second)
        end(first, 20)

        assert move_up_all() == 2

        assert (above(third, minute(9)), above(third, minute(10)), above(third, minute(20))) == (
            [second, first],
            [first],
            [],
        )
        places = Referral.objects.filter(account=third).order_by("from_at")
        assert [(place.referrer, place.from_at) for place in places] == [
            (second, minute(2)),
            (first, minute(10)),
            (None, minute(20)),
        ]
        assert [event.occurred_at for event in events_of("referral.moved")] == [minute(10), minute(20)]
        assert Referral.objects.get(account=third, is_original=True).referrer == second

    def test_many_are_moved_in_small_steps_and_each_is_right_at_once(self, db: None, settings: Any) -> None:
        settings.REFERRAL_MOVES_AT_ONCE = 2
        first = came(minute(0))
        second = came(minute(1), through=first)
        children = [came(minute(2), through=second) for _ in range(5)]
        end(second)

        for _ in range(3):
            assert services.move_up_children(minute(11))
            assert [above(child, minute(10)) for child in children] == [[first]] * 5
        assert not services.move_up_children(minute(11))
        assert {place_now(child).referrer for child in children} == {first}

    def test_who_comes_with_the_code_of_somebody_who_left_is_moved_up_too(self, db: None) -> None:
        first = came(minute(0))
        second = came(minute(1), through=first)
        end(second)
        move_up_all()

        late = came(minute(12), through=second)

        assert (place_now(late).referrer, above(late, minute(12))) == (first, [first])
        assert Referral.objects.get(account=late, is_original=True).referrer == second

    def test_a_closed_account_is_passed_over_before_the_house_has_heard_it(self, db: None) -> None:
        first = came(minute(0))
        second = came(minute(1), through=first)
        third = came(minute(2), through=second)
        Account.objects.filter(pk=second.pk).update(is_active=False, closed_at=minute(10))

        assert (above(third, minute(9)), above(third, minute(10))) == ([second, first], [first])
        services.end_closed(account=second, now=minute(10))
        services.end_closed(account=second, now=minute(10))
        assert (above(third, minute(9)), above(third, minute(10))) == ([second, first], [first])
        assert [event.payload["because"] for event in events_of("referral.ended")] == ["closed"]

    def test_it_ends_once(self, db: None) -> None:
        account = came(minute(0))
        end(account)
        with pytest.raises(ReferralEnded):
            end(account, 11)

    def test_ending_is_one_row_however_many_stand_below(self, db: None, statements: Callable[[], Any]) -> None:
        first = came(minute(0))
        for _ in range(3):
            came(minute(1), through=first)
        with statements() as seen:
            end(first)
        updates = [query["sql"] for query in seen.captured_queries if query["sql"].startswith("UPDATE")]
        assert len(updates) == 1, seen


class TestTheRows:
    """What was, stays: the database refuses anything else."""

    @pytest.mark.parametrize(
        "change", ["referrer_id = account_id", "from_at = from_at - interval '1 day'", "is_original = false"]
    )
    def test_a_place_only_ever_gets_its_end(self, db: None, change: str) -> None:
        place = place_now(came(minute(1), through=came(minute(0))))
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE distribution_referral SET {change} WHERE id = %s", [place.pk])

    def test_an_account_is_in_one_place_at_any_instant(self, db: None) -> None:
        account = came(minute(0))
        with pytest.raises(IntegrityError, match="referral_one_place_at_any_instant"), transaction.atomic():
            Referral.objects.create(account=account, via="nobody", rule_number="R-x", from_at=minute(5))


class TestRaces:
    """Two at the same moment never close a circle, and nobody has two places."""

    def test_two_operators_put_two_accounts_below_each_other(
        self, committed_db: Any, race: Callable[..., list[Any]]
    ) -> None:
        one, other = came(minute(0)), came(minute(0))
        outcomes = race(lambda: bind(one, other), lambda: bind(other, one))

        assert [type(outcome) for outcome in outcomes if not isinstance(outcome, Referral)] == [ReferralCycle]

    def test_control_without_the_lock_they_close_a_circle(
        self, committed_db: Any, race: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, other = came(minute(0)), came(minute(0))
        both_have_looked = threading.Barrier(2)
        look = referring.stands_below

        def look_and_wait(*accounts: Account) -> bool:
            answer = look(*accounts)
            both_have_looked.wait(timeout=20)
            return answer

        monkeypatch.setattr(referring, "_SHAPE_LOCK_STATEMENT", "SELECT %s")
        monkeypatch.setattr(referring, "stands_below", look_and_wait)
        monkeypatch.setattr(referring, "hold_places", lambda accounts: set(accounts))
        outcomes = race(lambda: bind(one, other), lambda: bind(other, one))

        assert [type(outcome) for outcome in outcomes] == [Referral, Referral]
        assert {place_now(one).referrer, place_now(other).referrer} == {one, other}
        assert len(above(one, minute(11))) == 3  # Round and round, as far as is asked.

    def test_two_end_the_same_place(self, committed_db: Any, race: Callable[..., list[Any]]) -> None:
        account = came(minute(0))
        outcomes = race(lambda: end(account), lambda: end(account))

        assert [type(outcome) for outcome in outcomes if not isinstance(outcome, Referral)] == [ReferralEnded]
        assert len(events_of("referral.ended")) == 1

    def test_two_workers_hear_the_same_registrations(self, committed_db: Any, race: Callable[..., list[Any]]) -> None:
        first = came(minute(0), heard=False)
        children = [came(minute(1), through=first, heard=False) for _ in range(5)]
        outcomes = race(
            lambda: services.place_registered(accounts=children),
            lambda: services.place_registered(accounts=[*reversed(children), first]),
        )

        assert outcomes == [None, None]
        assert Referral.objects.count() == 6
        assert len(events_of("referral.bound")) == 5

    def test_who_comes_while_the_referrer_leaves_is_moved_up(
        self, committed_db: Any, race: Callable[..., list[Any]]
    ) -> None:
        first = came(minute(0))
        second = came(minute(1), through=first)
        child = came(minute(5), through=second, heard=False)
        race(lambda: services.place_registered(accounts=[child]), lambda: end(second))
        move_up_all()

        assert place_now(child).referrer == first
        assert (above(child, minute(9)), above(child, minute(10))) == ([second, first], [first])
