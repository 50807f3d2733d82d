"""Answers that go on for minutes."""

from collections.abc import Iterator
from typing import Any, Protocol

from django.http import StreamingHttpResponse


class Pieces(Protocol):
    """What is sent, as it comes. `close` is called in any case, once, when nothing more is sent."""

    def __iter__(self) -> Iterator[str]: ...

    def stop(self) -> None:
        """Let it end soon; from any thread, also from a signal's handler."""

    def close(self) -> None: ...


class LongAnswer(StreamingHttpResponse):
    """
    An answer that goes on for minutes, mostly silent.

    Our web worker (marketplace/web.py) gives it a thread of its own, so that it keeps none from the requests;
    under any other server it takes the thread that it has.
    """

    def __init__(self, pieces: Pieces, **options: Any) -> None:
        super().__init__(pieces, **options)
        self._pieces = pieces

    def stop(self) -> None:
        """Let it end soon."""
        self._pieces.stop()
