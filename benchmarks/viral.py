"""
A viral item replayed through the services, batch by batch, with the same result in any order of delivery.

`python -m benchmarks viral` has people share a few items, the first most of all, and others scan the shares: few of
them most of the time, phones and machines, some again within the hour. Each batch of shares, of timed scans and of
payments is delivered in several orders, looked at and undone, and then kept in the last of these: what is in the log,
who has which share, and who has how much of which order must be the same in all. Some scans end in an order that names
their tokens. At the end the counted days are compared with a recount of the log.

`SHARES=2500`, `SCANS=5600` and `ORDERS=560` unless said otherwise; the long run has `SHARES=250000 SCANS=560000
ORDERS=56000`. Where it runs beside other work, `NOTE` says so in the report.
"""

import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.harness.customers import add_customers
from benchmarks.harness.report import Report, median
from benchmarks.harness.scratch import scratch_database, set_up

SHARES = int(os.environ.get("SHARES", "2500"))
SCANS = int(os.environ.get("SCANS", "5600"))
ORDERS = int(os.environ.get("ORDERS", "560"))
NOTE = os.environ.get("NOTE", "")
BATCH = 1000  # shares or scans
PAYMENTS = 500  # in a batch
OTHER_ORDERS = 3  # of delivery, beside the one that is kept
ITEMS, SHARES_OF_EACH = 20, 4
AGAIN_IN_100, RECENT = 15, 50  # scans by whoever was among the last ones, of the same share
MACHINES_IN_100, AHEAD_IN_100 = 6, 6
VIRAL = 6  # the power of chance: the first share has an eighth of all scans, and half of them fall on some thousands
ROUNDS, ALONE = 5, 500  # scans recorded one by one and at once, in turns
FASTER_MIN = 3.0
SEED = 7
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LASTS = timedelta(days=20)
PHONES = [f"Mozilla/5.0 (Linux; Android 14; Phone {n}) AppleWebKit/537.36 Mobile Safari/537.36" for n in range(40)]
MACHINES = ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "WhatsApp/2.23.20.0")

_SHARES_DIGEST = """
SELECT md5(string_agg(concat_ws(' ', sharer_id, program_id, activity_url, store_id, made_at), '|' ORDER BY id))
FROM sharing_share WHERE id = ANY(%s)
"""
_SCANS_DIGEST = """
SELECT md5(string_agg(
    (scanned_at, share_id, scan_class, classifier, visitor, is_repeat, agent, signals)::text, '|' ORDER BY id
)) FROM sharing_scan WHERE id = ANY(%s)
"""
_UNEQUAL_DAYS = """
SELECT count(*) FROM sharing_scanday counted FULL JOIN (
    SELECT share_id, (scanned_at AT TIME ZONE 'UTC')::date AS day,
        count(*) FILTER (WHERE scan_class = 'human') AS human, count(*) FILTER (WHERE scan_class = 'bot') AS bot,
        count(*) FILTER (WHERE scan_class = 'preview') AS preview,
        count(*) FILTER (WHERE scan_class = 'self') AS by_sharer,
        count(*) FILTER (WHERE scan_class = 'human' AND NOT is_repeat) AS visitors
    FROM sharing_scan GROUP BY 1, 2
) log USING (share_id, day)
WHERE (counted.human, counted.bot, counted.preview, counted.by_sharer, counted.visitors)
    IS DISTINCT FROM (log.human, log.bot, log.preview, log.by_sharer, log.visitors)
"""


@dataclass
class Delivered:
    """What became of batches: how long those that were kept took, and which came to something else in another order."""

    seconds: float = 0.0
    batches: int = 0
    differ: int = 0
    kept: list[Any] = field(default_factory=list)

    def deliver(
        self, batch: Sequence[Any], chance: random.Random, *, by: Callable[[Any], Any], found: Callable[[Any], Any]
    ) -> list[Any]:
        """Deliver a batch in several orders, and keep the last; return what `by` says of it, and what was in it."""
        from django.db import transaction

        results = []
        for last in (*[False] * OTHER_ORDERS, True):
            shuffled = chance.sample(batch, len(batch)) if results else list(batch)
            with transaction.atomic():
                began = time.perf_counter()
                said = by(shuffled)
                if last:
                    self.seconds += time.perf_counter() - began
                results.append(found(said))
                transaction.set_rollback(not last)
        self.batches += 1
        self.differ += any(result != results[0] for result in results)
        return list(zip(shuffled, said, strict=True))

    def report_to(self, report: Report) -> None:
        same = not self.differ
        orders = f"… {self.batches:,} batches, each in {OTHER_ORDERS + 1} orders of delivery"
        report.add(orders, "the same" if same else f"{self.differ} differ", "the same", same)


@dataclass(frozen=True, slots=True)
class Visit:
    """A look at a share, and by whom; nobody where it was a machine's or only fetched."""

    look: Any
    share: Any
    person: Any | None


def main() -> int:
    set_up()
    about = (
        f"{SHARES:,} shares of {ITEMS} items, {SCANS:,} timed scans of them within {LASTS.days} days, and {ORDERS:,} "
        f"orders that name scans by people; one process, in batches of {BATCH:,}. {NOTE}"
    ).strip()
    report = Report("viral", about)
    chance = random.Random(SEED)
    with scratch_database("bench_viral"):
        shares = make_all_shares(report, chance)
        orders = scan_and_order(report, shares, chance)
        count(report)
        hear_payments(report, orders, chance)
        compare_with_one_by_one(report, shares, chance)
        return report.finish()


def batches(things: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for first in range(0, len(things), size):
        yield things[first : first + size]


def viral(things: Sequence[Any], chance: random.Random) -> Any:
    """Few have most of it."""
    return things[int(len(things) * chance.random() ** VIRAL)]


def digest(statement: str, keys: Sequence[int]) -> Any:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, [list(keys)])
        return cursor.fetchone()


# --- Shares ---------------------------------------------------------------------------------------


def make_all_shares(report: Report, chance: random.Random) -> list[Any]:
    from accounts.actor import Actor
    from accounts.models import Account
    from core.money import Money
    from sharing.services import WantedShare, make_shares
    from tests.conftest import make_account
    from tests.sharing.programs import give
    from tests.shop import offer

    add_customers(SHARES // SHARES_OF_EACH, NOW)
    seller = make_account(side="seller")
    items = [offer(seller) for _ in range(ITEMS)]
    for item in items:
        give(item, now=NOW - timedelta(days=40), lock_days=30, budget=Money(max(SCANS // 50, 1000), "GBP"))
    people = list(Account.objects.filter(username__startswith="customer-").order_by("id"))
    wanted = [
        WantedShare(item=item.public_id, actor=Actor.own(person))
        for person in people
        for item in some_of(items, chance)
    ]
    made, shares = Delivered(), []
    for batch in batches(wanted, BATCH):
        delivered = made.deliver(
            batch,
            chance,
            by=lambda some: make_shares(wanted=some, now=NOW),
            found=lambda shares: digest(_SHARES_DIGEST, [share.pk for share in shares]),
        )
        shares += [share for _wanted, share in delivered]
    report.add(f"{len(shares):,} shares made", f"{len(shares) / made.seconds:,.0f}/s")
    made.report_to(report)
    shares.sort(key=lambda share: share.pk)
    chance.shuffle(shares)
    return shares


def some_of(items: Sequence[Any], chance: random.Random) -> list[Any]:
    """What one person shares: so many different items, the first ones most of all."""
    chosen: dict[Any, None] = {}
    while len(chosen) < SHARES_OF_EACH:
        chosen.setdefault(viral(items, chance))
    return list(chosen)


# --- Scans, and orders that name them -------------------------------------------------------------


def scan_and_order(report: Report, shares: Sequence[Any], chance: random.Random) -> list[Any]:
    from django.db import transaction

    from sharing.services import record_scans

    recorded, orders, ordering_seconds, visitors = Delivered(), [], 0.0, 0
    for number, batch in enumerate(batches(list(visits(shares, chance)), BATCH), 1):
        delivered = recorded.deliver(
            batch,
            chance,
            by=lambda some: record_scans(looks=[visit.look for visit in some]),
            found=lambda kept: digest(_SCANS_DIGEST, [scan.ticket.scan_id for scan in kept]),
        )
        visitors += sum(visit.person is not None for visit, _scan in delivered)
        by_people = [(visit, scan) for visit, scan in delivered if visit.person is not None]
        by_people.sort(key=lambda one: (one[1].ticket.scanned_at, one[1].ticket.scan_id))
        due = min(number * BATCH, SCANS) * ORDERS // SCANS - len(orders)
        ordering = sorted(chance.sample(range(len(by_people)), due))
        began = time.perf_counter()
        with transaction.atomic():
            orders += [ordered(*by_people[place]) for place in ordering]
        ordering_seconds += time.perf_counter() - began
        if number % 50 == 0:
            print(f"{number * BATCH:,} scans", file=sys.stderr, flush=True)
    report.add(f"{SCANS:,} scans recorded, {visitors:,} of them by people", f"{SCANS / recorded.seconds:,.0f}/s")
    recorded.report_to(report)
    report.add(f"{len(orders):,} orders matched by their tokens", f"{len(orders) / ordering_seconds:,.0f}/s")
    return orders


def visits(shares: Sequence[Any], chance: random.Random) -> Iterator[Visit]:
    """In the order of their times; people come again, to what they have just looked at."""
    from sharing.services import Look

    people = sorted({share.sharer for share in shares}, key=lambda person: person.pk)
    recent: list[tuple[Any, int]] = []
    at = NOW
    for _ in range(SCANS):
        at += chance.random() * 2 * LASTS / SCANS
        if recent and chance.randrange(100) < AGAIN_IN_100:
            share, who = chance.choice(recent)
        else:
            share, who = viral(shares, chance), chance.randrange(len(people))
        kind = chance.randrange(100)
        is_machine, is_ahead = kind < MACHINES_IN_100, MACHINES_IN_100 <= kind < MACHINES_IN_100 + AHEAD_IN_100
        look = Look(
            share_id=share.pk,
            agent=chance.choice(MACHINES) if is_machine else PHONES[who % len(PHONES)],
            address=f"10.{who >> 16 & 255}.{who >> 8 & 255}.{who & 255}",
            signals=("prefetch",) if is_ahead else (),
            at=at,
        )
        recent = [*recent[-RECENT:], (share, who)]
        yield Visit(look, share, None if is_machine or is_ahead else people[who])


def ordered(visit: Visit, scan: Any) -> Any:
    """An order five minutes after a scan, as its room would place it and have it paid, as far as sharing sees it."""
    from accounts.actor import Actor
    from core.money import Money
    from sharing.matching import SaleLine
    from sharing.services import PaidOrder, PlacedLine, match_order, record_matches
    from sharing.tokens import write_token
    from wallets.services import record_earning

    share, buyer, at = visit.share, visit.person, scan.ticket.scanned_at + timedelta(minutes=5)
    number = scan.ticket.scan_id
    order, seller = f"ord_{number:026}", share.item.seller
    line = SaleLine(
        item_id=share.item_id, seller_id=seller.pk, quantity=1, amount_minor=1000, fee_minor=50, currency="GBP"
    )
    matches = match_order(lines=[line], tokens=[write_token(scan.ticket)], actor=Actor.own(buyer), now=at)
    placed = [PlacedLine(order, number)]
    record_matches(matches=matches, order=order, lines=placed, buyer_id=buyer.pk, now=at)
    own = Money(line.net_minor, "GBP")
    record_earning(order=order, owner=seller, role="seller", original=own, earned_at=at, why="The sale.")
    return PaidOrder(order=order, channel="online", institution="", at=at)


def count(report: Report) -> None:
    from django.db import connection

    from sharing.services import count_scans

    began = time.perf_counter()
    counted = count_scans()
    report.add(f"{counted:,} scans counted by share and day", f"{time.perf_counter() - began:.1f} s")
    with connection.cursor() as cursor:
        cursor.execute(_UNEQUAL_DAYS)
        (unequal,) = cursor.fetchone()
        cursor.execute("SELECT count(*), sum(human), sum(bot), sum(preview), sum(visitors) FROM sharing_scanday")
        days, human, bot, preview, visitors = cursor.fetchone()
    report.add("days that differ from a recount of the log", str(unequal), "0", unequal == 0)
    said = f"{human:,} human by {visitors:,} visitors, {bot:,} of bots, {preview:,} previews"
    report.add(f"what {days:,} days say", said)


# --- Payments -------------------------------------------------------------------------------------


def hear_payments(report: Report, orders: Sequence[Any], chance: random.Random) -> None:
    """Charge what was brought, batch by batch, each in several orders; the budgets go on from batch to batch."""
    from django.db import connection

    from sharing.services import charge_orders

    charged = Delivered()
    for batch in batches(orders, PAYMENTS):
        charged.deliver(
            batch,
            chance,
            by=lambda some: [charge_orders(paid=some, now=NOW + LASTS)] * len(some),
            found=lambda _said, batch=batch: everybodys([order.order for order in batch]),
        )
    report.add(f"{len(orders):,} payments heard", f"{len(orders) / charged.seconds:,.0f}/s")
    charged.report_to(report)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE charged_minor < promised_minor), sum(charged_minor)"
            " FROM sharing_wonline"
        )
        lines, short, minor = cursor.fetchone()
    report.add("lines that somebody brought, and those with too little left of the budget", f"{lines:,}, {short:,}")
    report.add("charged in all", f"{minor / 100:,.2f} GBP")


def everybodys(orders: Sequence[str]) -> list[Any]:
    """What came of these orders for everybody, and what is left of the budgets."""
    from sharing.models import ShareBudget, WonLine
    from wallets.models import Earning

    lines = WonLine.objects.filter(order__in=orders).order_by("line")
    earnings = Earning.objects.filter(order__in=orders).order_by("order", "role", "owner", "part")
    return [
        *lines.values_list("line", "sharer_id", "state", "charged_minor", "credited_minor", "held_at"),
        *earnings.values_list("order", "role", "owner_id", "original_minor", "reversed_minor", "status"),
        *ShareBudget.objects.order_by("item").values_list("item_id", "spent_minor"),
    ]


# --- Beside the services for one ------------------------------------------------------------------


def compare_with_one_by_one(report: Report, shares: Sequence[Any], chance: random.Random) -> None:
    from django.db import transaction

    from sharing.services import record_scan, record_scans

    alone, together = [], []
    looks = [visit.look for visit in visits(shares, chance)][: ROUNDS * ALONE]
    for batch in batches(looks, ALONE):
        with transaction.atomic():  # No scan waits for the disk: what is compared is the work.
            began = time.perf_counter()
            for look in batch:
                said = {"agent": look.agent, "address": look.address, "signals": look.signals}
                record_scan(share_id=look.share_id, **said, now=look.at)
            alone.append(time.perf_counter() - began)
            transaction.set_rollback(True)
        with transaction.atomic():
            began = time.perf_counter()
            record_scans(looks=batch)
            together.append(time.perf_counter() - began)
            transaction.set_rollback(True)
    report.add(f"{ALONE} scans one by one, in one transaction", f"{ALONE / median(alone):,.0f}/s")
    ratio = median([one / many for one, many in zip(alone, together, strict=True)])
    report.at_least("… at once, times as fast", ratio, FASTER_MIN, "{:.1f}")


if __name__ == "__main__":
    sys.exit(main())
