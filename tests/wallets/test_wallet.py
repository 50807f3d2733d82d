"""GET /wallet, the statement and the list of earnings, as their owner sees them."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.actor import Actor
from accounts.models import Account
from core import clock
from core.money import Money
from events.models import Delivery
from ledger.models import LedgerAccount, Movement, Transfer
from ledger.statements import statement_page
from tests.money_facts import AT, book, top_up
from tests.wallets.shop import HOLD_PERIOD, fill, release_due, sell
from wallets import services
from wallets.models import UnbookedChange
from wallets.services import purge_booked_changes


def wallet(owner: Account, api: Callable[..., Any]) -> dict[str, dict[str, Any]]:
    answer = api(owner).get("/wallet")
    assert answer.status_code == 200, answer.content
    return {balance.pop("currency"): balance for balance in answer.json()["balances"]}


@pytest.mark.django_db
class TestWallet:
    """Six figures for each currency, all of one moment."""

    def test_a_new_account_has_no_balances(self, buyer: Account, api: Callable[..., Any]) -> None:
        assert wallet(buyer, api) == {}

    def test_each_figure_says_what_it_means(self, buyer: Account, seller: Account, api: Callable[..., Any]) -> None:
        fill(buyer, 1000)
        book()
        sell(seller, buyer, 300, fee=10)
        fill(buyer, 50)
        fill(buyer, 7, "JPY")

        assert wallet(buyer, api) == {
            "GBP": {"posted": 1000, "held": 300, "available": 700, "pending": 0, "debt": 0, "not_yet_booked": 50},
            "JPY": {"posted": 0, "held": 0, "available": 0, "pending": 0, "debt": 0, "not_yet_booked": 7},
        }
        assert wallet(seller, api)["GBP"]["pending"] == 290

    def test_a_refund_is_not_yet_booked_for_the_payer(
        self, rich_buyer: Account, seller: Account, api: Callable[..., Any]
    ) -> None:
        sale = sell(seller, rich_buyer, 300)
        book()
        sale.refund(100)

        assert wallet(rich_buyer, api)["GBP"]["not_yet_booked"] == 100
        book()
        assert wallet(rich_buyer, api)["GBP"]["not_yet_booked"] == 0

    def test_what_is_parked_still_counts(self, buyer: Account, api: Callable[..., Any]) -> None:
        fill(buyer, 100)
        Delivery.objects.update(parked_at=datetime.now(UTC))

        assert wallet(buyer, api)["GBP"]["not_yet_booked"] == 100

    def test_notes_of_booked_changes_do_not_count_and_are_purged(self, buyer: Account, api: Callable[..., Any]) -> None:
        fill(buyer, 100)
        book()
        fill(buyer, 11)
        assert UnbookedChange.objects.count() == 2
        assert wallet(buyer, api)["GBP"]["not_yet_booked"] == 11

        assert purge_booked_changes() == 1

        assert wallet(buyer, api)["GBP"]["not_yet_booked"] == 11
        assert purge_booked_changes() == 0

    def test_it_takes_one_statement_besides_the_log_in(
        self, rich_buyer: Account, seller: Account, api: Callable[..., Any], statements: Callable[[], Any]
    ) -> None:
        for _ in range(5):
            sell(seller, rich_buyer, 100).complete()
        fill(seller, 1, "EUR")
        caller = api(seller)
        with statements() as seen:
            caller.get("/wallet")

        assert len(seen) <= 2, str(seen)

    def test_it_needs_a_log_in(self, db: None, api: Callable[..., Any]) -> None:
        for path in ("/wallet", "/wallet/statement", "/earnings"):
            assert api().get(path).status_code == 401


@pytest.mark.django_db
class TestStatement:
    """Every booked transfer once, newest booking first, each with the balance after it."""

    def busy(self, owner: Account, seller: Account) -> None:
        """Several batches, with several transfers in each, in two currencies."""
        for round_ in range(1, 6):
            fill(owner, 1000 * round_)
            fill(owner, 10 * round_, "EUR")
            book()
            for minor in (100, 200, 300):
                sell(seller, owner, minor, fee=7)
            top_up(owner.public_id, 5)
            book()

    def pages(self, caller: Any, **query: Any) -> Iterator[dict[str, Any]]:
        cursor: str | None = ""
        while cursor is not None:
            answer = caller.get("/wallet/statement", {**query, **({"cursor": cursor} if cursor else {})})
            assert answer.status_code == 200, answer.content
            yield from answer.json()["results"]
            cursor = answer.json()["next"]

    def test_balances_follow_from_amounts_line_by_line(
        self, buyer: Account, seller: Account, api: Callable[..., Any]
    ) -> None:
        self.busy(buyer, seller)

        rows = list(self.pages(api(buyer)))

        for currency in ("GBP", "EUR"):
            balance = 0
            for row in reversed([row for row in rows if row["currency"] == currency]):
                balance += row["amount"]
                assert row["balance_after"] == balance
            account = LedgerAccount.objects.get(code=f"wallet:{buyer.public_id}", currency=currency)
            assert balance == account.balance_minor
        assert len({row["transfer"] for row in rows}) == len(rows) == 5 * (2 + 6 + 1)
        assert [row["booked_at"] for row in rows] == sorted((row["booked_at"] for row in rows), reverse=True)

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 200])
    def test_pages_of_any_size_say_the_same(
        self, buyer: Account, seller: Account, api: Callable[..., Any], limit: int
    ) -> None:
        self.busy(buyer, seller)
        caller = api(buyer)

        assert list(self.pages(caller, limit=limit)) == list(self.pages(caller))

    def test_csv_says_the_same(self, buyer: Account, seller: Account, api: Callable[..., Any], settings: Any) -> None:
        settings.PAGE_SIZE_MAX = 4
        self.busy(buyer, seller)

        answer = api(buyer).get("/wallet/statement", accept="text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))

        expected = list(self.pages(api(buyer)))
        assert [row["transfer"] for row in rows] == [row["transfer"] for row in expected]
        assert [int(row["balance_after"]) for row in rows] == [row["balance_after"] for row in expected]
        assert list(rows[0]) == list(expected[0])

    def test_a_row_names_its_event_and_subject(self, buyer: Account, seller: Account, api: Callable[..., Any]) -> None:
        filled = fill(buyer, 1000)
        book()
        sale = sell(seller, buyer, 300)
        book()

        paid, topped_up = self.pages(api(buyer))

        assert (paid["event_type"], paid["subject"], paid["amount"]) == ("order.paid", sale.order, -300)
        assert (topped_up["event_type"], topped_up["subject"]) == ("wallet.topped_up", filled.public_id)
        assert datetime.fromisoformat(paid["effective_at"]) == AT

    def test_since_and_until_cut_by_booking_time(
        self, buyer: Account, seller: Account, api: Callable[..., Any]
    ) -> None:
        self.busy(buyer, seller)
        caller = api(buyer)
        rows = list(self.pages(caller))
        middle = rows[len(rows) // 2]["booked_at"]

        newer, older = list(self.pages(caller, since=middle)), list(self.pages(caller, until=middle))

        assert newer + older == rows
        assert newer
        assert older

    @pytest.mark.parametrize(
        "query", [{"since": "yesterday"}, {"until": "2026"}, {"cursor": "x"}, {"cursor": "W10"}, {"limit": "0"}]
    )
    def test_bad_queries_are_refused(self, buyer: Account, api: Callable[..., Any], query: dict[str, str]) -> None:
        assert api(buyer).get("/wallet/statement", query).status_code == 422

    def test_a_cursor_serves_its_owner_only(self, buyer: Account, seller: Account, api: Callable[..., Any]) -> None:
        self.busy(buyer, seller)
        cursor = api(buyer).get("/wallet/statement", {"limit": 1}).json()["next"]

        assert api(seller).get("/wallet/statement", {"cursor": cursor}).status_code == 422

    def test_a_page_reads_few_rows_of_a_hot_account(self, buyer: Account) -> None:
        """10,000 transfers of one batch: a page in their midst reads about a page."""
        hot_account(buyer, transfers=10_000, batches=3)
        codes = [f"wallet:{buyer.public_id}"]
        first = statement_page(codes=codes, limit=50)
        place = first[-1].place

        plan = explained(lambda: statement_page(codes=codes, limit=50, after=place))

        assert max(rows_read(plan)) <= 200, plan
        second = statement_page(codes=codes, limit=50, after=place)
        assert second[0].transfer_id == first[-1].transfer_id - 256
        assert second[0].balance_after_minor == first[-1].balance_after_minor - first[-1].amount_minor


def hot_account(owner: Account, *, transfers: int, batches: int) -> None:
    """Write a ledger account that was credited 1 in each of many transfers, straight into the tables."""
    desk = LedgerAccount.objects.create(code="clearing:hot", currency="GBP")
    hot = LedgerAccount.objects.create(code=f"wallet:{owner.public_id}", currency="GBP")
    with connection.cursor() as cursor:
        for batch in range(1, batches + 1):
            parameters = {"batch": batch, "n": transfers, "desk": desk.id, "hot": hot.id, "after": batch * transfers}
            cursor.execute(
                """
                INSERT INTO ledger_journal (event_id, batch_id, rule_set_id, rule, effective_at)
                SELECT 1000000 * %(batch)s + n, %(batch)s, 1, 'default', now() FROM generate_series(1, %(n)s) n;
                INSERT INTO ledger_transfer (id, batch_id, debit_id, credit_id, amount_minor, currency)
                SELECT (1000000 * %(batch)s + n)::bigint << 8, %(batch)s, %(desk)s, %(hot)s, 1, 'GBP'
                FROM generate_series(1, %(n)s) n;
                INSERT INTO ledger_movementlegs (batch_id, account_id, transfer_ids)
                SELECT %(batch)s, %(hot)s, array_agg((1000000 * %(batch)s + n)::bigint << 8 ORDER BY n)
                FROM generate_series(1, %(n)s) n;
                INSERT INTO ledger_movement (account_id, batch_id, debits_minor, credits_minor, debits_after_minor,
                                             credits_after_minor, effective_min, effective_max, booked_at,
                                             effective_latest_after, late)
                VALUES (%(hot)s, %(batch)s, 0, %(n)s, 0, %(after)s, now(), now(), clock_timestamp(), now(), false)
                """,
                parameters,
            )
        cursor.execute("ANALYZE ledger_journal; ANALYZE ledger_transfer; ANALYZE ledger_movement")
    assert Transfer.objects.count() == transfers * batches
    assert Movement.objects.count() == batches


def explained(read: Callable[[], object]) -> list[str]:
    """Return PostgreSQL's plan, with real row counts, of the statement that `read` makes."""
    lines: list[str] = []

    def explain(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().startswith("WITH newest"):
            with connection.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) {sql}", parameters)
                lines.extend(row[0] for row in cursor.fetchall())
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(explain):
        read()
    return lines


def rows_read(plan: list[str]) -> list[int]:
    counted = [line.split("actual rows=")[1].split() for line in plan if "actual rows=" in line]
    return [int(float(rows)) * int(loops.split("=")[1].rstrip(")")) for rows, loops in counted]


@pytest.mark.django_db
class TestEarnings:
    """GET /earnings: own parts of sales."""

    def test_lists_own_parts_newest_first(self, rich_buyer: Account, seller: Account, api: Callable[..., Any]) -> None:
        first, second = sell(seller, rich_buyer, 300, fee=10), sell(seller, rich_buyer, 500)
        first.complete()
        release_due()
        second.refund(100)

        newer, older = api(seller).get("/earnings").json()["results"]

        assert older == {
            "order": first.order,
            "role": "seller",
            "original": 290,
            "amount": 290,
            "currency": "GBP",
            "status": "released",
            "releases_at": older["releases_at"],
            "why": "Price less the platform's fee.",
        }
        assert datetime.fromisoformat(older["releases_at"]) == AT + HOLD_PERIOD
        assert (newer["order"], newer["original"], newer["amount"]) == (second.order, 500, 400)
        assert (newer["status"], newer["releases_at"]) == ("pending", None)
        assert api(rich_buyer).get("/earnings").json()["results"] == []

    def test_by_status(self, rich_buyer: Account, seller: Account, api: Callable[..., Any]) -> None:
        released, pending = sell(seller, rich_buyer, 300), sell(seller, rich_buyer, 500)
        released.complete()
        release_due()

        by_status = {
            status: [row["order"] for row in api(seller).get("/earnings", {"status": status}).json()["results"]]
            for status in ("pending", "released", "reversed")
        }

        assert by_status == {"pending": [pending.order], "released": [released.order], "reversed": []}
        assert api(seller).get("/earnings", {"status": "lost"}).status_code == 422

    def test_as_csv(self, rich_buyer: Account, seller: Account, api: Callable[..., Any]) -> None:
        sale = sell(seller, rich_buyer, 300)

        answer = api(seller).get("/earnings", accept="text/csv")
        (row,) = csv.DictReader(io.StringIO(answer.getvalue().decode()))

        assert (row["order"], row["amount"], row["releases_at"]) == (sale.order, "300", "")


@pytest.mark.django_db
class TestTimedRelease:
    """The house's clock releases what is due."""

    def test_advancing_the_clock_releases_at_the_due_time(self, rich_buyer: Account, seller: Account) -> None:
        sell(seller, rich_buyer, 300).complete(at=clock.now())

        clock.advance(int(HOLD_PERIOD.total_seconds()) + 1)

        assert services.release_due_earnings(clock.now() + timedelta(days=1)) == 0
        book()
        answer = services.request_withdrawal(
            owner=seller, amount=Money(300, "GBP"), provider="local", actor=Actor.own(seller), now=clock.now()
        )
        assert answer.status == "in_progress"
