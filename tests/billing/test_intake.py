"""An event from outside is recorded once, whoever sends it again, however often, and whatever is killed."""

import time
from collections.abc import Callable
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from accounts.models import Account
from billing.models import ExternalEvent
from billing.services import external_events
from events.models import Delivery, EventRecord
from tests.conftest import Api
from tests.faults.dooms import Doom, Moment, start, statements_of
from tests.money_facts import balance, book

SOON = 20.0
TWINS = 2


def topped_up(owner: Account, key: str, minor: int = 500) -> dict[str, Any]:
    return {
        "type": "wallet.topped_up",
        "key": key,
        "parameters": {"provider": "psp"},
        "parties": {"owner": owner.public_id},
        "amounts": {"amount": minor},
        "currency": "CNY",
        "occurred_at": "2026-05-01T12:00:00Z",
    }


@pytest.fixture
def office(committed_db: Any, operator: Account) -> Api:
    return Api(operator)


@pytest.fixture
def meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two twins have both found that nobody knows the event, before either records it."""
    barrier, look = Barrier(TWINS), external_events._known_event

    def look_together(submission: Any) -> str | None:
        found = look(submission)
        if found is None:
            barrier.wait(timeout=SOON)
        return found

    monkeypatch.setattr(external_events, "_known_event", look_together)


class TestTwins:
    """Two send an event of the same key at the same moment."""

    def send_both(self, office: Api, race: Callable[..., list[Any]], *bodies: dict[str, Any]) -> list[Any]:
        token = office.token
        calls = [
            lambda body=body, key=f"attempt {n}": Api(None, token).post("/billing/events", body, key=key)
            for n, body in enumerate(bodies)
        ]
        return race(*calls)

    def test_get_the_same_event(self, office: Api, buyer: Account, race: Callable[..., list[Any]], meet: None) -> None:
        answers = self.send_both(office, race, *[topped_up(buyer, "psp-1")] * TWINS)

        assert [answer.status_code for answer in answers] == [202, 202]
        assert len({answer.json()["id"] for answer in answers}) == 1
        book()
        assert balance(f"wallet:{buyer.public_id}", "CNY") == 500

    def test_that_say_different_things_are_told_so(
        self, office: Api, buyer: Account, race: Callable[..., list[Any]], meet: None
    ) -> None:
        answers = self.send_both(office, race, topped_up(buyer, "psp-1", 500), topped_up(buyer, "psp-1", 501))

        assert sorted(answer.status_code for answer in answers) == [202, 409]
        assert {answer.json().get("code") for answer in answers} == {None, "event_key_reused"}
        assert EventRecord.objects.count() == 1

    def test_control_without_the_unique_keys_both_are_recorded(
        self, office: Api, buyer: Account, race: Callable[..., list[Any]], meet: None
    ) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE events_eventrecord DROP CONSTRAINT event_key_once")
            cursor.execute(
                "SELECT conname FROM pg_constraint WHERE conrelid = 'billing_externalevent'::regclass AND contype = 'u'"
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f'ALTER TABLE billing_externalevent DROP CONSTRAINT "{name}"')

        self.send_both(office, race, *[topped_up(buyer, "psp-1")] * TWINS)

        assert EventRecord.objects.count() == TWINS

    def test_of_one_idempotency_key_are_one_request(
        self, office: Api, buyer: Account, race: Callable[..., list[Any]]
    ) -> None:
        token, body = office.token, topped_up(buyer, "psp-1")
        answers = race(*[lambda: Api(None, token).post("/billing/events", body, key="k")] * 6)
        afterwards = office.post("/billing/events", body, key="k")

        assert {answer.status_code for answer in answers} <= {202, 409}
        assert {a.json()["id"] for a in [*answers, afterwards] if a.status_code == 202} == {afterwards.json()["id"]}
        assert {a.json()["code"] for a in answers if a.status_code == 409} <= {"idempotency_key_in_use"}
        assert EventRecord.objects.count() == 1


class TestKilled:
    """The web process dies at any statement of the request; the sender sends it again."""

    def test_at_every_statement_a_repeat_gets_the_one_event(self, office: Api, buyer: Account) -> None:
        def send(key: str) -> Any:
            return office.post("/billing/events", topped_up(buyer, key), key=key)

        send("the first one fills caches")
        sent = statements_of(lambda: send("undisturbed"))
        dooms = [Doom(place, how) for place in range(1, len(sent) + 1) for how in (Moment.BEFORE, Moment.DURING)]
        for number, doom in enumerate([*dooms, Doom(len(sent), Moment.AFTER)]):
            key = f"psp-{number}"

            assert start(lambda key=key: send(key), doom).end(), f"It was not killed {doom}."
            again = repeat_until_answered(lambda key=key: send(key))

            assert again.status_code == 202, again.content
            (event,) = ExternalEvent.objects.filter(key=key)
            assert again.json()["id"] == EventRecord.objects.get(pk=event.pk).public_id
            assert Delivery.objects.filter(consumer="billing", event_id=event.pk).count() == 1


def repeat_until_answered(send: Callable[[], Any]) -> Any:
    """PostgreSQL may not yet have noticed the death, and says that the first request still runs."""
    deadline = time.monotonic() + SOON
    while (answer := send()).status_code == 409 and time.monotonic() < deadline:
        time.sleep(0.005)
    return answer
