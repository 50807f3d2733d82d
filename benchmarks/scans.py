"""
Scans a second against a bare Django view that does one INSERT and a redirect; and what a long log changes.

`python -m benchmarks.scans` runs gunicorn as `make run` does, on servers of its own under VAR_DIR/bench-scans. In each
of `ROUNDS=15` rounds 16 clients ask for `SCANS=500` of the bare view's pages (benchmarks/bare_scans) and for as many
of `/s/<code>`, in turns, so that a restless machine hits both alike; the figure is the median of the rounds' ratios.
Then the log is filled with `LOGGED=1000000` scans, and claims and reports are measured before and after.
"""

import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

ROUNDS = int(os.environ.get("ROUNDS", "15"))
SCANS = int(os.environ.get("SCANS", "500"))
LOGGED = int(os.environ.get("LOGGED", "1000000"))
CLIENTS = 16
SHARES = 200
AGENTS = 50
ORDER_TOKENS = 5
REPEATS = 40
PORT = int(os.environ.get("PORT", "8767"))

var_dir = Path(os.environ.get("VAR_DIR") or "var").resolve() / "bench-scans"
os.environ["VAR_DIR"] = str(var_dir)
os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.bare_scans.settings"

from benchmarks.harness.report import Report, median  # noqa: E402 - the settings read VAR_DIR
from benchmarks.harness.scratch import set_up  # noqa: E402
from benchmarks.harness.web import Measured, running, send  # noqa: E402

PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Phone {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0 Mobile Safari/537"
)


class World:
    """A seller's item with a program, and shares of it; the first of them is the one that everybody scans."""

    def __init__(self) -> None:
        from accounts.models import Account
        from sharing.codes import share_code
        from sharing.models import Share
        from tests.sharing.scans import program_of
        from tests.shop import offer

        self.seller = Account.objects.create(username="seller", name="Seller", kind="personal", side="seller")
        self.buyer = Account.objects.create(username="buyer", name="Buyer", kind="personal", side="buyer")
        program = program_of(offer(self.seller))
        made = {"program": program, "item": program.item, "made_at": program.from_at}
        for number in range(SHARES):
            sharer = Account.objects.create(username=f"sharer-{number}", kind="personal", side="buyer")
            Share.objects.create(**made, sharer=sharer, login_account=sharer)
        self.shares = list(Share.objects.order_by("id"))
        self.codes = [share_code(share.pk) for share in self.shares]

    def scan(self, connection: HTTPConnection, number: int) -> None:
        self.ask(connection, f"/s/{self.codes[number * number % SHARES]}", number)

    def scan_barely(self, connection: HTTPConnection, number: int) -> None:
        self.ask(connection, f"/bare/{self.codes[number * number % SHARES]}", number)

    def ask(self, connection: HTTPConnection, path: str, number: int) -> None:
        connection.request("GET", path, headers={"User-Agent": PHONE.format(number % AGENTS)})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 302, answer.status
        assert not answer.getheader("Set-Cookie")


def main() -> int:
    shutil.rmtree(var_dir, ignore_errors=True)  # What a run that was broken off has left.
    set_up()
    from django.conf import settings
    from django.core.management import call_command

    from marketplace.servers import using

    with using(settings.EMBEDDED_SERVERS):
        call_command("migrate", verbosity=0, interactive=False)
        run("DROP TABLE IF EXISTS bare_scan")
        run(bare_table())
        world = World()
        with running(PORT, only={"web"}):
            measure(world)  # Warms up.
            rounds = [measure(world) for _ in range(ROUNDS)]
        short = claims_and_reports(world)
        fill_log(world)
        long = claims_and_reports(world)
        code = report(rounds, short, long, statements_of(world), plan_of(world)).finish()
    shutil.rmtree(var_dir)
    return code


def bare_table() -> str:
    from benchmarks.bare_scans.views import TABLE

    return TABLE


def run(statement: str, values: Any = None) -> list[Any]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def connect() -> HTTPConnection:
    return HTTPConnection("127.0.0.1", PORT, timeout=60)


def measure(world: World) -> dict[str, Measured]:
    """One round: some of each, in turns."""
    found = {
        "bare": send(world.scan_barely, SCANS, clients=CLIENTS, connect=connect),
        "scan": send(world.scan, SCANS, clients=CLIENTS, connect=connect),
    }
    print(", ".join(f"{kind} {one.per_second:.0f}/s" for kind, one in found.items()), file=sys.stderr, flush=True)
    return found


# --- A long log -------------------------------------------------------------------------------

# Half of all scans are of one share, over the months that there are.
FILL = """
INSERT INTO sharing_scan (recorded_at, scanned_at, share_id, scan_class, classifier, visitor, is_repeat, agent, signals)
SELECT at, at, CASE WHEN n %% 2 = 0 THEN %(viral)s ELSE (%(shares)s::bigint[])[1 + n %% %(count)s] END,
    CASE WHEN n %% 10 = 0 THEN 'bot' ELSE 'human' END, 1, hashint8extended(n, 0), n %% 5 = 0, %(agent)s, '{}'
FROM (SELECT n, now() - (n %% 700) * interval '1 hour' - n * interval '1 ms' AS at
      FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n) made
"""
FILLED_AT_ONCE = 500_000


def fill_log(world: World) -> None:
    from datetime import timedelta

    from django.utils import timezone

    from core.partitions import keep_months

    keep_months("sharing_scan", key="recorded_at", now=timezone.now() - timedelta(days=31), months_kept=24)
    run("SET statement_timeout = 0")
    keys = [share.pk for share in world.shares]
    for first in range(0, LOGGED, FILLED_AT_ONCE):
        last = min(first + FILLED_AT_ONCE, LOGGED) - 1
        run(FILL, {"viral": keys[0], "shares": keys, "count": len(keys), "agent": PHONE, "first": first, "last": last})
        print(f"{last + 1:,} scans in the log", file=sys.stderr, flush=True)
    run("UPDATE sharing_scanmark SET counted_to = 'epoch'")
    run("DELETE FROM sharing_scanday")
    count_everything()
    run("VACUUM ANALYZE sharing_scan")
    run("VACUUM ANALYZE sharing_scanday")


def count_everything() -> None:
    from django.conf import settings

    from sharing.services.counting import count_scans

    settings.SCANS_COUNTED_AT_ONCE = FILLED_AT_ONCE
    began = time.monotonic()
    counted = count_scans()
    print(f"{counted:,} counted in {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)


def claims_and_reports(world: World) -> dict[str, float]:
    """Milliseconds of each, the median of some, with a few scans behind the mark."""
    from core import clock
    from sharing.reports import ITEM, SHARE, report_rows
    from sharing.services.claiming import claim_scans
    from sharing.services.counting import count_scans
    from tests.sharing.scans import token_of

    count_scans()
    tokens = [[token_of(world.shares[number % SHARES]) for number in range(ORDER_TOKENS)] for _ in range(REPEATS)]
    buyer = world.buyer
    waiting = iter(tokens)
    return {
        "claim": milliseconds(lambda: claim_scans(tokens=next(waiting), account=buyer, login=buyer, now=clock.now())),
        "share": milliseconds(lambda: report_rows(SHARE, world.shares[0].pk)),
        "item": milliseconds(lambda: report_rows(ITEM, world.shares[0].item_id)),
    }


def milliseconds(work: Callable[[], Any]) -> float:
    each = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        each.append((time.perf_counter() - began) * 1000)
    return statistics.median(each)


def statements_of(world: World) -> int:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as seen:
        Client(SERVER_NAME="localhost").get(f"/s/{world.codes[0]}", headers={"User-Agent": PHONE})
    return len(seen)


def plan_of(world: World) -> str:
    """How the counters of the share that half of the log is about are looked up."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from sharing.reports import SHARE, report_rows

    with CaptureQueriesContext(connection) as seen:
        report_rows(SHARE, world.shares[0].pk)
    looked = next(query["sql"] for query in seen.captured_queries if "sharing_scanday" in query["sql"])
    rows = run(f"EXPLAIN (ANALYZE, BUFFERS) {looked}")
    return "\n".join(line for (line,) in rows)


def report(
    rounds: Sequence[dict[str, Measured]], short: dict[str, float], long: dict[str, float], statements: int, plan: str
) -> Report:
    about = (
        f"Over HTTP to gunicorn; {CLIENTS} clients on the same cores. {ROUNDS} rounds of {SCANS} bare pages and "
        f"{SCANS} scans. Medians of the rounds; ratios are of the same round. Then with {LOGGED:,} scans in the log, "
        "half of them of one share."
    )
    found = Report("scans", about)
    for kind, name in (("bare", "the bare view"), ("scan", "`/s/<code>`")):
        found.add(name, f"{median([one[kind].per_second for one in rounds]):.0f}/s")
        for which in ("p50_ms", "p99_ms"):
            found.add(f"… {which[:3]}", f"{median([getattr(one[kind], which) for one in rounds]):.1f} ms")
    speed = [one["scan"].per_second / one["bare"].per_second for one in rounds]
    found.at_least("scans a second, of the bare view's", median(speed), 0.6)
    found.add("… the rounds' least and most", f"{min(speed):.2f}, {max(speed):.2f}")
    found.at_most(
        "a scan's p99, times the bare view's", median([one["scan"].p99_ms / one["bare"].p99_ms for one in rounds]), 2.0
    )
    found.at_most("statements of a scan", statements, 2, "{:.0f}")
    found.add(f"claiming {ORDER_TOKENS} scans, with a short log", f"{short['claim']:.1f} ms")
    found.at_most("… with a long one, times that", long["claim"] / short["claim"], 1.5)
    found.add("a share's report, with a short log", f"{short['share']:.1f} ms")
    found.at_most("… of a share with half of a long log, times that", long["share"] / short["share"], 3.0)
    found.add("an item's report over all its shares, with a long log", f"{long['item']:.1f} ms")
    print(plan, file=sys.stderr)
    return found


if __name__ == "__main__":
    sys.exit(main())
