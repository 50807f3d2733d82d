"""
How fast paid orders are shared out and all of it is booked, by two workers.

`python -m benchmarks.allocating` fills a scratch database with the forest, stores and agents of `benchmarks.chains`
(`ROWS=200000` accounts), puts a plan in force that pays four levels of agents, two of referrers, the merchant's and
cashback, and records `ORDERS=20000` paid orders of one line each, as if they had been paid a minute ago. Two
processes then do what the money workers do, until nothing waits: they share out (`distribution`) and book what comes of
it (`billing`). The payments themselves are booked before and do not count.
"""

import multiprocessing
import os
import sys
import time
from datetime import timedelta
from typing import Any

from benchmarks.chains import NOW, STORES, fill
from benchmarks.harness.report import Report
from benchmarks.harness.scratch import AS_THE_HOUSE, connect_to, scratch_database, set_up

ROWS = int(os.environ.get("ROWS", "200000"))
ORDERS = int(os.environ.get("ORDERS", "20000"))
WORKERS = 2
ORDERS_PER_SECOND_MIN = 5_000
DATABASE = "bench_allocating"
CONSUMERS = ("distribution", "billing")
PLAN: dict[str, Any] = {
    "name": "benchmark",
    "pool": {"of": "fee", "bps": 5000},
    "agents": [{"level": level, "bps": bps} for level, bps in ((3, 3000), (2, 1500), (1, 500), (0, 250))],
    "referrers": [{"level": 1, "bps": 2000}, {"level": 2, "bps": 1000}],
    "merchant_referrer": {"bps": 500},
    "cashback": {"bps": 1000},
}

_ORDERS = """
WITH given AS (
    SELECT n, 1 + floor(random() * %(stores)s)::int AS shop, 1 + floor(random() * %(rows)s)::int AS buyer
    FROM generate_series(1, %(orders)s) AS n
)
INSERT INTO orders_order (id, public_id, trade_no, channel, status, buyer_id, seller_id, payer_id, provider, store,
    terminal, institution, currency, total_minor, fee_minor, paid_minor, refunded_minor, fee_refunded_minor, placed_at,
    paid_at)
SELECT n, 'ord_' || lpad(n::text, 26, '0'), lpad(n::text, 26, '0'), 'online', 'paid', buyer, shop, buyer, '', '',
    '', '', 'GBP', 100000, 5000, 100000, 0, 0, %(at)s, %(at)s
FROM given;
INSERT INTO orders_orderline (id, order_id, store_id, title, quantity, unit_minor, amount_minor, fee_minor, fee_rule,
    refunded_minor, stock_taken, restocked)
SELECT id, id, seller_id, 'Tea', 1, 100000, 100000, 5000, '', 0, 0, 0 FROM orders_order;
WITH recorded AS (
    INSERT INTO events_eventrecord (type, key, subject, payload, occurred_at, recorded_at)
    SELECT 'order.paid', 'order.paid:' || public_id, public_id,
           jsonb_build_object('order', public_id, 'currency', 'GBP', 'channel', 'online',
               'payer', 'acc_' || lpad(buyer_id::text, 26, '0'), 'buyer', 'acc_' || lpad(buyer_id::text, 26, '0'),
               'seller', 'acc_' || lpad(seller_id::text, 26, '0'), 'gross_minor', 100000, 'fee_minor', 5000),
           %(at)s, %(at)s + interval '1 second'
    FROM orders_order ORDER BY id
    RETURNING id, subject
)
INSERT INTO events_delivery (consumer, event_id, subject) SELECT 'distribution', id, subject FROM recorded ORDER BY id;
"""


def main() -> int:
    set_up()
    with scratch_database(DATABASE):
        fill(DATABASE, ROWS, below=0)
        record_orders()
        seconds = worked_off()
        return report(seconds).finish()


def record_orders() -> None:
    from django.db import connection

    from distribution.models import Plan

    Plan.objects.create(name="benchmark", version=1, status=Plan.Status.ACTIVE, document=PLAN)
    with connection.cursor() as cursor:
        cursor.execute(_ORDERS, {"orders": ORDERS, "rows": ROWS, "stores": STORES, "at": NOW - timedelta(minutes=1)})
        cursor.execute("VACUUM ANALYZE")


def worked_off() -> float:
    """Have all of it shared out and booked; return how many seconds it took."""
    from django.db import connection

    connection.close()
    began = time.perf_counter()
    workers = [multiprocessing.get_context("fork").Process(target=work) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - began


def work() -> None:
    """What a money worker does when it is rung, until nothing waits."""
    from django.db import connection

    from billing.booking import book_due
    from events.consumers import get_consumer
    from events.delivery import deliver_batch
    from events.models import Delivery

    connect_to(DATABASE)
    connection.settings_dict["OPTIONS"] = {"options": AS_THE_HOUSE}
    while Delivery.objects.filter(consumer__in=CONSUMERS).exists():
        moved = deliver_batch(get_consumer("distribution"))
        wait_seconds = book_due()
        if not moved:
            time.sleep(min(wait_seconds or 0.01, 0.01))


def report(seconds: float) -> Report:
    from distribution.models import AllocatedLine
    from ledger.models import Transfer

    assert AllocatedLine.objects.count() == ORDERS, "Some orders were not shared out."
    transfers = Transfer.objects.count()
    result = Report("allocating", f"{ORDERS:,} orders of one line, {ROWS:,} people, {WORKERS} workers.")
    result.at_least("orders shared out and booked, a second", ORDERS / seconds, ORDERS_PER_SECOND_MIN, "{:,.0f}")
    result.add("transfers that they came to", f"{transfers:,}")
    result.add("transfers booked, a second", f"{transfers / seconds:,.0f}")
    return result


if __name__ == "__main__":
    sys.exit(main())
