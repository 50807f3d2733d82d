"""The house's clock: moved in demo and test mode, and what is due then has run."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from core import clock
from core.models import ClockOffset
from core.tasks import run_timed_transitions
from tests.conftest import Api, make_account

HOUR = 3600


@pytest.fixture
def timed(monkeypatch) -> dict:
    """No room's transitions but those that a test registers."""
    registered: dict = {}
    monkeypatch.setattr(clock, "_timed", registered)
    return registered


def always(**runs) -> dict[str, clock.Timed]:
    """Registered so that they are called at every look."""
    return {name: clock.Timed(run, "SELECT") for name, run in runs.items()}


class TestClockOverHttp:
    """GET /clock, POST /clock/advance"""

    def test_it_shows_the_houses_time_to_anybody(self, api):
        answer = api().get("/clock").json()

        assert answer["offset_s"] == 0
        assert abs(timezone.datetime.fromisoformat(answer["now"]) - timezone.now()) < timedelta(seconds=5)

    def test_an_operator_moves_it_and_it_stays_moved(self, api, operator):
        caller = api(operator)

        first = caller.post("/clock/advance", {"seconds": HOUR})
        second = caller.post("/clock/advance", {"seconds": HOUR})

        assert (first.status_code, first.json()["offset_s"]) == (200, HOUR)
        assert second.json()["offset_s"] == 2 * HOUR
        assert abs(clock.now() - timezone.now() - timedelta(hours=2)) < timedelta(seconds=5)

    @pytest.mark.parametrize("side", ["buyer", "seller"])
    def test_nobody_else_does(self, api, new_account, side):
        answer = api(new_account(side=side)).post("/clock/advance", {"seconds": HOUR})

        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

    @pytest.mark.parametrize("seconds", [-1, 1.5, "60", None, 10**12, True])
    def test_seconds_are_a_bounded_whole_number(self, api, operator, seconds):
        assert api(operator).post("/clock/advance", {"seconds": seconds}).status_code == 422
        assert not ClockOffset.objects.exists()

    def test_it_goes_so_far_and_no_further(self, api, operator, settings, timed):
        settings.CLOCK_OFFSET_SECONDS_MAX = 3 * HOUR
        caller = api(operator)

        assert caller.post("/clock/advance", {"seconds": 2 * HOUR}).status_code == 200
        refused = caller.post("/clock/advance", {"seconds": 2 * HOUR})

        assert (refused.status_code, refused.json()["code"]) == (409, "clock_too_far")
        assert caller.get("/clock").json()["offset_s"] == 2 * HOUR

    @pytest.mark.parametrize(("method", "path"), [("GET", "/clock"), ("POST", "/clock/advance")])
    def test_production_has_no_such_clock(self, api, operator, settings, method, path):
        settings.CLOCK_ADJUSTABLE = False

        answer = api(operator).send(method, path, {"seconds": 1})

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert not ClockOffset.objects.exists()


class TestReading:
    """The offset is one row, read once per request or task."""

    def test_a_request_reads_it_once(self, db, statements):
        with clock.read_once(), statements() as seen:
            clock.now()
            clock.now()

        assert len(seen) == 1

    def test_the_next_request_reads_it_afresh(self, db, statements):
        with clock.read_once():
            clock.now()
        ClockOffset.objects.create(offset_seconds=HOUR)
        with clock.read_once():
            assert clock.offset() == timedelta(hours=1)

    def test_production_never_asks(self, db, settings, statements):
        settings.CLOCK_ADJUSTABLE = False
        ClockOffset.objects.create(offset_seconds=HOUR)

        with statements() as seen:
            assert clock.offset() == timedelta()
        assert len(seen) == 0


class TestTimedTransitions:
    """Moving the clock runs everything that falls due, and only then answers."""

    def test_what_the_first_ones_make_due_runs_as_well(self, db, timed):
        left = {"close": 2, "release": 0}

        def close(_now) -> int:
            ran, left["close"] = min(left["close"], 1), max(left["close"] - 1, 0)
            left["release"] += ran
            return ran

        def release(_now) -> int:
            ran, left["release"] = left["release"], 0
            return ran

        timed |= always(close=close, release=release)

        assert clock.run_due(clock.now()) == 4
        assert left == {"close": 0, "release": 0}

    def test_nobody_is_called_who_has_nothing_to_do(self, db, timed):
        called = []
        for name, due_at in {"late": "2026-01-02", "soon": "2026-03-02"}.items():
            timed[name] = clock.Timed(
                lambda _now, name=name: called.append(name) or 0, f"SELECT WHERE '{due_at}' <= %(now)s"
            )

        clock.run_due(datetime(2026, 2, 1, tzinfo=UTC))

        assert called == ["late"]

    def test_one_statement_looks_for_all_rooms(self, db, statements):
        now = clock.now()
        clock.run_due(now)
        with statements() as seen:
            assert clock.run_due(now) == 0

        (look,) = [one["sql"] for one in seen if "advisory" not in one["sql"]]
        assert look.startswith("EXECUTE timed_transitions")
        assert len(clock._timed) > 8

    def test_they_see_the_moved_time(self, api, operator, timed):
        seen = []
        timed |= always(look=lambda now: seen.append(now) or 0)

        api(operator).post("/clock/advance", {"seconds": HOUR})

        assert seen[0] - timezone.now() > timedelta(minutes=59)

    def test_the_timed_task_steps_back_while_somebody_runs_them(self, committed_db, timed, race):
        running, may_end, ran = threading.Event(), threading.Event(), []

        def linger(_now) -> int:
            ran.append(1)
            running.set()
            assert may_end.wait(timeout=30)
            return 0

        timed |= always(linger=linger)

        def tick() -> None:
            assert running.wait(timeout=30)
            run_timed_transitions()
            may_end.set()

        race(lambda: clock.run_due(clock.now()), tick)

        assert len(ran) == 1

    def test_moving_the_clock_waits_for_what_the_timed_task_has_in_hand(self, committed_db, timed, race):
        """Its rows are locked and skipped: without waiting the answer would come too early."""
        operator = make_account(operator=True)
        running, done = threading.Event(), []

        def slow(_now) -> int:
            running.set()
            if not done:
                time.sleep(0.3)
                done.append(1)
            return 0

        timed |= always(slow=slow)

        def advance() -> bool:
            assert running.wait(timeout=30)
            assert Api(operator).post("/clock/advance", {"seconds": 1}).status_code == 200
            return bool(done)

        assert race(run_timed_transitions, advance)[1] is True

    def test_a_failing_one_stops_no_other_and_gives_the_lock_back(self, committed_db, timed):
        def fail(_now) -> int:
            raise ZeroDivisionError

        left = [1, 1]
        timed |= always(fail=fail, work=lambda _now: left.pop() if left else 0)
        with pytest.raises(ExceptionGroup, match="fail"):
            clock.run_due(clock.now())
        assert left == []
        timed.clear()

        assert clock.run_due_unless_running() == 0
        assert clock.run_due(clock.now()) == 0
