"""`manage.py replay_orders FILE`: an operator's own history of invoices, through the services; see docs/replay.md."""

import re
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from billing.services.catching_up import NobodyBooks
from core import clock
from core.money import CURRENCY_DIGITS
from ledger.selectors import trial_balance
from replay.errors import ReplayStopped
from replay.models import SOURCE_LENGTH_MAX
from replay.reading import Assumptions, History, Refused, read_history
from replay.report import Speed, report_lines, write_refused
from replay.selectors import done_invoices, figures_of
from replay.services import Hands, OwnHands, many_hands, replay_history, verify_import

SHOWN_EVERY_SECONDS = 0.5
_NOT_IN_SOURCES = re.compile(r"[^a-z0-9]+")


class Bar:
    """The progress bar, with rate and time left."""

    def __init__(self, invoices: int) -> None:
        self._bar = tqdm(total=invoices, unit=" invoices", mininterval=SHOWN_EVERY_SECONDS, smoothing=0.05)
        self.first_done: int | None = None

    def stands_at(self, done: int) -> None:
        if self.first_done is None:
            self.first_done = done
            self._bar.initial = done
        self._bar.n = done
        self._bar.refresh()

    def more(self, done: int) -> None:
        self._bar.update(done)

    def close(self) -> None:
        self._bar.close()


class Command(BaseCommand):
    help = "Import a CSV file of real invoices as orders, payments and refunds, each at its own time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, help="CSV, plain or gzipped; its columns are explained in docs/replay.md."
        )
        parser.add_argument(
            "--source", help="Name of this history; by default the file's. Numbers mean something within it."
        )
        parser.add_argument(
            "--seller", help="Who sells where there is no column `seller`; by default the source's name."
        )
        parser.add_argument("--currency", default="GBP", help="Where there is no column `currency` (%(default)s).")
        parser.add_argument("--timezone", default="UTC", help="Of times that do not say it (%(default)s).")
        parser.add_argument("--processes", type=int, default=1, help="How many share the customers (%(default)s).")
        parser.add_argument("--report", type=Path, help="Where to list refused lines; by default under VAR_DIR/replay.")

    def handle(self, *args: Any, **options: Any) -> None:
        source = _slug(options["source"] or _stem(options["file"]))
        history = _read(options, source)
        refused_file = options["report"] or settings.VAR_DIR / "replay" / f"{source}-refused.csv"
        try:
            self._replay(history, source, options["processes"], refused_file)
        except (ReplayStopped, NobodyBooks) as stopped:
            raise CommandError(str(stopped)) from stopped
        except KeyboardInterrupt:
            raise CommandError("Stopped. Start it again, and it goes on from here.", returncode=130) from None

    def _replay(self, history: History, source: str, processes: int, refused_file: Path) -> None:
        began = time.monotonic()
        orders_before = _orders(source)
        with closing(Bar(len(history.invoices))) as bar, _hands(source, bar, processes) as hands:
            refused_now = replay_history(history, source=source, hands=hands, progress=bar)
        seconds = time.monotonic() - began
        refused = _all_refused(history, source, refused_now)
        write_refused(refused_file, refused)
        speed = Speed(_orders(source) - orders_before, len(history.invoices) - (bar.first_done or 0), seconds)
        for line in report_lines(
            invoices_read=history.invoices_read,
            figures=figures_of(source),
            refused=refused,
            refused_file=refused_file,
            trial_balances=trial_balance(),
            speed=speed,
        ):
            self.stdout.write(line)
        verify_import(history, source=source, refused=refused_now)


def _read(options: dict[str, Any], source: str) -> History:
    currency = options["currency"].upper()
    if currency not in CURRENCY_DIGITS:
        raise CommandError(f"{currency} is no ISO 4217 currency with minor units.")
    try:
        assumed = Assumptions(
            seller=options["seller"] or source.replace("-", " ").title(),
            currency=currency,
            timezone=ZoneInfo(options["timezone"]),
        )
        return read_history(options["file"], assumed=assumed, now=clock.now())
    except (ZoneInfoNotFoundError, ValueError, OSError, EOFError) as refusal:
        raise CommandError(f"{options['file']} cannot be imported: {refusal}") from refusal


def _hands(source: str, bar: Bar, processes: int) -> AbstractContextManager[Hands]:
    return nullcontext(OwnHands(source, bar)) if processes <= 1 else many_hands(source, bar, processes=processes)


def _all_refused(history: History, source: str, refused_now: Sequence[Refused]) -> list[Refused]:
    """Lines refused at reading, by services in this run, and by cancellations of this file in any run."""
    of_file = {invoice.key for invoice in history.invoices}
    earlier = [line for done in done_invoices(source) if done.key in of_file for line in done.refused]
    return sorted([*history.refused, *refused_now, *earlier], key=lambda line: line.line)


def _orders(source: str) -> int:
    return sum(figures.orders for figures in figures_of(source))


def _stem(file: Path) -> str:
    return file.name.split(".", 1)[0]


def _slug(text: str) -> str:
    return _NOT_IN_SOURCES.sub("-", text.lower()).strip("-")[:SOURCE_LENGTH_MAX] or "history"
