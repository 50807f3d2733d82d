"""
How fast the chains of sales are resolved with a million people in the forest.

`python -m benchmarks.chains` fills two scratch databases (a few minutes), a small forest (`SMALL=10000` accounts) and
a large one (`ROWS=1000000`), each with ten thousand stores in a tree of four levels that has an agent everywhere. One
place in twenty has ended, and nobody has been moved up: the worst that a chain can meet. Batches of a thousand sales
are resolved in both, in turns. Then one row each: an agent replaced above all stores, a node moved with fifty thousand
below it. The statements are explained as well: no table of people or places is read from end to end.
"""

import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.harness.report import Report, median
from benchmarks.harness.scratch import AS_THE_HOUSE, connect_to, scratch_database, set_up

ROWS = int(os.environ.get("ROWS", "1000000"))
SMALL = int(os.environ.get("SMALL", "10000"))
STORES = 10_000
BATCH, ROUNDS, LEVELS = 1_000, 15, 3
ORDERS_PER_SECOND_MIN = 10_000
BELOW = 50_000  # Stand below the node that is moved, in the large forest.
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = BEGAN + timedelta(days=200)
LARGE_DATABASE, SMALL_DATABASE = "bench_chains_large", "bench_chains_small"

_ACCOUNTS = """
INSERT INTO accounts_account (id, password, is_superuser, public_id, username, email, name, kind, side, referral_code,
                              step_up, is_staff, is_active, created_at)
SELECT n, '', false, 'acc_' || lpad(n::text, 26, '0'), 'u' || n, '', 'Person ' || n, 'personal',
       CASE WHEN n <= %(stores)s THEN 'seller' ELSE 'buyer' END, lpad(n::text, 10, '0'), false, false, true, %(began)s
FROM generate_series(1, %(rows)s) AS n
"""
# Each below somebody who came earlier; the last ones, as many as are asked for, below the same one.
_PLACES = """
INSERT INTO distribution_referral (id, public_id, account_id, referrer_id, via, is_original, rule_number, from_at,
                                   until_at, reason, ending, end_reason, leaves_children)
SELECT n, 'ref_' || lpad(n::text, 26, '0'), n,
       CASE WHEN n = 1 THEN NULL WHEN n > %(rows)s - %(below)s THEN %(rows)s - %(below)s
            ELSE 1 + floor(random() * (n - 1))::bigint END,
       CASE WHEN n = 1 THEN 'nobody' ELSE 'code' END, n > 1,
       CASE n WHEN %(rows)s - %(below)s THEN %(place)s ELSE 'R-' || n END, %(began)s,
       CASE WHEN n %% 20 = 0 AND n <> %(rows)s - %(below)s THEN %(ended)s::timestamptz END, '',
       CASE WHEN n %% 20 = 0 AND n <> %(rows)s - %(below)s THEN 'ended' ELSE '' END, '',
       n %% 20 = 0 AND n <> %(rows)s - %(below)s
FROM generate_series(1, %(rows)s) AS n
"""
# One country, ten provinces, a hundred cities, a thousand districts: keys 1, 2-11, 12-111, 112-1111.
_AREAS = """
INSERT INTO distribution_areascheme (code) VALUES ('ZZ');
INSERT INTO distribution_area (id, scheme_id, code, name, level, level_name, parent_id, sought)
SELECT n, 'ZZ', n::text, 'Area ' || n, level, 'level ' || level,
       CASE level WHEN 1 THEN 1 WHEN 2 THEN 2 + (n - 12) / 10 WHEN 3 THEN 12 + (n - 112) / 10 END, ''
FROM (SELECT n, CASE WHEN n = 1 THEN 0 WHEN n < 12 THEN 1 WHEN n < 112 THEN 2 ELSE 3 END AS level
      FROM generate_series(1, 1111) AS n) AS numbered ORDER BY numbered.n;
INSERT INTO distribution_agentseat (public_id, area_id, account_id, rule_number, from_at, appointed_by_id, appointed_at)
SELECT 'agt_' || lpad(id::text, 26, '0'), id, id, CASE id WHEN 1 THEN %(seat)s ELSE 'ZZ-A-' || id END, %(began)s, 1,
       %(began)s
FROM distribution_area;
INSERT INTO catalog_store (id, public_id, seller_id, name, area_code, address, trusted_providers, opened_by_id,
                           opened_at, moves_count)
SELECT n, 'sto_' || lpad(n::text, 26, '0'), n, 'Store ' || n, '', '', '[]', n, %(began)s, 0
FROM generate_series(1, %(stores)s) AS n;
INSERT INTO distribution_placement (public_id, store_id, area_id, evidence, rule_number, from_at, is_waiting, doubt)
SELECT 'plc_' || lpad(n::text, 26, '0'), n, 112 + n %% 1000, 'declared', 'ZZ-P-' || n, %(began)s, false, ''
FROM generate_series(1, %(stores)s) AS n;
"""


@dataclass
class Forest:
    """One database, and how long its batches took."""

    database: str
    rows: int
    seconds: list[float] = field(default_factory=list)


def main() -> int:
    from django.conf import settings

    set_up()
    settings.REFERRAL_LEVELS_MAX = {"": LEVELS}  # One more than the house pays.
    with scratch_database(LARGE_DATABASE), scratch_database(SMALL_DATABASE):
        small, large = fill(SMALL_DATABASE, SMALL, below=0), fill(LARGE_DATABASE, ROWS, below=min(BELOW, ROWS // 2))
        for _ in range(ROUNDS):
            for forest in (small, large):
                resolve(forest)
        connect_to(LARGE_DATABASE)
        code = report(small, large).finish()
        connect_to(SMALL_DATABASE)
    return code


def fill(database: str, rows: int, *, below: int) -> Forest:
    from django.db import connection

    from distribution.rule_numbers import NodeKind, new_rule_number

    connect_to(database)
    values: dict[str, Any] = {"rows": rows, "below": below, "stores": STORES, "began": BEGAN}
    values["seat"] = new_rule_number(NodeKind.AGENT, serial=1, scheme="ZZ", code="1")
    values["place"] = new_rule_number(NodeKind.REFERRAL, serial=rows - below)
    values["ended"] = BEGAN + timedelta(days=100)
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        for statement in (_ACCOUNTS, _PLACES, _AREAS):
            cursor.execute(statement, values)
        for table in ("accounts_account", "catalog_store", "distribution_area", "distribution_referral"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
        cursor.execute("VACUUM ANALYZE")
    return Forest(database, rows)


def some_sales(rows: int, number: int) -> list[Any]:
    from distribution.chains import Sale

    return [
        Sale(
            store=_id("sto", shop := random.randint(1, STORES)),
            seller=_id("acc", shop),
            buyer=_id("acc", random.randint(1, rows)),
            at=NOW - timedelta(seconds=random.randint(0, 10**6)),
        )
        for _ in range(number)
    ]


def _id(prefix: str, number: int) -> str:
    return f"{prefix}_{number:026}"


def resolve(forest: Forest) -> None:
    from django.db import connection

    from distribution.chains import resolve_chains

    connect_to(forest.database)
    connection.settings_dict["OPTIONS"] = {"options": AS_THE_HOUSE}
    resolve_chains(some_sales(forest.rows, BATCH))  # A connection has caches of its own to fill.
    sales = some_sales(forest.rows, BATCH)
    began = time.perf_counter()
    chains = resolve_chains(sales, referrer_levels=LEVELS)
    forest.seconds.append(time.perf_counter() - began)
    assert all(len(chain.agents) == 4 for chain in chains), "A store has lost an agent."


def report(small: Forest, large: Forest) -> Report:
    result = Report("chains", f"Batches of {BATCH:,} sales, four levels of agents and {LEVELS} of referrers.")
    rate, before = (BATCH / median(forest.seconds) for forest in (large, small))
    result.at_least(
        f"sales resolved per second, {large.rows:,} people in the forest", rate, ORDERS_PER_SECOND_MIN, "{:,.0f}"
    )
    result.add(f"the same with {small.rows:,} people", f"{before:,.0f}")
    result.at_most("statements for one sale", counted(lambda: resolve_some(large, 1)), 2, "{:.0f}")
    result.at_most(f"statements for {BATCH:,}", counted(lambda: resolve_some(large, BATCH)), 2, "{:.0f}")
    result.at_most("tables of people or places read from end to end", len(whole_tables(large)), 0, "{:.0f}")
    rows, seconds = replaced_above_all()
    result.at_most(f"rows of an agent replaced above {STORES:,} stores", rows, 2, "{:.0f}")
    result.add("and how long it takes", f"{seconds * 1000:.1f} ms")
    rows, seconds = moved(large)
    result.at_most("rows of a node moved with all below it (one ends, one begins)", rows, 2, "{:.0f}")
    result.add("and how long it takes", f"{seconds * 1000:.1f} ms")
    return result


def resolve_some(forest: Forest, number: int) -> None:
    from distribution.chains import resolve_chains

    resolve_chains(some_sales(forest.rows, number), referrer_levels=LEVELS)


def counted(work: Callable[[], Any]) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as seen:
        work()
    return len(seen)


def whole_tables(forest: Forest) -> list[str]:
    """The large tables that the statements of a batch read from end to end."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as seen:
        resolve_some(forest, BATCH)
    found = []
    with connection.cursor() as cursor:
        for query in seen.captured_queries:
            cursor.execute(f"EXPLAIN (FORMAT TEXT) {query['sql']}")
            found += [line for (line,) in cursor.fetchall() if "Seq Scan on" in line]
    large = ("accounts_account", "distribution_referral", "distribution_placement", "catalog_store")
    return [line for line in found if any(name in line for name in large)]


def rows_written(table: str, work: Callable[[], Any]) -> tuple[int, float]:
    """How many rows of a table work writes, by the transaction's own counters, and how long it takes."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        count = "SELECT pg_stat_get_xact_tuples_updated(%s::regclass) + pg_stat_get_xact_tuples_inserted(%s::regclass)"
        cursor.execute(count, [table, table])
        [before] = cursor.fetchone()
        began = time.perf_counter()
        work()
        seconds = time.perf_counter() - began
        cursor.execute(count, [table, table])
        return cursor.fetchone()[0] - before, seconds


def replaced_above_all() -> tuple[int, float]:
    from accounts.actor import Actor
    from accounts.models import Account
    from distribution.models import AgentSeat
    from distribution.services import replace_agent

    seat = AgentSeat.objects.get(area_id=1)
    actor, other = Actor.own(Account.objects.get(pk=1)), Account.objects.get(pk=9_000)
    return rows_written(
        "distribution_agentseat",
        lambda: replace_agent(seat=seat.public_id, account=other, actor=actor, now=NOW + timedelta(days=1)),
    )


def moved(forest: Forest) -> tuple[int, float]:
    from accounts.actor import Actor
    from accounts.models import Account
    from distribution.services import move_referral

    node = Account.objects.get(pk=forest.rows - min(BELOW, forest.rows // 2))
    actor = Actor.own(Account.objects.get(pk=1))
    return rows_written(
        "distribution_referral",
        lambda: move_referral(
            account=node, referrer=Account.objects.get(pk=1), reason="So.", actor=actor, now=NOW + timedelta(days=1)
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
