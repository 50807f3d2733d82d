"""
Does the work of a day with several processes, each for its own customers.

A customer's invoices stay in their order, since they always go to the same process. Sellers and items,
which all share, are made by this one beforehand; nothing else is written by two.
"""

import multiprocessing
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from django.db import OperationalError

from replay.child import BEGIN, LOST, MORE, REPLAY, TOP_UP, serve
from replay.errors import ReplayStopped
from replay.reading import Customer, Invoice, Refused
from replay.services.hands import OwnHands, Progress

STOP_SECONDS_MAX = 30.0


class ManyHands:
    """Several processes; what each does is what `OwnHands` does."""

    def __init__(self, source: str, progress: Progress, processes: Sequence[Connection]) -> None:
        self._own = OwnHands(source, progress)
        self._progress = progress
        self._processes = processes

    def begin(self) -> None:
        self._own.begin()
        self._do(BEGIN, [[] for _ in self._processes])

    def meet(self, sales: Sequence[Invoice]) -> None:
        self._own.meet(sales)

    def top_up(self, sales: Sequence[Invoice]) -> None:
        self._do(TOP_UP, self._shares(sales))

    def replay(self, invoices: Sequence[Invoice]) -> list[Refused]:
        return self._do(REPLAY, self._shares(invoices))

    def _shares(self, invoices: Sequence[Invoice]) -> list[list[Invoice]]:
        shares: list[list[Invoice]] = [[] for _ in self._processes]
        for invoice in invoices:
            shares[share_of(invoice.customer, len(shares))].append(invoice)
        return shares

    def _do(self, what: str, shares: Sequence[Sequence[Invoice]]) -> list[Refused]:
        """
        Have every process do its share, and wait for all of them.

        :raises OperationalError: one of them has lost the database; the others have ended their shares.
        """
        for process, share in zip(self._processes, shares, strict=True):
            self._send(process, (what, share))
        answers = [self._answer(process) for process in self._processes]
        for kind, content in answers:
            if kind == LOST:
                raise OperationalError(content)
        return [line for _kind, refused in answers for line in refused]

    def _send(self, process: Connection, task: tuple[str, Sequence[Invoice]]) -> None:
        with _dead_if_closed():
            process.send(task)

    def _answer(self, process: Connection) -> tuple[str, Any]:
        with _dead_if_closed():
            while (answer := process.recv())[0] == MORE:
                self._progress.more(answer[1])
        return answer


@contextmanager
def many_hands(source: str, progress: Progress, *, processes: int) -> Iterator[ManyHands]:
    """Processes of our own, which end with this block, and when this process is killed."""
    spawn = multiprocessing.get_context("spawn")
    connections, children = [], []
    for _ in range(processes):
        ours, theirs = spawn.Pipe()
        child = spawn.Process(target=serve, args=(theirs, source), daemon=True)
        child.start()
        theirs.close()  # Only the child's end is left: its death is the end of the file.
        connections.append(ours)
        children.append(child)
    try:
        yield ManyHands(source, progress, connections)
    finally:
        for ours in connections:
            ours.close()
        for child in children:
            child.join(STOP_SECONDS_MAX)


@contextmanager
def _dead_if_closed() -> Iterator[None]:
    try:
        yield
    except (EOFError, ConnectionError):
        raise ReplayStopped("One of the import's processes has died; start it again.") from None


def share_of(customer: Customer, shares: int) -> int:
    """The same in every run: Python's own hash differs from process to process."""
    return zlib.crc32(customer.key.encode()) % shares
