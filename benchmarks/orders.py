"""
Whole orders, end to end: topped up, placed, paid, fulfilled, completed, refunded and booked, a second.

`python -m benchmarks.orders` imports the head of a real shop's year (`SAMPLE_DATA_DIR/orders`, see docs/replay.md)
or, without it, a made-up one through the services, in one process; `INVOICES=1000` says how many. Every order
passes the same services as one that comes over HTTP. Says how many statements an order takes, and what part of
the time is theirs.
"""

import csv
import gzip
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.harness.report import Report
from benchmarks.harness.scratch import scratch_database, set_up

INVOICES = int(os.environ.get("INVOICES", "1000"))
COLUMNS = (
    "invoice_no",
    "stock_code",
    "description",
    "quantity",
    "invoice_date",
    "unit_price",
    "customer_id",
    "country",
)
LINES_AN_INVOICE = 18  # Of the real shop; so has the made-up one.
SOURCE = "benchmark"


class Meter:
    """Counts statements and their time; and is the progress that nobody looks at."""

    def __init__(self) -> None:
        self.statements, self.seconds = 0, 0.0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.statements += 1
            self.seconds += time.perf_counter() - began

    def stands_at(self, done: int) -> None:
        """Nobody looks."""

    def more(self, done: int) -> None:
        """Nobody looks."""


def main() -> int:
    set_up()
    with scratch_database("bench_orders"), tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "invoices.csv"
        origin = write_invoices(file)
        return report(origin, *import_all(file)).finish()


def import_all(file: Path) -> tuple[int, float, Meter]:
    """Import the file; return how many orders that made, in how many seconds."""
    from django.db import connection

    from orders.models import Order
    from replay.reading import Assumptions, read_history
    from replay.services import OwnHands, replay_history

    assumed = Assumptions(seller="Shop", currency="GBP", timezone=UTC)
    history = read_history(file, assumed=assumed, now=datetime.now(UTC))
    meter = Meter()
    began = time.monotonic()
    with connection.execute_wrapper(meter):
        replay_history(history, source=SOURCE, hands=OwnHands(SOURCE, meter), progress=meter)
    return Order.objects.count(), time.monotonic() - began, meter


def report(origin: str, orders: int, seconds: float, meter: Meter) -> Report:
    about = f"The first {INVOICES:,} invoices of {origin}, imported through the services by one process."
    found = Report("orders", about)
    found.add("orders, from top-up to the book", f"{orders:,}")
    found.add("orders a second", f"{orders / seconds:.1f}")
    found.add("statements an order, its top-up, items and refunds included", f"{meter.statements / orders:.0f}")
    found.add("of the time, in statements", f"{meter.seconds / seconds:.0%}")
    return found


def write_invoices(file: Path) -> str:
    """Write the first invoices; return what they are of."""
    real = sorted(sample_data().glob("orders/*.csv.gz"))
    rows = _real(real[0]) if real else _made_up()
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(next(rows))
        seen: set[str] = set()
        for row in rows:
            seen.add(row[0])
            if len(seen) > INVOICES:
                break
            writer.writerow(row)
    return "a real shop" if real else "a made-up shop"


def sample_data() -> Path:
    return Path(os.environ.get("SAMPLE_DATA_DIR") or Path(__file__).parent.parent.parent / "shared" / "data")


def _real(file: Path) -> Iterator[list[str]]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as rows:
        yield from csv.reader(rows)


def _made_up() -> Iterator[list[str]]:
    """One shop, a thousand articles, three hundred customers, some cancelled lines."""
    dice = random.Random(7)
    yield list(COLUMNS)
    at = datetime(2025, 1, 1, 8, tzinfo=UTC)
    for number in range(INVOICES * LINES_AN_INVOICE):
        invoice = number // LINES_AN_INVOICE
        if number % LINES_AN_INVOICE == 0:
            at += timedelta(minutes=dice.randint(1, 60))
            customer = str(dice.randint(1, 300))
        article = dice.randint(1, 1000)
        price = f"{1 + article % 50}.{article % 10}0"
        goods = [f"A{article}", f"Article {article}", str(dice.randint(1, 9))]
        yield [str(invoice), *goods, f"{at:%Y-%m-%d %H:%M:%S}", price, customer, "France"]


if __name__ == "__main__":
    sys.exit(main())
