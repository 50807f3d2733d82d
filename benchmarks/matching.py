"""
What an order costs to match with a long log behind a viral share.

`python -m benchmarks.matching` fills two scratch databases, a log of `SMALL=10000` scans and one of `ROWS=1000000`, all
of one share, every tenth claimed by somebody. Orders of a buyer with scans of her own are matched in both, in turns,
and the statements explained: no large table is read from end to end. `ROWS=10000000` is the long run.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.harness.customers import add_customers
from benchmarks.harness.report import Report, median
from benchmarks.harness.scratch import connect_to, scratch_database, set_up

ROWS = int(os.environ.get("ROWS", "1000000"))
SMALL = int(os.environ.get("SMALL", "10000"))
ROUNDS, ORDERS, OWN_SCANS = 10, 20, 5
FIRST_LINE = 10**9  # Behind what the filled tables have.
SLOWER_MAX = 1.5
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LARGE_DATABASE, SMALL_DATABASE = "bench_matching_large", "bench_matching_small"
OF_MATCHING = ("EXECUTE find_candidates", "INSERT INTO sharing_touch")
LARGE_TABLES = ("sharing_scan", "sharing_scanclaim", "sharing_wonline", "sharing_touch", "accounts_account")

_SCANS = """
INSERT INTO sharing_scan (scanned_at, share_id, scan_class, classifier, visitor, is_repeat, agent, signals)
SELECT %(now)s::timestamptz - random() * interval '20 days', %(share)s, 'human', 1, n, false, 'Phone', '{}'
FROM generate_series(1, %(rows)s) AS n
"""
_CLAIMS = """
INSERT INTO sharing_scanclaim (scan_id, share_id, item_id, account_id, login_account_id, scan_class, scanned_at,
                               claimed_at)
SELECT scan.id, %(share)s, %(item)s, account.id, account.id, 'human', scan.scanned_at, scan.scanned_at
FROM sharing_scan scan
JOIN accounts_account account ON account.username = 'customer-' || (1 + scan.id / 10 %% %(customers)s)
WHERE scan.id %% 10 = 0
"""
# What the same share has brought before: paid, and nothing left of a budget.
_WON = """
INSERT INTO sharing_wonline (
    line, "order", item_id, buyer_id, seller_id, share_id, sharer_id, scan, scan_class, scanned_at, is_named, placed_at,
    currency, net_minor, promised_minor, state, paid_at, charged_minor, is_budgeted, credited_minor, refunded_net_minor,
    reversed_minor, hold_reasons, decision, decision_reason
)
SELECT claim.scan_id, 'ord_' || claim.scan_id, claim.item_id, claim.account_id, item.seller_id, claim.share_id,
       share.sharer_id, claim.scan_id, 'human', claim.scanned_at, false, claim.scanned_at, 'GBP', 950, 50, 'charged',
       claim.scanned_at, 0, false, 0, 0, 0, '[]', '', ''
FROM sharing_scanclaim claim
JOIN sharing_share share ON share.id = claim.share_id
JOIN catalog_item item ON item.id = claim.item_id
"""


@dataclass
class Log:
    """One database, and how long its orders took to be matched."""

    database: str
    rows: int
    seconds: list[float] = field(default_factory=list)


def main() -> int:
    set_up()
    small, large = Log(SMALL_DATABASE, SMALL), Log(LARGE_DATABASE, ROWS)
    with scratch_database(LARGE_DATABASE), scratch_database(SMALL_DATABASE):
        for log in (small, large):
            connect_to(log.database)
            fill(log)
        for _ in range(ROUNDS):
            for log in (small, large):
                connect_to(log.database)
                match_some(log)
        code = report(small, large).finish()
        connect_to(SMALL_DATABASE)
    return code


def fill(log: Log) -> None:
    """A viral share with its log and claims, and a buyer who has a few scans of her own."""
    from django.db import connection

    from accounts.models import Account
    from tests.conftest import make_account
    from tests.sharing.programs import give, share
    from tests.shop import offer

    print(f"filling {log.rows:,} scans …", flush=True)
    viral = share(make_account(), _given(give, offer(make_account(side="seller"))))
    values: dict[str, Any] = {"now": NOW, "share": viral.pk, "item": viral.item_id, "rows": log.rows}
    with connection.cursor() as cursor:
        cursor.execute(_SCANS, values)
        add_customers(log.rows // 20, NOW)
        cursor.execute(_CLAIMS, values | {"customers": log.rows // 20})
        cursor.execute(_WON)
    buyer = Account.objects.create(username="buyer", name="Buyer", kind="personal", side="buyer")
    for days in range(OWN_SCANS):
        scanned(viral, buyer, NOW - timedelta(days=days + 1))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def _given(give: Callable[..., Any], item: Any) -> Any:
    give(item, now=NOW - timedelta(days=40))
    return item


def scanned(share: Any, account: Any, at: datetime) -> None:
    """Somebody scans a share and is logged in."""
    from sharing.services.claiming import claim_scan
    from sharing.services.scanning import record_scan
    from sharing.tokens import write_token

    kept = record_scan(share_id=share.pk, agent="Phone", address="192.0.2.1", signals=(), now=at)
    assert kept is not None
    claim_scan(token=write_token(kept.ticket), account=account, login=account, now=at)


def match_some(log: Log, number: int = ORDERS) -> None:
    from accounts.models import Account

    buyer = Account.objects.get(username="buyer")
    for _ in range(number):
        began = time.perf_counter()
        match_one(buyer)
        log.seconds.append(time.perf_counter() - began)


def match_one(buyer: Any) -> None:
    """An order of the item, matched and written, and then not placed."""
    from django.db import transaction

    from accounts.actor import Actor
    from sharing.matching import SaleLine
    from sharing.models import Share
    from sharing.services import PlacedLine, match_order, record_matches

    share = Share.objects.select_related("item").get()
    line = SaleLine(
        item_id=share.item_id,
        seller_id=share.item.seller_id,
        quantity=1,
        amount_minor=1000,
        fee_minor=50,
        currency="GBP",
    )
    with transaction.atomic():
        matches = match_order(lines=[line], actor=Actor.own(buyer), now=NOW)
        placed = [PlacedLine("ord_1", FIRST_LINE)]
        record_matches(matches=matches, order="ord_1", lines=placed, buyer_id=buyer.pk, now=NOW)
        assert matches.lines[0].winner is not None, "Nobody has brought the order."
        transaction.set_rollback(True)


def report(small: Log, large: Log) -> Report:
    result = Report(
        "matching", f"An order of a buyer with {OWN_SCANS} scans of her own, of an item that everybody shares."
    )
    slow, fast = median(large.seconds), median(small.seconds)
    result.add(f"matching one order, {large.rows:,} scans in the log", f"{slow * 1000:.2f} ms")
    result.at_most(f"times what it takes with {small.rows:,}", slow / fast, SLOWER_MAX)
    own, whole = explained()
    result.at_most("statements of sharing's for it", own, 2, "{:.0f}")
    result.add("large tables read from end to end", ", ".join(whole) or "none", "none", not whole)
    return result


def explained() -> tuple[int, list[str]]:
    """How many statements sharing sends for an order, and which large tables they read from end to end."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from accounts.models import Account

    buyer = Account.objects.get(username="buyer")
    with CaptureQueriesContext(connection) as seen:
        match_one(buyer)
    own = [query["sql"] for query in seen.captured_queries if any(name in query["sql"] for name in OF_MATCHING)]
    whole = []
    with connection.cursor() as cursor:
        for sql in own:
            cursor.execute(f"EXPLAIN (FORMAT TEXT) {sql}")
            lines = [line for (line,) in cursor.fetchall() if "Seq Scan on" in line]
            whole += [name for name in LARGE_TABLES if any(f" {name} " in f"{line} " for line in lines)]
    return len(own), whole


if __name__ == "__main__":
    sys.exit(main())
