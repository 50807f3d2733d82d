"""Rings of the same moment become one, in one process and among several."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from events import doorbell
from events.consumers import get_consumer, short_turns_first
from events.doorbell import answer, ring
from tests.real_worker import Redis, running_redis


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Redis]:
    with running_redis(tmp_path) as running:
        yield running


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Whom workers were asked to look for, by message."""
    messages: list[list[str]] = []
    monkeypatch.setattr(doorbell, "_ask_to_look", lambda consumers: messages.append(list(consumers)))
    return messages


class TestRinging:
    def test_is_one_message_for_all_who_were_not_rung_for_and_nothing_for_the_others(
        self, redis_server: Redis, asked: list[list[str]], settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.DOORBELL_LINGER_SECONDS = 60
        ring("billing", "sharing")
        monkeypatch.setattr(doorbell, "_bell", doorbell._Bell())  # Another process.
        ring("billing", "messages")
        looks = self.looks_at_redis(redis_server)
        ring("billing", "messages")

        assert asked == [["billing", "sharing"], ["messages"]]
        assert self.looks_at_redis(redis_server) == looks, "It knows until when others' rings are not answered."

    def test_asks_again_once_the_look_is_due_and_rings_anew_once_it_has_begun(
        self, redis_server: Redis, asked: list[list[str]], settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.DOORBELL_LINGER_SECONDS = 0
        monkeypatch.setattr(doorbell, "_UNANSWERED_SECONDS", 60)
        ring("billing")
        ring("billing")
        assert asked == [["billing"]]

        answer("billing")
        ring("billing")
        assert asked == [["billing"], ["billing"]]

    def test_leaves_who_delivers_for_itself_to_the_end_for_it_may_take_seconds(self) -> None:
        assert get_consumer("billing").run is not None
        assert short_turns_first(["billing", "sharing", "messages", "billing"]) == ["messages", "sharing", "billing"]

    def looks_at_redis(self, redis_server: Redis) -> int:
        with redis_server.client() as client:
            return int(client.info("commandstats")["cmdstat_set"]["calls"])
