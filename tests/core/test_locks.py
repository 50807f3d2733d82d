"""A name that only one may have at a time, as long as its connection lives."""

from collections.abc import Callable
from threading import Barrier
from typing import Any

from django.db import connection

from core.locks import only_one

Race = Callable[..., list[Any]]


class TestOnlyOne:
    """Two commands of one name: the second waits, or hears that it has to."""

    def test_one_of_two_gets_the_name(self, committed_db: Any, race: Race) -> None:
        both_have_asked = Barrier(2)

        def ask() -> bool:
            with only_one("import", wait_seconds_max=0) as is_ours:
                both_have_asked.wait(timeout=10)
                return is_ours

        assert sorted(race(ask, ask)) == [False, True]

    def test_names_do_not_disturb_each_other(self, committed_db: Any, race: Race) -> None:
        both_have_asked = Barrier(2)

        def ask(name: str) -> bool:
            with only_one(name, wait_seconds_max=0) as is_ours:
                both_have_asked.wait(timeout=10)
                return is_ours

        assert race(lambda: ask("north"), lambda: ask("south")) == [True, True]

    def test_who_waits_gets_it_when_the_other_is_done(self, committed_db: Any, race: Race) -> None:
        done: list[str] = []

        def work(name: str) -> bool:
            with only_one("import", wait_seconds_max=10) as is_ours:
                done.append(f"{name} begins")
                done.append(f"{name} ends")
                return is_ours

        assert race(lambda: work("a"), lambda: work("b")) == [True, True]
        assert done in (["a begins", "a ends", "b begins", "b ends"], ["b begins", "b ends", "a begins", "a ends"])

    def test_a_lost_connection_loses_it(self, committed_db: Any, race: Race) -> None:
        def dies() -> None:
            with only_one("import", wait_seconds_max=0):
                connection.close()

        def comes_later() -> bool:
            with only_one("import", wait_seconds_max=10) as is_ours:
                return is_ours

        assert race(dies, comes_later) == [None, True]
