"""
How fast events are booked, held against raw `COPY` and against a ledger that books row by row.

`python -m benchmarks.booking` records sales (three transfers each) in a scratch database and lets workers book
them, in turns with the references, so that a busy machine slows them all alike. `EVENTS=40000` and `ROUNDS=5`
say how much and how often; the median of the rounds counts, of ratios the median ratio.

At `max_accounts` 10,000 there are 10,001 accounts, so `max_transfers` is raised to let the accounts fill up; what
the shipped `max_transfers` of 10,000 gives is measured beside it.
"""

import os
import random
import sys
import time
from collections import defaultdict
from contextlib import ExitStack

from benchmarks.harness.processes import Helper, helpers, seconds_of, together
from benchmarks.harness.report import Report, median, percentile
from benchmarks.harness.sales import HOT, MADE, OWNERS, SPREAD, TRANSFERS_PER_EVENT
from benchmarks.harness.scratch import scratch_database, set_up

DATABASE = "bench_booking"
EVENTS = int(os.environ.get("EVENTS", "40000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
WIDE = {"max_accounts": 10_000, "max_transfers": 30_000}
ROW_BY_ROW_CONNECTIONS, ROW_BY_ROW_SECONDS = 8, 3.0
HOLD_PAUSE_SECONDS = 0.005
HOLDS_BETWEEN_LOOKS = 20

Rates = dict[str, list[float]]


def main() -> int:
    set_up()
    from benchmarks.harness import references, sales

    with scratch_database(DATABASE), ExitStack() as stack:
        references.make_tables()
        sales.declare()
        sales.put_in_force()
        workers = helpers(stack, DATABASE, book, 2)
        tellers = helpers(stack, DATABASE, references.book_row_by_row, ROW_BY_ROW_CONNECTIONS)
        payer = helpers(stack, DATABASE, place_holds, 1)[0]
        rates: Rates = defaultdict(list)
        holds: list[float] = []
        _booked(workers, "warm-up", MADE)
        for number in range(ROUNDS):
            measure_round(f"r{number}", rates, holds, workers, tellers, payer)
        return report(rates, holds).finish()


def measure_round(
    name: str, rates: Rates, holds: list[float], workers: list[Helper], tellers: list[Helper], payer: Helper
) -> None:
    """Everything once, so that each ratio is of neighbours."""
    from benchmarks.harness import references, sales

    transfers = EVENTS * TRANSFERS_PER_EVENT
    sales.put_in_force(**WIDE)
    rates["copy"].append(transfers / references.copy_seconds(transfers))
    rates["one"].append(_booked(workers[:1], f"{name}:one", MADE))
    rates["two"].append(_booked(workers, f"{name}:two", MADE))
    sales.put_in_force(max_accounts=WIDE["max_accounts"])
    rates["one short"].append(_booked(workers[:1], f"{name}:one short", MADE))
    sales.put_in_force(**WIDE)
    done = together(tellers, ROW_BY_ROW_SECONDS)
    rates["rows"].append(sum(one.result for one in done) / seconds_of(done))
    rates["spread"].append(_booked(workers, f"{name}:spread", SPREAD))
    rates["hot"].append(_booked(workers, f"{name}:hot", HOT))
    sales.put_in_force()
    rates["shipped one"].append(_booked(workers[:1], f"{name}:shipped one", MADE))
    rates["shipped"].append(_booked(workers, f"{name}:shipped", MADE, beside=payer))
    holds += payer.finish().result
    print({what: round(values[-1]) for what, values in rates.items()}, file=sys.stderr)


def _booked(workers: list[Helper], name: str, type_: str, *, beside: Helper | None = None) -> float:
    """Record sales, let the workers book them, and return the transfers per second."""
    from benchmarks.harness import sales

    sales.record(type_, EVENTS, name)
    if beside is not None:
        beside.begin()
    done = together(workers)
    seconds = min(one.ended for one in done) - min(one.began for one in done)  # The first to see that all is booked.
    return EVENTS * TRANSFERS_PER_EVENT / seconds


def book() -> None:
    """What the worker's loop does, until nothing waits."""
    from billing.booking import book_due
    from events.models import Delivery

    while Delivery.objects.exists():
        wait_seconds = book_due()
        if Delivery.objects.exists():
            time.sleep(wait_seconds or 0)


def place_holds() -> list[float]:
    """Pay out of wallets that the batches are about to change, while events wait; return how long each took."""
    from django.db import transaction

    from benchmarks.harness.sales import wallet_code
    from core.money import Money
    from events.models import Delivery
    from ledger.holds import place_hold

    seconds = []
    one_penny, run = Money(1, "GBP"), time.time_ns()
    while Delivery.objects.exists():
        for _ in range(HOLDS_BETWEEN_LOOKS):
            began = time.monotonic()
            with transaction.atomic():
                code = wallet_code(random.randint(1, OWNERS))
                place_hold(code=code, amount=one_penny, key=f"bench:{run}:{len(seconds)}")
            seconds.append(time.monotonic() - began)
            time.sleep(HOLD_PAUSE_SECONDS)
    return seconds


def report(rates: Rates, holds: list[float]) -> Report:
    def ratio(what: str, reference: str) -> float:
        return median([one / other for one, other in zip(rates[what], rates[reference], strict=True)])

    def per_second(what: str) -> str:
        return f"{median(rates[what]):,.0f}/s"

    about = (
        f"{EVENTS:,} events of {TRANSFERS_PER_EVENT} transfers among {2 * OWNERS:,} accounts and a hot one, "
        f"{ROUNDS} rounds, everything durable. Medians of the rounds; transfers per second."
    )
    found = Report("booking", about)
    found.add("raw `COPY` into the reference table", per_second("copy"))
    found.add(f"row by row, {ROW_BY_ROW_CONNECTIONS} connections", per_second("rows"))
    found.add("one worker, `max_accounts` 10,000", per_second("one"))
    found.at_least("… of `COPY`", ratio("one", "copy"), 0.30)
    found.add("one worker, `max_accounts` 10,000, shipped `max_transfers`", per_second("one short"))
    found.add("… of `COPY`", f"{ratio('one short', 'copy'):.2f}")
    found.at_least("two workers, `max_accounts` 10,000", median(rates["two"]), 40_000, "{:,.0f}/s")
    found.at_least("… of the row-by-row ledger", ratio("two", "rows"), 15, "{:.1f}")
    found.add("one worker, shipped settings", per_second("shipped one"))
    found.at_least("two workers, shipped settings, holds beside them", median(rates["shipped"]), 30_000, "{:,.0f}/s")
    found.add("a payment's hold meanwhile, p50", f"{median(holds) * 1000:.1f} ms")
    found.at_most("a payment's hold meanwhile, p99", percentile(holds, 99) * 1000, 60, "{:.1f} ms")
    found.add("two workers, no hot account", per_second("spread"))
    found.add("two workers, every transfer on one account", per_second("hot"))
    found.at_least("… of no hot account", ratio("hot", "spread"), 0.8)
    return found


if __name__ == "__main__":
    sys.exit(main())
