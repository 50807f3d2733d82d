"""
Trades at the counter, made and paid in one call, a second; against a bare DRF view in the same server.

`python -m benchmarks.counter` runs the programs of `make run` (gunicorn, both workers, beat) on servers of their
own under VAR_DIR/bench-counter. In each of `ROUNDS=5` rounds 8 clients send to the bare view (benchmarks/bare),
then tills make trades that are paid by code, then buyers place and pay orders, so that a restless machine hits all
alike; the figure is the median of the rounds' ratios. Then a thousand tills of one seller trade, while somebody
looks who waits for a lock. `TRADES=200` says how many of each there are in a round.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

ROUNDS = int(os.environ.get("ROUNDS", "5"))
TRADES = int(os.environ.get("TRADES", "200"))
CLIENTS = 8
TILLS = 1000
CUSTOMERS = 32
BARE_ACCOUNTS = 64
PORT = 8766
QUEUES_SECONDS_MAX = 5.0
QUEUES_PATIENCE_SECONDS = 60
CONTROL_SECONDS = 0.5
PRICE = 500
MONEY = {"amount": PRICE, "currency": "GBP"}
SELLERS_TABLES = ("accounts_account", "catalog_store", "orders_terminal")

var_dir = Path(os.environ.get("VAR_DIR") or "var").resolve() / "bench-counter"
os.environ["VAR_DIR"] = str(var_dir)
os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.bare.settings"

from benchmarks.harness.callers import UNCOUNTED  # noqa: E402 - the settings read VAR_DIR
from benchmarks.harness.lock_waits import LockWaits  # noqa: E402
from benchmarks.harness.report import Report, median  # noqa: E402
from benchmarks.harness.scratch import set_up  # noqa: E402
from benchmarks.harness.web import Measured, running, send  # noqa: E402
from orders.counter.simulator.calling import Answer, Caller  # noqa: E402

URL = f"http://127.0.0.1:{PORT}"
Request = Callable[[Caller, int], None]


class World:
    """One seller with a thousand tills and an item; customers with money; the bare view's accounts."""

    def __init__(self) -> None:
        from orders.counter.simulator import world

        self.seller, self.seller_id = world.register(URL, "seller")
        self.store = expect(201, self.seller.post("/stores", {"name": "The store"}))["id"]
        self.tills = make_tills(self.store)
        item = {"title": "Tea", "kind": "goods", "price": MONEY, "status": "on_sale"}
        self.item = expect(201, self.seller.post("/items", item))["id"]
        self.customers = [customer.phone() for customer in world.make_customers(URL, CUSTOMERS, trust=None)]
        self.sequence = 0
        self.codes: list[str] = []

    def get_ready(self, trades: int) -> None:
        """Codes are made before each round, and not measured."""
        makers = [self.customers[number % CUSTOMERS] for number in range(trades)]
        with ThreadPoolExecutor(CLIENTS) as pool:
            self.codes = list(pool.map(lambda phone: expect(201, phone.twin().post("/pay-codes", {}))["code"], makers))

    def pay_barely(self, caller: Caller, number: int) -> None:
        body = {"account": number % BARE_ACCOUNTS, "amount": PRICE}
        expect(201, caller.post("/bare-payments", body))

    def trade(self, caller: Caller, number: int) -> None:
        caller.authorization = f"Terminal {self.tills[number % TILLS]}"
        made = expect(201, caller.post("/terminal/trades", self.trade_body(self.codes[number])))
        assert made["status"] == "paid", made

    def trade_body(self, code: str) -> dict[str, Any]:
        self.sequence += 1
        lines = [{"item": self.item, "quantity": 1}]
        return {"sequence": self.sequence, "lines": lines, **MONEY, "pay_code": code}

    def order(self, caller: Caller, number: int) -> None:
        caller.authorization = self.customers[number % CUSTOMERS].authorization
        self.sequence += 1
        key = f"order-{self.sequence}"
        body = {"lines": [{"item": self.item, "quantity": 1}]}
        placed = expect(201, caller.post("/orders", body, key=f"{key}-place"))
        expect(200, caller.post(f"/orders/{placed['orders'][0]['id']}/pay", MONEY, key=f"{key}-pay"))


def make_tills(store: str) -> list[str]:
    """A thousand of them are not made over HTTP."""
    from catalog.models import Store
    from core import clock
    from orders.counter.keys import digest_key, new_key
    from orders.counter.models import Terminal

    keys = [new_key() for _ in range(TILLS)]
    of = Store.objects.get(public_id=store)
    Terminal.objects.bulk_create(
        Terminal(
            store=of,
            name=f"Till {number}",
            key_digest=digest_key(key),
            created_by_id=of.seller_id,
            created_at=clock.now(),
        )
        for number, key in enumerate(keys)
    )
    return keys


def expect(status: int, answer: Answer) -> Any:
    assert answer.status == status, answer
    return answer.body


def main() -> int:
    set_up()
    from django.conf import settings
    from django.core.management import call_command

    from marketplace.servers import using

    with using(settings.EMBEDDED_SERVERS):
        call_command("migrate", verbosity=0, interactive=False)
        make_bare_tables()
        with running(PORT):
            world = World()
            measure(world)  # Warms up.
            rounds = [measure(world) for _ in range(ROUNDS)]
            queues_seconds = seconds_until_queues_are_empty()
            locks = watch_a_thousand_tills(world)
            control = watch_somebody_who_locks_the_tills(world)
        statements = count_statements(world)
        code = report(world, rounds, queues_seconds, locks, control, statements).finish()
    shutil.rmtree(var_dir)
    return code


def make_bare_tables() -> None:
    from django.db import connection

    from benchmarks.bare.views import TABLES

    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        cursor.execute("INSERT INTO bare_account SELECT n, 0 FROM generate_series(0, %s) AS n", [BARE_ACCOUNTS - 1])


def measure(world: World) -> dict[str, Measured]:
    """One round: the same number of each kind, one kind after the other."""
    world.get_ready(TRADES)
    found = {
        "bare": sent(world.pay_barely, TRADES),
        "trade": sent(world.trade, TRADES),
        "order": sent(world.order, TRADES // 4),
    }
    print(", ".join(f"{kind} {one.per_second:.1f}/s" for kind, one in found.items()), file=sys.stderr, flush=True)
    return found


def sent(request: Request, count: int, clients: int = CLIENTS) -> Measured:
    return send(request, count, clients=clients, connect=partial(Caller, URL))


def seconds_until_queues_are_empty() -> float:
    from events.models import Delivery

    began = time.monotonic()
    while Delivery.objects.filter(parked_at=None).exists():
        if time.monotonic() - began > QUEUES_PATIENCE_SECONDS:
            raise RuntimeError("The workers leave events behind.")
        time.sleep(0.05)
    return time.monotonic() - began


def watch_a_thousand_tills(world: World) -> LockWaits:
    """Each of the seller's tills makes a trade, twice as many at once as the web has threads."""
    world.get_ready(TILLS)
    with LockWaits() as seen:
        sent(world.trade, TILLS, 4 * CLIENTS)
    return seen


def watch_somebody_who_locks_the_tills(world: World) -> LockWaits:
    """
    The control: the same, while the tills' rows are locked for half a second.

    Of all that is the seller's, a trade locks its own till's row alone, and shared: it would not even notice
    somebody who locks the account or the store.
    """
    from django.db import connection, transaction

    world.get_ready(2 * CLIENTS)
    with LockWaits() as seen, ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM orders_terminal t JOIN catalog_store s ON s.id = t.store_id "
                "WHERE s.public_id = %s FOR UPDATE OF t",
                [world.store],
            )
            trading = pool.submit(sent, world.trade, 2 * CLIENTS, CLIENTS)
            time.sleep(CONTROL_SECONDS)
        trading.result()
    return seen


def on_the_seller(world: World, seen: LockWaits) -> int:
    """How often somebody was seen waiting for the seller, its store, a till, or a balance of the seller's."""
    return sum(seen.by_table[table] for table in SELLERS_TABLES) + seen.naming(f":{world.seller_id}")


def count_statements(world: World) -> dict[str, int]:
    """As the budgets count them; the programs have ended, and codes are made in this process."""
    import logging

    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    logging.disable(logging.INFO)
    client = Client(SERVER_NAME="localhost")

    def post(path: str, body: Any, authorization: str, key: str = "") -> tuple[int, Any]:
        headers = {"Authorization": authorization, **({"Idempotency-Key": key} if key else {})}
        with CaptureQueriesContext(connection) as seen:
            answer = client.post(f"/api/v1{path}", body, content_type="application/json", headers=headers)
        assert answer.status_code < 300, answer.content
        counted = [query for query in seen.captured_queries if not query["sql"].startswith(UNCOUNTED)]
        return len(counted), answer.json()

    def once(round_: int) -> dict[str, int]:
        phone = world.customers[0].authorization
        _n, code = post("/pay-codes", {}, phone)
        trade, _made = post("/terminal/trades", world.trade_body(code["code"]), f"Terminal {world.tills[0]}")
        place, placed = post("/orders", {"lines": [{"item": world.item, "quantity": 1}]}, phone, f"place-{round_}")
        pay, _paid = post(f"/orders/{placed['orders'][0]['id']}/pay", MONEY, phone, f"pay-{round_}")
        return {"trade": trade, "order": place + pay}

    once(1)  # What is compiled once per process is by now.
    return once(2)


def report(
    world: World,
    rounds: Sequence[dict[str, Measured]],
    queues_seconds: float,
    locks: LockWaits,
    control: LockWaits,
    statements: dict[str, int],
) -> Report:
    about = (
        f"Over HTTP to gunicorn, with both workers and beat; {CLIENTS} clients on the same cores. {ROUNDS} rounds of "
        f"{TRADES} bare payments, {TRADES} trades that are made and paid by code in one call, and {TRADES // 4} "
        "orders that are placed and paid. Medians of the rounds; ratios are of the same round."
    )
    found = Report("counter", about)
    for kind, name in (
        ("bare", "the bare view"),
        ("trade", "trades, made and paid"),
        ("order", "orders, placed, paid"),
    ):
        found.add(name, f"{median([one[kind].per_second for one in rounds]):.1f}/s")
        for which in ("p50_ms", "p99_ms"):
            found.add(f"… {which[:3]}", f"{median([getattr(one[kind], which) for one in rounds]):.0f} ms")
    speed = [one["trade"].per_second / one["bare"].per_second for one in rounds]
    found.at_least("trades a second, of the bare view's", median(speed), 0.4)
    found.add("… the rounds' least and most", f"{min(speed):.2f}, {max(speed):.2f}")
    slow = [one["trade"].p99_ms / one["bare"].p99_ms for one in rounds]
    found.at_most("a trade's p99, times the bare view's", median(slow), 4.0)
    found.at_most("statements of a trade", statements["trade"], 18, "{:.0f}")
    found.at_most("statements of an order, placed and paid", statements["order"], 30, "{:.0f}")
    found.at_most("queues empty after the end", queues_seconds, QUEUES_SECONDS_MAX, "{:.1f} s")
    found.add(f"{TILLS:,} tills of one seller: looks at who waits", f"{locks.looks:,}")
    found.add("… for a row of somebody else's", f"{sum(locks.by_table.values()) - on_the_seller(world, locks)}")
    found.at_most("… for the seller, its store, tills or balances", on_the_seller(world, locks), 0, "{:.0f}")
    found.at_least("… while somebody locks the tills (the control)", on_the_seller(world, control), 1, "{:.0f}")
    return found


if __name__ == "__main__":
    sys.exit(main())
