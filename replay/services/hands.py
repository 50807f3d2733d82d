"""Does the work of a day: this process alone. `processes` does the same with several."""

from collections.abc import Sequence
from typing import Protocol

from django.db import connection

from core.errors import Refusal
from replay.reading import Invoice, Refused
from replay.services.invoices import replay_invoice
from replay.services.top_ups import top_up_for
from replay.services.world import World


class Progress(Protocol):
    """Whoever wants to know how far it is, in invoices of the file."""

    def stands_at(self, done: int) -> None:
        """So many are done, those of earlier runs included."""

    def more(self, done: int) -> None:
        """So many more are done."""


class Hands(Protocol):
    """Whoever does a day's work; when a call returns, all of it is committed."""

    def begin(self) -> None:
        """Start, or start again: nothing of what was remembered need be in the database."""

    def meet(self, sales: Sequence[Invoice]) -> None:
        """Have the sellers and items of these sales appear."""

    def top_up(self, sales: Sequence[Invoice]) -> None:
        """Bring the money for them."""

    def replay(self, invoices: Sequence[Invoice]) -> list[Refused]:
        """Do these invoices in their order; return the lines of those that a service refuses."""


class OwnHands:
    """All in this process."""

    def __init__(self, source: str, progress: Progress) -> None:
        self._source = source
        self._progress = progress

    def begin(self) -> None:
        do_not_wait_for_disk()
        self._world = World(self._source)

    def look_again(self) -> None:
        """Learn what other processes have made."""
        self._world.look_again()

    def meet(self, sales: Sequence[Invoice]) -> None:
        for invoice in sales:
            seller = self._world.seller(invoice.seller, now=invoice.at)
            for line in invoice.lines:
                self._world.item(seller, line, invoice.currency, now=invoice.at)

    def top_up(self, sales: Sequence[Invoice]) -> None:
        top_up_for(sales, self._world)

    def replay(self, invoices: Sequence[Invoice]) -> list[Refused]:
        refused = []
        for invoice in invoices:
            try:
                replay_invoice(invoice, self._world)
            except Refusal as refusal:
                refused += [Refused(line.number, refusal.code, refusal.detail) for line in invoice.lines]
            self._progress.more(1)
        return refused


def do_not_wait_for_disk() -> None:
    """
    Let this connection's commits return before they are on disk.

    Safe here: a crash of the server takes the last moments of the import as a whole, marks included,
    and the next run does them again. It makes the import faster where disks are slow.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")
