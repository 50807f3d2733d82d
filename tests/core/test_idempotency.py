"""One key, one effect, whatever the network repeats and whoever is killed."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connections

from core.api import idempotency
from core.models import AttemptCount, IdempotencyRecord
from tests.conftest import Api, make_account, run_race
from tests.core.small_api import NOTES, Hooks

pytestmark = pytest.mark.urls("tests.core.small_api")

OPEN, CLOSED = "/boxes/open/notes", "/boxes/closed/notes"


@pytest.fixture(autouse=True)
def hooks(monkeypatch) -> Iterator[None]:
    yield
    monkeypatch.undo()


def notes() -> int:
    return AttemptCount.objects.filter(scope=NOTES).count()


def happens(monkeypatch, what) -> None:
    monkeypatch.setattr(Hooks, "before_answer", staticmethod(what))


class TestRepeat:
    """The first answer with an effect is the answer for ever."""

    def test_a_repeat_gets_the_first_answer_and_no_second_effect(self, buyer, api):
        caller = api(buyer)
        first = caller.post(OPEN, {"text": "a"}, key="k")

        repeat = caller.post(OPEN, {"text": "a"}, key="k")

        assert (first.status_code, repeat.status_code) == (201, 201)
        assert repeat.content == first.content
        assert "Idempotent-Replayed" not in first
        assert repeat["Idempotent-Replayed"] == "true"
        assert repeat["Acting-Account"] == buyer.public_id
        assert notes() == 1

    def test_it_is_replayed_even_when_things_have_changed_since(self, buyer, api, monkeypatch):
        caller = api(buyer)
        first = caller.post(OPEN, {"text": "a"}, key="k")
        happens(monkeypatch, lambda: pytest.fail("The handler ran again."))

        assert caller.post(OPEN, {"text": "a"}, key="k").content == first.content

    def test_a_key_costs_two_statements_and_who_calls_one(self, buyer, api, statements):
        caller = api(buyer)
        with statements() as seen:
            caller.post(OPEN, {"text": "a"}, key="k")
        with statements() as repeated:
            caller.post(OPEN, {"text": "a"}, key="k")

        assert len(seen) == 3 + 1, str(seen)  # One is the note itself.
        assert len(repeated) == 2, str(repeated)

    def test_another_request_may_not_use_the_key(self, buyer, api):
        caller = api(buyer)
        caller.post(OPEN, {"text": "a"}, key="k")

        for path, body in [(OPEN, {"text": "b"}), (CLOSED, {"text": "a"}), (OPEN + "?x=1", {"text": "a"}), (OPEN, "{")]:
            answer = caller.post(path, body, key="k")
            assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
        assert notes() == 1

    def test_keys_belong_to_their_account(self, new_account, api):
        assert api(new_account()).post(OPEN, {"text": "a"}, key="k").status_code == 201
        assert api(new_account()).post(OPEN, {"text": "b"}, key="k").status_code == 201

    @pytest.mark.parametrize("key", [None, "", "x" * 256, "a\nb", "\x7f", "clef-\u00e9\u0080"])
    def test_a_key_is_needed(self, buyer, api, key):
        answer = api(buyer).post(OPEN, {"text": "a"}, key=key)

        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")

    @pytest.mark.parametrize("key", ["x", "x" * 255, "with spaces, and: signs"])
    def test_any_printable_key_will_do(self, buyer, api, key):
        assert api(buyer).post(OPEN, {"text": "a"}, key=key).status_code == 201


class TestRefused:
    """A refused call changed nothing, and its key stays free."""

    @pytest.mark.parametrize(
        ("path", "body", "status"),
        [
            (CLOSED, {"text": "a"}, 409),
            (OPEN, {"text": "mismatch"}, 422),
            (OPEN, {}, 422),
            ("/boxes/no/notes", {}, 404),
        ],
    )
    def test_nothing_is_left_of_it(self, buyer, api, path, body, status):
        caller = api(buyer)

        assert caller.post(path, body, key="k").status_code == status

        assert notes() == 0
        assert not IdempotencyRecord.objects.exists()
        assert caller.post(OPEN, {"text": "now right"}, key="k").status_code == 201

    def test_a_crash_leaves_nothing_and_the_key_free(self, committed_db, monkeypatch):
        caller = Api(make_account())
        caller.client.raise_request_exception = False

        def crash() -> None:
            raise RuntimeError("the power is gone")

        happens(monkeypatch, crash)
        answer = caller.post(OPEN, {"text": "a"}, key="k")
        assert (answer.status_code, answer.json()["code"]) == (500, "server_error")
        assert "power" not in answer.content.decode()
        assert notes() == 0
        monkeypatch.undo()

        assert caller.post(OPEN, {"text": "a"}, key="k").status_code == 201

    def test_a_lost_connection_leaves_nothing_and_the_key_free(self, committed_db, monkeypatch):
        caller = Api(make_account())

        def lose_connection() -> None:
            connections["default"].connection.close()
            AttemptCount.objects.count()

        happens(monkeypatch, lose_connection)
        answer = caller.post(OPEN, {"text": "a"}, key="k")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        monkeypatch.undo()

        assert notes() == 0
        assert caller.post(OPEN, {"text": "a"}, key="k").status_code == 201


class TestTwins:
    """Two requests with one key at the same moment."""

    def test_while_the_first_runs_the_second_is_told_at_once(self, committed_db, monkeypatch):
        account = make_account()
        began, may_end = threading.Event(), threading.Event()

        def linger() -> None:
            began.set()
            assert may_end.wait(timeout=30)

        happens(monkeypatch, linger)

        def first() -> object:
            return Api(account).post(OPEN, {"text": "a"}, key="k")

        def second() -> object:
            assert began.wait(timeout=30)
            try:
                return Api(account).post(OPEN, {"text": "a"}, key="k")
            finally:
                may_end.set()

        answers = run_race(first, second)

        assert [answer.status_code for answer in answers] == [201, 409]
        assert answers[1].json()["code"] == "idempotency_key_in_use"
        assert Api(account).post(OPEN, {"text": "a"}, key="k").content == answers[0].content

    def test_many_at_once_have_one_effect_and_one_answer(self, committed_db):
        account = make_account()

        answers = run_race(*[lambda: Api(account).post(OPEN, {"text": "a"}, key="k") for _ in range(12)])

        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
        assert notes() == 1

    def test_control_without_the_lock_and_the_unique_key_the_effect_doubles(self, committed_db, monkeypatch):
        account = make_account()
        meet = threading.Barrier(2)
        happens(monkeypatch, lambda: meet.wait(timeout=30) and None)
        monkeypatch.setattr(idempotency.Attempt, "begin", lambda self, **_: None)
        monkeypatch.setattr(idempotency.Attempt, "save", lambda self, **_: True)

        answers = run_race(*[lambda: Api(account).post(OPEN, {"text": "a"}, key="k") for _ in range(2)])

        assert [answer.status_code for answer in answers] == [201, 201]
        assert notes() == 2

    @pytest.mark.parametrize("path", [OPEN, CLOSED])
    def test_who_missed_the_twins_commit_gets_the_twins_answer(self, committed_db, monkeypatch, path):
        """The look-up shares the lock's statement, so its snapshot may be older than the lock."""
        account = make_account()
        first = Api(account).post(OPEN, {"text": "a"}, key="k")
        IdempotencyRecord.objects.update(request_digest=_digest_of(path))
        monkeypatch.setattr(idempotency.Attempt, "begin", lambda self, **_: None)

        late = Api(account).post(path, {"text": "a"}, key="k")

        assert (late.status_code, late.content) == (201, first.content)
        assert late["Idempotent-Replayed"] == "true"
        assert notes() == 1


def _digest_of(path: str) -> str:
    return idempotency.digest_request("POST", f"/api/v1{path}", b'{"text": "a"}')


class TestRemote:
    """A call in between is resumed, not started again."""

    def test_a_repeat_after_a_crash_resumes_the_intent(self, committed_db, monkeypatch):
        caller = Api(make_account())
        caller.client.raise_request_exception = False

        def crash() -> None:
            raise RuntimeError("the power is gone")

        happens(monkeypatch, crash)
        assert caller.post("/remote-notes", {"text": "a"}, key="k").status_code == 500
        assert notes() == 1
        monkeypatch.undo()

        resumed = caller.post("/remote-notes", {"text": "a"}, key="k")
        repeated = caller.post("/remote-notes", {"text": "a"}, key="k")

        assert (resumed.status_code, notes()) == (201, 1)
        assert repeated.content == resumed.content
        assert repeated["Idempotent-Replayed"] == "true"

    def test_the_key_is_held_while_the_call_lasts_and_free_afterwards(self, committed_db, monkeypatch):
        account = make_account()
        began, may_end = threading.Event(), threading.Event()

        def linger() -> None:
            began.set()
            assert may_end.wait(timeout=30)

        happens(monkeypatch, linger)

        def second() -> object:
            assert began.wait(timeout=30)
            try:
                return Api(account).post("/remote-notes", {"text": "a"}, key="k")
            finally:
                may_end.set()

        answers = run_race(lambda: Api(account).post("/remote-notes", {"text": "a"}, key="k"), second)

        assert [answer.status_code for answer in answers] == [201, 409]
        assert Api(account).post("/remote-notes", {"text": "a"}, key="k").content == answers[0].content

    def test_another_body_is_refused_and_keeps_nothing_locked(self, committed_db):
        caller = Api(make_account())
        first = caller.post("/remote-notes", {"text": "a"}, key="k")

        assert caller.post("/remote-notes", {"text": "b"}, key="k").json()["code"] == "idempotency_key_reused"
        assert run_race(lambda: caller.post("/remote-notes", {"text": "a"}, key="k"))[0].content == first.content
