"""
How fast an account with a thousand links and ten million behaviours lists a page of them.

`python -m benchmarks.linked_lists` fills two scratch databases (five minutes), a small world (`SMALL=2000`
behaviours, 60 links) and a large one (`ROWS=10000000`, 1,000 links among 20,000 of others), and asks the same
pages of both, in turns. Behaviours lie in monthly partitions of two years. Each kind of look-up is explained as
well: no table is read from end to end, and hardly more rows are looked at than the page has.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.harness.callers import Caller
from benchmarks.harness.report import Report, median
from benchmarks.harness.scratch import connect_to, scratch_database, set_up

ROWS = int(os.environ.get("ROWS", "10000000"))
SMALL = int(os.environ.get("SMALL", "2000"))
ROUNDS, ASKED_EACH_ROUND = 5, 7
MONTHS = 24
RATIO_MAX = 1.5
PAGE = 50
LOOKED_AT_MAX = 200  # For a page of 50: one row more, and the first one of each month.
LARGE_DATABASE, SMALL_DATABASE = "bench_lists_large", "bench_lists_small"

# One in `rare` is an own act; the others came through links. Own ones are of every kind in turn, of the others
# one in a hundred is an order and the rest views and searches.
_FILL = """
INSERT INTO accounts_behaviour (id, recorded_at, occurred_at, kind, account_id, login_account_id, acting_account_id,
                                session_id, object_id, data, link_id)
SELECT n, at, at,
       CASE WHEN n %% %(rare)s = 0 THEN (%(kinds)s::text[])[1 + n / %(rare)s %% 7]
            WHEN n %% 100 = 1 THEN 'order.placed' WHEN n %% 10 = 2 THEN 'search.performed' ELSE 'item.viewed' END,
       %(account)s, other, other, 'ses_' || lpad(n::text, 26, '0'), 'itm_' || lpad(n::text, 26, '0'),
       '{"title": "A teapot of some length"}', CASE WHEN n %% %(rare)s <> 0 THEN 1 + n %% %(links)s END
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n,
     LATERAL (SELECT %(began)s::timestamptz + (n * %(step_us)s)::bigint * interval '1 microsecond' AS at,
                     %(account)s + 1 + n %% %(links)s AS other) AS made
"""


@dataclass
class World:
    """One database with the account that asks, and what it asks by name."""

    database: str
    token: str
    asked: dict[str, str]
    seconds: dict[str, list[float]]


@dataclass(frozen=True)
class Plan:
    """What PostgreSQL did for one page."""

    rows_looked_at: int
    whole_tables: tuple[str, ...]


def main() -> int:
    set_up()
    with scratch_database(LARGE_DATABASE), scratch_database(SMALL_DATABASE):
        small = fill(SMALL_DATABASE, rows=SMALL, links=60, others=0)
        large = fill(LARGE_DATABASE, rows=ROWS, links=1000, others=20_000)
        for _ in range(ROUNDS):
            for world in (small, large):
                ask_all(world)
        plans = explain_all(large)
        code = report(small, large, plans).finish()
        connect_to(SMALL_DATABASE)
    return code


def fill(database: str, *, rows: int, links: int, others: int) -> World:
    """Fill a database and return what is asked of it; indexes are made when the rows are there."""
    from django.db import connection

    from accounts import sessions
    from accounts.models import Account
    from accounts.terms import BEHAVIOUR_KINDS

    connect_to(database)
    began = time.monotonic()
    make_links(links, others)
    oldest = make_months()
    step = (datetime.now(UTC) - oldest) / rows
    with connection.cursor() as cursor, without_indexes("accounts_behaviour"):
        given = {
            "account": 1,
            "links": links,
            "kinds": list(BEHAVIOUR_KINDS),
            "rare": max(4, rows // 1000),
            "began": oldest,
            "step_us": step / timedelta(microseconds=1),
        }
        for first in range(1, rows + 1, 1_000_000):
            cursor.execute(_FILL, given | {"first": first, "last": min(rows, first + 999_999)})
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval('accounts_behaviour_ids', %s)", [rows])
        cursor.execute("VACUUM ANALYZE")
    print(f"{database}: {rows:,} behaviours in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    token = sessions.open_session(account=Account.objects.get(pk=1)).token
    asked = pages(rows, oldest=oldest, step=step)
    return World(database, token, asked, {name: [] for name in asked})


def make_links(links: int, others: int) -> None:
    """Make the account with key 1, linked with the ones behind it, and others that are linked among each other."""
    from accounts.models import Account, Link
    from accounts.terms import Terms
    from core import clock

    numbers = range(1, links + others + 3)
    named = (Account(pk=n, username=f"bench-{n}", name=f"Bench {n}", kind="personal", side="buyer") for n in numbers)
    Account.objects.bulk_create(named, batch_size=5000)
    pairs = [(1, 1 + n) for n in range(1, links + 1)] + [(links + n, links + n + 1) for n in range(2, others + 1)]
    agreed = {"linked_at": clock.now(), **Terms().columns()}
    both_ways = (pair if number % 2 else pair[::-1] for number, pair in enumerate(pairs))
    rows = (Link(inviter_id=inviter, invitee_id=invitee, **agreed) for inviter, invitee in both_ways)
    Link.objects.bulk_create(rows, batch_size=5000)


def make_months() -> datetime:
    """Make two years of partitions; return when the first one begins."""
    from core.partitions import keep_months

    month = now = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(MONTHS):
        keep_months("accounts_behaviour", key="recorded_at", now=month, months_kept=10 * MONTHS, months_ahead=0)
        now, month = month, (month - timedelta(days=1)).replace(day=1)
    return now


@contextmanager
def without_indexes(table: str) -> Iterator[None]:
    """Take a partitioned table's indexes away, all but its key's, and make them anew at the end."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexdef NOT LIKE '%%UNIQUE%%'",
            [table],
        )
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        for _name, definition in indexes:
            cursor.execute(definition.replace(" ON ONLY ", " ON "))


def pages(rows: int, *, oldest: datetime, step: timedelta) -> dict[str, str]:
    """Return what is asked, by name: each filter's first page, and pages far behind it."""
    from accounts.api.behaviours import Behaviours
    from accounts.models import Behaviour, Link
    from core.api.lists import write_cursor

    def behind(share: float) -> str:
        row = Behaviour.objects.filter(pk__lte=int(rows * share)).order_by("-pk")[0]
        return f"cursor={write_cursor(row, Behaviours.ordering)}"

    def since(rows_since: int) -> str:
        return f"since={(oldest + step * (rows - rows_since)).isoformat().replace('+00:00', 'Z')}"

    links = Link.objects.order_by("-id").filter(inviter_id__lte=1) | Link.objects.filter(invitee_id=1)
    middle = list(links.order_by("-id"))[-PAGE - 1]
    return {
        "links, first page": "/links",
        "links, last page": f"/links?cursor={write_cursor(middle, ['-id'])}",
        "behaviours, first page": "/behaviours",
        "… deep inside": f"/behaviours?{behind(0.4)}",
        "… `kind=item.viewed`, deep inside": f"/behaviours?kind=item.viewed&{behind(0.4)}",
        "… `kind=account.linked`, which is rare": "/behaviours?kind=account.linked",
        "… `origin=linked`, deep inside": f"/behaviours?origin=linked&{behind(0.4)}",
        "… `origin=own`, which is rare": "/behaviours?origin=own",
        "… `origin=own&kind=order.placed`, each of many": "/behaviours?origin=own&kind=order.placed",
        "… `since=` just now": f"/behaviours?{since(PAGE * 2)}",
        "… `since=` long ago, deep inside": f"/behaviours?{since(int(rows * 0.9))}&{behind(0.4)}",
        "… `since=`, and the cursor where it ends": f"/behaviours?{since(int(rows * 0.5))}&{behind(0.5 + 30 / rows)}",
    }


def ask_all(world: World) -> None:
    connect_to(world.database)
    caller = Caller(world.token)
    for name, path in world.asked.items():
        caller.ask("get", path)
        world.seconds[name] += [caller.ask("get", path)[0] for _ in range(ASKED_EACH_ROUND)]


def explain_all(world: World) -> dict[str, Plan]:
    """Explain the statement that reads each page."""
    connect_to(world.database)
    caller = Caller(world.token)
    return {name: explain(caller, path) for name, path in world.asked.items()}


def explain(caller: Caller, path: str) -> Plan:
    from django.db import connection

    table = "accounts_link" if path.startswith("/links") else "accounts_behaviour"
    asked: Callable[[], Any] = lambda: caller.ask("get", path)  # noqa: E731
    statement = next(sql for sql in caller.statements(asked) if f'FROM "{table}"' in sql)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        (found,) = cursor.fetchone()
    nodes = list(nodes_of(found[0]["Plan"]))
    reads = [node for node in nodes if str(node.get("Relation Name", "")).startswith(table)]
    whole = tuple(node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan" and looked_at(node))
    return Plan(sum(looked_at(node) for node in reads), whole)


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes_of(below)


def looked_at(node: dict[str, Any]) -> int:
    return (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]


def report(small: World, large: World, plans: dict[str, Plan]) -> Report:
    about = (
        f"One account with 1,000 links and {ROWS:,} behaviours in {MONTHS} monthly partitions, beside one with 60 "
        f"and {SMALL:,}; a page of {PAGE} over the API in one process. Medians; *rows*: what PostgreSQL looked at."
    )
    found = Report("linked_lists", about)
    for name in large.asked:
        own, other, plan = median(large.seconds[name]), median(small.seconds[name]), plans[name]
        found.add(f"{name}, large", f"{own * 1000:.1f} ms")
        found.at_most(f"{name}, of small", own / other, RATIO_MAX)
        found.at_most(f"{name}, rows", plan.rows_looked_at, LOOKED_AT_MAX, "{:.0f}")
        if plan.whole_tables:
            found.add(f"{name}, read whole", ", ".join(plan.whole_tables), "none", kept=False)
    return found


if __name__ == "__main__":
    sys.exit(main())
