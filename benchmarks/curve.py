"""
Whether a large book is slower than a small one: booking, a balance as of a moment, a page of a statement.

`python -m benchmarks.curve` makes two books, of `SMALL=1000000` and `LARGE=20000000` transfers (some ten minutes
and 15 GB; `KEEP=1` leaves them), and then measures both in turns. Limit: 1.25 times what the small one takes.
"""

import os
import random
import sys
import time
from collections import defaultdict
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

from benchmarks.harness.processes import Helper, helpers
from benchmarks.harness.report import Report, median
from benchmarks.harness.sales import HOT_CODE, MADE, OWNERS, TRANSFERS_PER_EVENT, wallet_code
from benchmarks.harness.scratch import scratch_database, set_up

SIZES = {
    "small": int(os.environ.get("SMALL", "1000000")),
    "large": int(os.environ.get("LARGE", "20000000")),
}
ROUNDS = int(os.environ.get("ROUNDS", "9"))
EVENTS = int(os.environ.get("EVENTS", "10000"))
READS = 40
PAGE_LINES = 50
RATIO_MAX = 1.25
MEASURES = {
    "booking, one worker, shipped settings": "book",
    "balance of a wallet as of a moment": "balance_of_wallet",
    "balance of the hot account as of a moment": "balance_of_hot",
    "statement page of a wallet": "page_of_wallet",
    "statement page of the hot account": "page_of_hot",
}


def main() -> int:
    set_up()
    with ExitStack() as stack:
        processes = {size: _process(stack, size) for size in SIZES}
        for size, transfers in SIZES.items():
            processes[size].begin("grow", transfers)
            print(f"{size}: made in {processes[size].finish().result:.0f} s", file=sys.stderr)
        seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
        for number in range(ROUNDS):
            for what, work in MEASURES.items():
                for size in sorted(SIZES, reverse=bool(number % 2)):
                    processes[size].begin(work, number)
                    seconds[what, size].append(processes[size].finish().result)
        return report(seconds).finish()


def _process(stack: ExitStack, size: str) -> Helper:
    database = f"bench_curve_{size}"
    stack.enter_context(scratch_database(database))
    return helpers(stack, database, do, 1)[0]


def do(work: str, argument: int) -> float:
    """In the process of one book: do one thing and return how many seconds it took, once."""
    return globals()[f"_{work}"](argument)


def _grow(transfers: int) -> float:
    from django.db import connection

    from benchmarks.harness import made_books, sales

    began = time.monotonic()
    sales.declare()
    made_books.begin()
    made_books.grow_to(transfers)
    sales.put_in_force()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT" if _may_checkpoint(cursor) else "SELECT 1")
    _book(-1)  # Warm, so that the first round is like the others.
    return time.monotonic() - began


def _may_checkpoint(cursor: Any) -> bool:
    cursor.execute("SELECT pg_has_role('pg_checkpoint', 'USAGE')")
    return cursor.fetchone()[0]


def _book(number: int) -> float:
    """Seconds for a transfer."""
    from benchmarks.harness import sales
    from billing.booking import book_due
    from events.models import Delivery

    sales.record(MADE, EVENTS, f"round {number}")
    began = time.monotonic()
    while Delivery.objects.exists():
        book_due()
    return (time.monotonic() - began) / (EVENTS * TRANSFERS_PER_EVENT)


def _balance_of_wallet(_number: int) -> float:
    return median([_balance(wallet_code(random.randint(1, OWNERS))) for _ in range(READS)])


def _balance_of_hot(_number: int) -> float:
    return median([_balance(HOT_CODE) for _ in range(READS)])


def _balance(code: str) -> float:
    from ledger.models import Batch
    from ledger.selectors import balance_at

    newest = Batch.objects.order_by("-booked_at")[0].booked_at
    as_of = newest - timedelta(seconds=random.uniform(1, 60 * 5))
    began = time.monotonic()
    balance_at(code=code, as_of=as_of)
    return time.monotonic() - began


def _page_of_wallet(_number: int) -> float:
    return median([_page(wallet_code(random.randint(1, OWNERS))) for _ in range(READS)])


def _page_of_hot(_number: int) -> float:
    return median([_page(HOT_CODE) for _ in range(READS)])


def _page(code: str) -> float:
    from ledger.statements import statement_page

    began = time.monotonic()
    statement_page(codes=[code], limit=PAGE_LINES)
    return time.monotonic() - began


def report(seconds: dict[tuple[str, str], list[float]]) -> Report:
    about = (
        f"Two books, of {SIZES['small']:,} and {SIZES['large']:,} transfers among {2 * OWNERS:,} accounts and a hot "
        f"one, measured in turns, {ROUNDS} rounds: booking {EVENTS:,} events, and {READS} reads of each kind."
    )
    found = Report("curve", about)
    for what in MEASURES:
        small, large = seconds[what, "small"], seconds[what, "large"]
        form = _rate if "booking" in what else _ms
        found.add(f"{what}: small book", form(median(small)))
        found.add(f"{what}: large book", form(median(large)))
        ratios = [one / other for one, other in zip(large, small, strict=True)]
        found.at_most("… times the small one's time", median(ratios), RATIO_MAX)
    return found


def _rate(seconds_each: float) -> str:
    return f"{1 / seconds_each:,.0f}/s"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


if __name__ == "__main__":
    sys.exit(main())
