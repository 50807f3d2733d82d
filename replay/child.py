"""
What one of an import's processes runs.

Nothing of Django's models is imported before Django is set up: a spawned process begins with nothing.
"""

import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import django
from django.db import InterfaceError, OperationalError, connection

from replay.reading import Invoice

if TYPE_CHECKING:
    from replay.services.hands import OwnHands

BEGIN, TOP_UP, REPLAY = "begin", "top_up", "replay"
DONE, MORE, LOST = "done", "more", "lost"


def serve(parent: Connection, source: str) -> None:
    """Do what the parent sends, until it closes its end or is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the parent.
    django.setup()
    from replay.services.hands import OwnHands  # noqa: PLC0415 - models exist only now

    hands = OwnHands(source, _Telling(parent))
    try:
        while True:
            what, share = parent.recv()
            parent.send(_work(hands, what, share))
    except (EOFError, ConnectionError):
        connection.close()


class _Telling:
    """Its progress, told to the parent."""

    def __init__(self, parent: Connection) -> None:
        self._parent = parent

    def stands_at(self, done: int) -> None:
        """The parent knows."""

    def more(self, done: int) -> None:
        self._parent.send((MORE, done))


def _work(hands: "OwnHands", what: str, share: Sequence[Invoice]) -> tuple[str, Any]:
    try:
        if what == BEGIN:
            connection.close()
            hands.begin()
            return DONE, []
        hands.look_again()
        if what == TOP_UP:
            hands.top_up(share)
            return DONE, []
        return DONE, hands.replay(share)
    except (OperationalError, InterfaceError) as lost:
        return LOST, str(lost)
