"""Streams of a real web server, with Redis; and of this process, without."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from accounts import services, sessions
from accounts.actor import Actor
from accounts.models import Account
from core import clock
from marketplace.servers import PROJECT_DIR
from marketplace.servers.processes import wait_until
from notifications import streaming
from notifications.bell import Line
from notifications.models import Message
from notifications.streaming import Stream, look, streams
from tests.accounts.test_linking import link
from tests.conftest import Api, make_account
from tests.notifications.inbox import appointed, happens

SOON = 20.0  # seconds
THREADS = 2
OPEN = 20  # streams at once: many times the threads


class Reader:
    """A browser that follows an inbox over a web server's socket."""

    def __init__(self, web: Path, token: str, **headers: str) -> None:
        self.connection = HTTPConnection("localhost")
        self.connection.sock = socket.socket(socket.AF_UNIX)
        self.connection.sock.settimeout(SOON)
        self.connection.sock.connect(str(web))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request("GET", "/api/v1/messages/stream", headers={"Authorization": f"Bearer {token}", **named})
        self.answer: HTTPResponse = self.connection.getresponse()
        self.position = ""
        if self.answer.status == 200:
            self.greeting = self.block()

    def block(self) -> dict[str, str]:
        """The next event or comment; empty at the end."""
        lines: dict[str, str] = {}
        while line := self.answer.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            lines[name] = value
        self.position = lines.get("id", self.position)
        return lines

    def message(self) -> Any:
        """The next message, whatever comments come before; None at the end."""
        while block := self.block():
            if "data" in block:
                return json.loads(block["data"])
        return None

    def close(self) -> None:
        self.answer.close()
        self.connection.close()


@pytest.fixture(scope="class")
def web(class_committed_db: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a gunicorn with our worker and two threads."""
    path = tmp_path_factory.mktemp("streams") / "socket"
    command = [sys.executable, "-m", "gunicorn", "marketplace.wsgi", "--bind", f"unix:{path}", "--no-control-socket"]
    command += ["--worker-class", "marketplace.web.Worker", "--threads", str(THREADS)]
    own = {"DJANGO_SETTINGS_MODULE": "tests.stream_settings"}
    gunicorn = subprocess.Popen(command, cwd=PROJECT_DIR, env=os.environ | class_committed_db.environment | own)
    assert wait_until(path.exists, seconds_max=SOON)
    yield path
    gunicorn.terminate()
    began = time.monotonic()
    gunicorn.wait(SOON)
    assert time.monotonic() - began < 10, "It did not end its streams by itself."


@pytest.fixture
def follow(web: Path) -> Iterator[Callable[..., Reader]]:
    """`follow(token)` opens a stream, closed after the test."""
    opened: list[Reader] = []

    def open_(token: str, **headers: str) -> Reader:
        opened.append(Reader(web, token, **headers))
        return opened[-1]

    yield open_
    for reader in opened:
        reader.close()


def token_of(account: Account) -> str:
    return sessions.open_session(account=account).token


class TestAWebServer:
    """What it streams, to whom, until when; and what else it does meanwhile."""

    def test_a_message_is_there_at_once_and_only_for_whom_it_is(self, follow: Callable[..., Reader]) -> None:
        account, other = make_account(), make_account()
        reader, stranger = follow(token_of(account)), follow(token_of(other))
        assert reader.answer.headers["Content-Type"] == "text/event-stream"
        assert reader.answer.headers["Acting-Account"] == account.public_id
        happens(appointed(account), appointed(other))

        assert reader.message() == Api(account).get("/messages").json()["results"][0]
        assert stranger.message()["id"] == Message.objects.get(account=other).public_id

    def test_who_comes_back_has_missed_nothing(self, follow: Callable[..., Reader]) -> None:
        account = make_account()
        token = token_of(account)
        first = follow(token)
        first.close()
        happens(*(appointed(account, number) for number in range(3)))
        second = follow(token, Last_Event_ID=first.position)
        ids = [message.public_id for message in Message.objects.filter(account=account).order_by("id")]

        assert [second.message()["id"] for _ in ids] == ids
        third = follow(token, Last_Event_ID=ids[1])
        assert third.message()["id"] == ids[2]
        assert follow(token, Last_Event_ID="ord_1").answer.status == 422

    def test_requests_are_answered_however_many_streams_are_open(
        self, web: Path, follow: Callable[..., Reader]
    ) -> None:
        accounts = [make_account() for _ in range(OPEN)]
        readers = [follow(token_of(account)) for account in accounts]
        began = time.monotonic()
        assert self.status(web, "/api/v1/items") == 200
        assert time.monotonic() - began < SOON / 3
        happens(*map(appointed, accounts))

        assert all(reader.message() is not None for reader in readers)

    @pytest.mark.parametrize("how", ["logged out", "switched", "link ended"])
    def test_a_stream_ends_with_the_right_to_it(self, follow: Callable[..., Reader], how: str) -> None:
        account, other = make_account(), make_account()
        made = link(account, other, mirror=[])
        opened = sessions.open_session(account=account)
        actor = sessions.actor_of(opened.session)
        reader = follow(opened.token, **({"Acting_Account": other.public_id} if how == "link ended" else {}))
        if how == "logged out":
            sessions.end_session(public_id=opened.session.public_id, owner=account)
        elif how == "switched":
            services.switch_session(to=other.public_id, actor=actor, now=clock.now())
        else:
            services.end_link(link=made.public_id, actor=Actor.own(other), now=clock.now())
        happens(appointed(other if how == "link ended" else account))

        assert reader.message() is None

    def test_streams_are_limited_and_make_room_again(self, follow: Callable[..., Reader]) -> None:
        account = make_account()
        token = token_of(account)
        held: list[Reader] = []
        while (reader := follow(token)).answer.status == 200:
            held.append(reader)
        assert (reader.answer.status, json.load(reader.answer)["code"]) == (429, "too_many_streams")
        assert reader.answer.headers["Retry-After"]
        while (reader := follow(token_of(make_account()))).answer.status == 200:
            held.append(reader)
        assert (reader.answer.status, json.load(reader.answer)["code"]) == (503, "streams_busy")
        assert reader.answer.headers["Retry-After"]
        for one in held:
            one.close()

        assert wait_until(lambda: follow(token).answer.status == 200, seconds_max=SOON)

    def status(self, web: Path, path: str) -> int:
        connection = HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(SOON)
        connection.sock.connect(str(web))
        connection.request("GET", path)
        try:
            return connection.getresponse().status
        finally:
            connection.close()


class TestWithoutRedis:
    """The inbox is the truth: streams look for themselves."""

    @pytest.fixture(autouse=True)
    def no_redis(self, committed_db: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "REDIS_URL", f"unix://{tmp_path}/nobody")
        monkeypatch.setattr("notifications.bell._ringing", Line())
        monkeypatch.setattr(settings, "MESSAGE_STREAM_SECONDS_MAX", 60.0)
        monkeypatch.setattr(settings, "MESSAGE_LOOK_SECONDS", 0.2)

    def test_a_message_comes_all_the_same(self) -> None:
        account = make_account()
        stream = stream_of(account)
        streams.enter(stream)
        pieces = iter(stream)
        assert next(pieces).startswith("retry: ")
        later = threading.Timer(0.5, happens_apart, [account])
        later.start()

        assert '"kind":"agent.appointed"' in next(pieces)
        later.join()
        stream.stop()
        assert list(pieces) == []
        assert wait_until(lambda: streams._reader is None, seconds_max=SOON), "Who reads for nobody ends."

    def test_who_reads_too_slowly_is_sent_away_and_goes_on_later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "MESSAGE_STREAM_WAITING_MAX", 3)
        account = make_account()
        stream = stream_of(account)
        happens(*(appointed(account, number) for number in range(4)))
        look([stream])
        seen = [piece for piece in stream if "data" in piece]
        again = stream_of(account, Message.objects.order_by("id")[1].pk)
        look([again])

        assert len(seen) == 2, "Beside the greeting."
        assert sum("data" in next(iter_) for iter_ in [iter(again)] for _ in range(3)) == 2

    def test_where_the_reading_fails_nobody_is_left_waiting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(threading, "excepthook", lambda failure: None)
        monkeypatch.setattr(streaming, "look", lambda readers: 1 / 0)
        stream = stream_of(make_account())
        streams.enter(stream)

        assert len(list(stream)) == 1


def stream_of(account: Account, position: int = 0) -> Stream:
    session = sessions.open_session(account=account).session
    return Stream(sessions.actor_of(session), position)


def happens_apart(account: Account) -> None:
    """In a thread of its own, with a connection of its own."""
    happens(appointed(account))
    connection.close()
