"""What came of shares: the log's own numbers at any moment, for those whom they concern."""

import csv
import io
import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.actor import Actor
from accounts.models import Account
from core import clock
from core.clock import run_due
from core.partitions import keep_months
from sharing.models import Scan, ScanDay, ScanMark, Share
from sharing.reports import SHARE, report_rows
from sharing.services import reject_share
from sharing.services.claiming import claim_scans
from sharing.services.counting import count_scans
from sharing.services.scanning import record_scan
from sharing.tokens import write_token
from tests.conftest import Statements
from tests.proofs.world import book
from tests.sharing.money import complete, order, refund, sold, won
from tests.sharing.scans import ADDRESS, PHONE, log_of, scan, share_of, token_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
MANY_SCANS = """
INSERT INTO sharing_scan (scanned_at, share_id, scan_class, classifier, is_repeat, agent, signals)
SELECT timestamptz '2026-03-02 12:00Z' + n * interval '1 day', share, 'human', 1, false, '', '{}'
FROM generate_series(1, 300) AS n, generate_series(%(share)s, %(share)s + 50) AS share
"""
CLASSES = ("human", "bot", "preview", "self")


@pytest.fixture
def share(buyer: Account, seller: Account) -> Share:
    return share_of(buyer, seller)


def recount(share: Share) -> dict[str, int]:
    """The log, scan by scan."""
    kept = log_of(share)
    found = Counter(one.scan_class for one in kept)
    visitors = sum(one.scan_class == "human" and not one.is_repeat for one in kept)
    return {**{name: found[name] for name in CLASSES}, "visitors": visitors}


def reported(share: Share) -> dict[str, int]:
    (row,) = report_rows(SHARE, share.pk)
    said = row.scans
    return {
        "human": said.human,
        "bot": said.bot,
        "preview": said.preview,
        "self": said.by_sharer,
        "visitors": said.visitors,
    }


class TestCounting:
    """Counted or not, corrected or not: a report says what the log says."""

    @pytest.mark.parametrize("seed", range(5))
    def test_equals_a_recount_of_the_log_after_any_history(
        self, share: Share, new_account: Callable[..., Account], seed: int
    ) -> None:
        chance, now, tokens = random.Random(seed), NOON, []
        customers = [share.sharer, new_account()]
        for _ in range(60):
            now += timedelta(minutes=chance.randrange(300))
            match chance.randrange(8):
                case 0:
                    count_scans()
                case 1 if tokens:
                    who = chance.choice(customers)
                    claim_scans(tokens=chance.sample(tokens, 1), account=who, login=who, now=now)
                case _:
                    agent = chance.choice([PHONE, PHONE, PHONE, GOOGLEBOT])
                    address = chance.choice([ADDRESS, "192.0.2.8"])
                    signals = chance.choice([(), (), ("head",)])
                    kept = scan(share, agent=agent, address=address, signals=signals, now=now)
                    tokens.append(write_token(kept.ticket))
            assert reported(share) == recount(share)

    def test_days_are_those_of_the_houses_clock(self, share: Share) -> None:
        for moment in (NOON, NOON + timedelta(hours=11, minutes=59), NOON + timedelta(hours=12)):
            scan(share, now=moment)
        count_scans()
        scan(share, now=NOON + timedelta(days=1))

        days = [(row.of, row.scans.human) for row in report_rows(SHARE, share.pk, by="day")]

        assert days == [("2026-03-02", 2), ("2026-03-03", 2)]
        assert [day.day for day in ScanDay.objects.order_by("day")] == [date(2026, 3, 2), date(2026, 3, 3)]

    def test_goes_in_steps_and_counts_nothing_twice(self, share: Share, settings: Any) -> None:
        settings.SCANS_COUNTED_AT_ONCE = 3
        for minutes in range(8):
            scan(share, now=NOON + timedelta(minutes=minutes))

        assert [count_scans(), count_scans()] == [8, 0]
        assert reported(share) == recount(share)

    def test_emptied_with_its_mark_it_is_counted_again(self, share: Share) -> None:
        for minutes in range(3):
            scan(share, now=NOON + timedelta(minutes=minutes))
        count_scans()
        ScanDay.objects.all().delete()
        ScanMark.objects.update(counted_to=datetime(1970, 1, 1, tzinfo=UTC))

        assert count_scans() == 3
        assert reported(share) == recount(share)

    def test_what_is_counted_outlives_the_log(self, share: Share) -> None:
        scan(share)
        count_scans()
        Scan.objects.filter(share=share).delete()

        assert reported(share)["human"] == 1

    def test_reads_what_is_counted_and_not_the_log(self, share: Share) -> None:
        """However many looked: the days by their key, and of the log what is behind the mark."""
        with connection.cursor() as cursor:
            cursor.execute(MANY_SCANS, {"share": share.pk})
            count_scans()
            cursor.execute("ANALYZE sharing_scan, sharing_scanday")
            with Statements(connection) as seen:
                counted = reported(share)
            looked = next(query["sql"] for query in seen if "sharing_scanday" in query["sql"])
            cursor.execute(f"EXPLAIN (ANALYZE, COSTS off, TIMING off, BUFFERS off) {looked}")
            plan = "\n".join(line for (line,) in cursor.fetchall())

        assert counted["human"] == 300
        assert re.search(
            r"Index (Only )?Scan using sharing_scanday_pkey|Bitmap Index Scan on sharing_scanday_pkey", plan
        ), plan
        assert not re.search(r"sharing_scan_\w+ .*actual rows=[1-9]", plan), plan

    def test_a_report_takes_three_statements_whatever_its_size(
        self, share: Share, statements: Callable[[], Statements]
    ) -> None:
        for minutes in range(5):
            scan(share, now=NOON + timedelta(minutes=minutes))

        with statements() as seen:
            report_rows(SHARE, share.pk, by="day")

        assert len(seen) == 3, str(seen)


@pytest.mark.usefixtures("committed_db")
class TestRaces:
    """Ids and times commit out of order, and none may be missed."""

    def test_a_scan_that_commits_late_is_counted(self, share: Share, race: Callable[..., list[Any]]) -> None:
        def slow() -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                scan(share)
                cursor.execute("SELECT pg_sleep(0.6)")

        def quick() -> int:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.2)")
            scan(share, address="192.0.2.9")
            return count_scans()

        counted = race(slow, quick)[1]

        assert counted == 0, "the slow one is older, and so nothing behind it may be counted yet"
        assert count_scans() == 2
        assert reported(share) == recount(share)

    def test_up_to_the_newest_that_is_there_one_would_be_missed(
        self, share: Share, race: Callable[..., list[Any]]
    ) -> None:
        """The control: a mark at the newest committed scan passes over the slow one."""

        def slow() -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                scan(share)
                cursor.execute("SELECT pg_sleep(0.6)")

        def quick() -> datetime:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.2)")
            scan(share, address="192.0.2.9")
            return log_of(share)[-1].recorded_at

        newest = race(slow, quick)[1]

        assert Scan.objects.filter(share=share, recorded_at__lt=newest).count() == 1

    def test_counting_claiming_and_scanning_at_once_lose_nothing(
        self, share: Share, race: Callable[..., list[Any]]
    ) -> None:
        tokens = [token_of(share, address=f"192.0.2.{number}") for number in range(40)]

        def count() -> None:
            for _ in range(20):
                count_scans()

        def claim() -> None:
            for token in tokens:
                claim_scans(tokens=[token], account=share.sharer, login=share.sharer, now=clock.now())

        def look() -> None:
            for number in range(40):
                scan(share, address=f"198.51.100.{number}")

        outcomes = race(count, claim, look, count)

        assert not [raised for raised in outcomes if isinstance(raised, Exception)]
        assert reported(share) == recount(share) == {"human": 40, "bot": 0, "preview": 0, "self": 40, "visitors": 40}
        count_scans()
        assert reported(share) == recount(share)

    def test_scans_go_on_while_months_are_made(self, share: Share, race: Callable[..., list[Any]]) -> None:
        beyond = timezone.now() + timedelta(days=200)
        later = {"share_id": share.pk, "agent": PHONE, "address": ADDRESS, "signals": []}

        def look() -> int:
            return sum(record_scan(**later, now=clock.now()) is not None for _ in range(30))

        def make() -> int:
            return keep_months("sharing_scan", key="recorded_at", now=beyond, months_kept=24)

        looked, made, looked_too = race(look, make, look)

        assert (looked, looked_too) == (30, 30)
        assert made > 0
        assert len(log_of(share)) == 60
        count_scans()
        assert reported(share) == recount(share)


class TestOverHTTP:
    """`GET /shares/{id}/report` and its like."""

    def test_says_what_the_contract_says(self, share: Share, api: Callable[..., Any]) -> None:
        scan(share)

        said = api(share.sharer).get(f"/shares/{share.public_id}/report").json()

        assert said == {
            "scans": {"human": 1, "bot": 0, "preview": 0, "self": 0},
            "visitors": 1,
            "orders": 0,
            "earned": {"pending": 0, "released": 0, "reversed": 0, "held": 0},
            "currency": "GBP",
        }

    def test_is_for_the_sharer_the_seller_and_operators(
        self,
        share: Share,
        seller: Account,
        operator: Account,
        new_account: Callable[..., Account],
        api: Callable[..., Any],
    ) -> None:
        paths = [f"/shares/{share.public_id}/report", f"/items/{share.item.public_id}/share-report"]
        paths.append(f"/share-report?account={share.sharer.public_id}")

        def seen_by(account: Account) -> list[int]:
            return [api(account).get(path).status_code for path in paths]

        assert seen_by(share.sharer) == [200, 404, 200]
        assert seen_by(seller) == [200, 200, 404]
        assert seen_by(operator) == [200, 200, 200]
        assert seen_by(new_account()) == [404, 404, 404]

    def test_an_items_report_adds_its_shares_up_and_names_their_sharers(
        self, share: Share, seller: Account, new_account: Callable[..., Account], api: Callable[..., Any]
    ) -> None:
        other = share_of(new_account(), seller, program=share.program)
        for shared in (share, other, other):
            scan(shared, address=f"192.0.2.{shared.pk % 200}")

        said = api(seller).get(f"/items/{share.item.public_id}/share-report", {"by": "sharer"}).json()

        assert (said["scans"]["human"], said["visitors"], said["earned"]) == (3, 2, [])
        assert [(row["of"], row["scans"]["human"]) for row in said["rows"]] == [
            (other.sharer.public_id, 2),
            (share.sharer.public_id, 1),
        ]

    def test_as_csv_it_has_a_row_for_each_day(self, share: Share, api: Callable[..., Any]) -> None:
        for days in range(3):
            scan(share, now=NOON + timedelta(days=days))

        answer = api(share.sharer).get(f"/shares/{share.public_id}/report", accept="text/csv")

        rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
        assert [(row["of"], row["human"], row["visitors"]) for row in rows] == [
            ("2026-03-02", "1", "1"),
            ("2026-03-03", "1", "1"),
            ("2026-03-04", "1", "1"),
        ]


class TestWhatWasEarned:
    """Paid orders, and where the sharer's part of them is: all states sum to what the seller was charged."""

    def test_moves_with_the_money(self, seller: Account, new_account: Callable[..., Account]) -> None:
        share = share_of(new_account(), seller)  # 5 % of 10.00 GBP
        order(new_account(), share.item)
        sales = [sold(share, quantity=quantity) for quantity in (1, 2, 4)]
        assert self.states(share) == (3, {"pending": 350, "released": 0, "reversed": 0, "held": 0})

        refund(sales[2], 2000)
        book()
        assert self.states(share) == (3, {"pending": 250, "released": 0, "reversed": 100, "held": 0})

        complete(sales[1])
        run_due(clock.now() + settings.EARNINGS_HOLD_PERIOD + timedelta(days=1))
        book()
        assert self.states(share) == (3, {"pending": 150, "released": 100, "reversed": 100, "held": 0})

    def test_what_is_held_and_given_back_is_said(
        self, seller: Account, new_account: Callable[..., Account], operator: Account, settings: Any
    ) -> None:
        settings.SHARE_ORDER_AFTER_SCAN_MIN = timedelta(seconds=3)  # A sale within a moment of its scan is held.
        share = share_of(new_account(), seller)
        sale = sold(share, quantity=2)
        assert self.states(share) == (1, {"pending": 0, "released": 0, "reversed": 0, "held": 100})
        refund(sale, 500)
        book()

        reject_share(line=won(sale).line, reason="Odd.", actor=Actor.own(operator), now=clock.now())

        assert self.states(share) == (1, {"pending": 0, "released": 0, "reversed": 100, "held": 0})

    def test_counts_an_order_of_several_lines_once_and_says_when_it_was_paid(
        self, seller: Account, new_account: Callable[..., Account], api: Callable[..., Any]
    ) -> None:
        share = share_of(new_account(), seller)
        now = clock.now()
        sold(share, quantity=2, now=now)

        said = api(seller).get(f"/items/{share.item.public_id}/share-report", {"by": "day"}).json()

        earned = {"pending": 100, "released": 0, "reversed": 0, "held": 0, "currency": "GBP"}
        assert (said["orders"], said["earned"]) == (1, [earned])
        (row,) = said["rows"]
        assert (row["of"], row["orders"], row["earned"]) == (now.date().isoformat(), 1, [earned])
        assert (row["scans"]["human"], row["visitors"]) == (1, 1)

    def states(self, share: Share) -> tuple[int, dict[str, int]]:
        (row,) = report_rows(SHARE, share.pk)
        (earned,) = row.earned
        return row.orders, {
            "pending": earned.pending_minor,
            "released": earned.released_minor,
            "reversed": earned.reversed_minor,
            "held": earned.held_minor,
        }
