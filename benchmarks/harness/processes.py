"""Processes of their own that do something on command: what runs side by side in one process shares its lock."""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from benchmarks.harness.scratch import connect_to, set_up

START_SECONDS_MAX = 180
Work = Callable[..., Any]


@dataclass(frozen=True)
class Done:
    """What one process came back with; moments by the machine's steady clock, which all processes share."""

    result: Any
    began: float
    ended: float
    cpu_seconds: float


class Helper:
    """One process with Django and its own connection, ready to do its work whenever it is told to."""

    def __init__(self, database: str, work: Work) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, database, work), daemon=True)
        self._process.start()

    def __enter__(self) -> "Helper":
        if not self._pipe.poll(START_SECONDS_MAX) or self._pipe.recv() != "ready":
            raise RuntimeError("A process of the benchmark does not start.")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pipe.send(None)
        self._process.join(START_SECONDS_MAX)

    def begin(self, *arguments: Any) -> None:
        self._pipe.send(arguments)

    def finish(self) -> Done:
        done = self._pipe.recv()
        if isinstance(done, Exception):
            raise done
        return done


def helpers(stack: ExitStack, database: str, work: Work, count: int) -> list[Helper]:
    """Start several at once and wait until all are ready."""
    started = [Helper(database, work) for _ in range(count)]
    return [stack.enter_context(helper) for helper in started]


def together(crew: Sequence[Helper], *arguments: Any) -> list[Done]:
    """Let all of them work at the same time, and wait for the last."""
    for helper in crew:
        helper.begin(*arguments)
    return [helper.finish() for helper in crew]


def seconds_of(done: Sequence[Done]) -> float:
    """From the first one's beginning to the last one's end."""
    return max(one.ended for one in done) - min(one.began for one in done)


def _serve(pipe: Connection, database: str, work: Work) -> None:
    set_up()
    connect_to(database)
    pipe.send("ready")
    while (arguments := pipe.recv()) is not None:
        began, cpu = time.monotonic(), time.process_time()
        try:
            result = work(*arguments)
        except Exception as error:  # noqa: BLE001 - told to the parent, which raises it
            pipe.send(error)
            continue
        pipe.send(Done(result, began, time.monotonic(), time.process_time() - cpu))
