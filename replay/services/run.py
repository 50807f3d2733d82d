"""
A whole history, day by day: first what time does, then the day's money, then its invoices.

Nothing counts that the database does not know: after a crash, of whatever, the next attempt goes on
behind the last invoice that is marked as done.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import groupby

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from billing.services.catching_up import catch_up
from core import clock
from core.locks import only_one
from replay.errors import AlreadyRunning
from replay.reading import History, Invoice, Refused
from replay.selectors import done_invoices
from replay.services.hands import Hands, Progress
from replay.services.top_ups import finish_begun

log = structlog.get_logger(__name__)

LOST = (OperationalError, InterfaceError)  # A server that has gone, a deadlock, a time-out.
LOCK_SECONDS_MAX = 5.0  # A killed run's lock goes with its connection.
RETRY_SECONDS = 1.0


def replay_history(history: History, *, source: str, hands: Hands, progress: Progress) -> list[Refused]:
    """
    Import what of a history is not imported yet, and have it booked.

    Returns the lines that services refused; they are tried again by the next run. When the database
    goes away it is waited for, and the work goes on from where it stands. Not in a transaction.

    :raises AlreadyRunning: another import of this source is under way.
    :raises NobodyBooks: money facts wait, and nobody can book them.
    """
    lost_since: float | None = None
    done_before = -1
    while True:
        try:
            with only_run_of(source):
                hands.begin()
                finish_begun(source)
                rest = _rest_of(history, source)
                done = len(history.invoices) - len(rest)
                progress.stands_at(done)
                lost_since = None if done > done_before else lost_since
                done_before = done
                return _replay_rest(history, rest, hands)
        except LOST as lost:
            lost_since = lost_since or time.monotonic()
            if time.monotonic() - lost_since > settings.REPLAY_LOST_SECONDS_MAX:
                raise
            log.warning("replay_interrupted", error=str(lost), again_in_seconds=RETRY_SECONDS)
            connection.close()
            time.sleep(RETRY_SECONDS)


def _rest_of(history: History, source: str) -> list[Invoice]:
    done = {each.key for each in done_invoices(source)}
    return [invoice for invoice in history.invoices if invoice.key not in done]


def _replay_rest(history: History, rest: Sequence[Invoice], hands: Hands) -> list[Refused]:
    refused = []
    for day, invoices in groupby(rest, key=lambda invoice: invoice.at.date()):
        refused += _replay_day(day, list(invoices), hands)
    if history.invoices:
        catch_up()
        clock.run_due(history.invoices[-1].at)
    catch_up()
    return refused


def _replay_day(day: date, invoices: Sequence[Invoice], hands: Hands) -> list[Refused]:
    """Wallets are looked at when all that went before is booked; payments find the money when it is booked."""
    catch_up()
    clock.run_due(datetime(day.year, day.month, day.day, tzinfo=UTC))
    sales = [invoice for invoice in invoices if not invoice.is_cancellation]
    hands.meet(sales)
    hands.top_up(sales)
    catch_up()
    return hands.replay(invoices)


@contextmanager
def only_run_of(source: str) -> Iterator[None]:
    """
    Only one import of a source runs at a time.

    :raises AlreadyRunning: there is another one.
    """
    with only_one(f"replay:{source}", wait_seconds_max=LOCK_SECONDS_MAX) as alone:
        if not alone:
            raise AlreadyRunning(f"Another import of {source} is under way.")
        yield
