"""The operators' first page: what each tile says is what the rows say, for whoever may see them, in few statements."""

import re
import time
from collections.abc import Callable
from datetime import UTC, timedelta
from html import unescape
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts.actor import Actor
from accounts.models import Account
from billing.admin import cockpit as billing_tiles
from core import clock, cockpit, heartbeats
from core.cockpit import Content, Look, Tile
from core.models import BookVerdict, Heartbeat
from distribution.vacancies import vacancies_by_level
from ledger.models import LedgerAccount
from ledger.rollups import roll_up_due
from ledger.seals import seal_due
from orders.models import SalesDay
from orders.services import refund_order
from tests.conftest import Statements, make_account
from tests.distribution import money as shared_out
from tests.money_facts import account_id, book, record, top_up
from tests.orders.counter.till import make_till, pay_code
from tests.sharing.money import sold
from tests.sharing.programs import give, share
from tests.shop import fund, offer, paid_order

Browser = Callable[[Account], Client]

pytestmark = pytest.mark.django_db

STATEMENTS_MAX = 15


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    cache.clear()


@pytest.fixture
def pages(operator: Account, browser: Browser) -> Client:
    return browser(operator)


@pytest.fixture
def clerk(new_account: Callable[..., Account], browser: Browser) -> Callable[..., Client]:
    """`clerk("ledger.view_batch")`: the browser of an operator with these rights and no others."""

    def open_browser(*permissions: str) -> Client:
        account = new_account(operator=True, is_superuser=False)
        for name in permissions:
            app_label, codename = name.split(".")
            account.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
        return browser(account)

    return open_browser


def words(answer: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def tile(pages: Client, name: str, **asked: Any) -> str:
    """What one tile says."""
    answer = pages.get(f"/admin/cockpit/{name}/", asked, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return words(answer)


def links(pages: Client, path: str) -> list[str]:
    text = pages.get(path, headers={"HX-Request": "true"}).content.decode()
    tiles = "".join(re.findall(r"<article.*?</article>", text, re.DOTALL))
    return sorted({unescape(link) for link in re.findall(r'(?<!-)href="(/admin/[^"]*)"', tiles)})


@pytest.fixture
def sale(buyer: Account, seller: Account) -> Any:
    """A sale of 10.00, of which 4.00 was given back."""
    order = paid_order(buyer, offer(seller), now=clock.now())
    refund_order(order=order.public_id, amount_minor=400, reason="Chipped.", actor=Actor.own(seller), now=clock.now())
    book()
    roll_up_due()
    return order


class TestThePage:
    def test_takes_few_statements_and_each_tile_that_comes_alone_few_more(
        self, pages: Client, sale: Any, statements: Callable[[], Statements]
    ) -> None:
        pages.get("/admin/")
        cache.clear()
        with statements() as seen:
            page = pages.get("/admin/")
        assert page.status_code == 200
        assert len(seen) <= STATEMENTS_MAX, str(seen)
        for name in re.findall(r'hx-get="/admin/cockpit/(\w+)/[^"]*" hx-trigger="load"', page.content.decode()):
            with statements() as seen:
                tile(pages, name)
            assert len(seen) <= 4, f"{name}\n{seen}"

    def test_the_number_of_statements_does_not_grow_with_the_rows(
        self, pages: Client, buyer: Account, new_account: Callable[..., Account], statements: Callable[[], Statements]
    ) -> None:
        def looked() -> int:
            cache.clear()
            with statements() as seen:
                pages.get("/admin/")
                tile(pages, "sellers")
                tile(pages, "money")
            return len(seen)

        before = looked()
        for _ in range(3):
            paid_order(buyer, offer(new_account(side="seller")))
            record("debt.repaid", owner=account_id(), amount_minor=5)
        book()
        roll_up_due()
        assert looked() == before

    def test_every_link_of_every_tile_leads_somewhere(self, pages: Client, sale: Any) -> None:
        record("debt.repaid", owner=account_id(), amount_minor=5)
        book()
        paths = ["/admin/", *(f"/admin/cockpit/{name}/" for name in cockpit._tiles)]
        found = {link for path in paths for link in links(pages, path)}
        assert len(found) > 20
        for link in sorted(found):
            assert pages.get(link).status_code == 200, link

    def test_an_empty_house_says_of_each_tile_what_is_missing(self, pages: Client) -> None:
        page = words(pages.get("/admin/"))
        for said in (
            "Nothing waits for a decision",
            "Everything has been heard",
            "Nothing was booked within the last hour",
            "Nothing is booked yet, so nothing is sealed",
            "Nobody has verified the books yet",
            "No till has traded today",
            "No store is placed in an area yet",
            "The guards hold nothing",
        ):
            assert said in page
        assert "No money has moved yet" in tile(pages, "money")
        assert "Nobody has sold anything in this time" in tile(pages, "sellers")

    def test_a_period_or_a_currency_that_is_none_is_the_usual(self, pages: Client, sale: Any) -> None:
        usual = tile(pages, "sellers")
        assert tile(pages, "sellers", days="x", currency="<b>") == usual
        assert tile(pages, "sellers", days="9999") == usual

    def test_a_tile_of_its_own_is_a_page_for_who_has_no_scripts(self, pages: Client, sale: Any) -> None:
        page = pages.get("/admin/cockpit/money/").content.decode()
        assert "<html" in page
        assert 'data-chart="chart-money"' in page


class TestWhoSeesWhat:
    def test_an_operator_without_rights_sees_no_tile_of_any_list(self, clerk: Callable[..., Client]) -> None:
        page = clerk().get("/admin/").content.decode()
        assert re.findall(r'id="tile-(\w+)"', page) == ["waiting"]

    def test_each_right_shows_the_tiles_of_its_list_alone(self, clerk: Callable[..., Client]) -> None:
        client = clerk("ledger.view_batch")
        page = client.get("/admin/").content.decode()
        assert set(re.findall(r'id="tile-(\w+)"', page)) == {"waiting", "booking", "seal"}
        assert client.get("/admin/cockpit/booking/").status_code == 200
        assert client.get("/admin/cockpit/money/").status_code == 404

    def test_what_waits_is_counted_for_who_may_see_the_list(self, clerk: Callable[..., Client]) -> None:
        record("debt.repaid", owner=account_id(), amount_minor=5)
        book()
        assert "Unposted events 1" in tile(clerk("billing.view_unpostedevent"), "waiting")
        assert "Unposted events" not in tile(clerk("ledger.view_batch"), "waiting")

    def test_strangers_are_sent_to_the_log_in(self, browser: Browser, buyer: Account) -> None:
        for client in (Client(), browser(buyer)):
            for path in ("/admin/", "/admin/cockpit/money/"):
                assert client.get(path).status_code == 302

    def test_there_is_no_tile_of_another_name(self, pages: Client) -> None:
        assert pages.get("/admin/cockpit/none/").status_code == 404


class TestSlowTiles:
    """One tile that takes long keeps the page from nobody."""

    @pytest.fixture
    def odd(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
        def add(read: Callable[[Look], Content]) -> None:
            made = Tile(name="odd", section="now", place=1, title="Odd", permission="", url=lambda: "", read=read)
            monkeypatch.setitem(cockpit._tiles, "odd", made)

        return add

    def test_a_slow_one_is_shown_and_asks_for_itself_the_next_time(
        self, pages: Client, odd: Callable[..., None], settings: Any
    ) -> None:
        settings.COCKPIT_TILE_SLOW_SECONDS = 0.05

        def dawdle(look: Look) -> Content:
            time.sleep(0.06)
            return Content(empty="I have been slow.")

        odd(dawdle)
        assert "I have been slow." in words(pages.get("/admin/"))
        again = pages.get("/admin/")
        assert "I have been slow." not in words(again)
        assert re.search(r'hx-get="/admin/cockpit/odd/[^"]*" hx-trigger="load"', again.content.decode())
        assert "I have been slow." in tile(pages, "odd")

    def test_one_that_does_not_answer_in_time_leaves_all_others_as_they_are(
        self, pages: Client, odd: Callable[..., None], settings: Any
    ) -> None:
        settings.COCKPIT_TILE_TIMEOUT_MS = 50

        def hang(look: Look) -> Content:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.2)")
            return Content(empty="I have slept.")

        odd(hang)
        page = words(pages.get("/admin/"))
        assert "I have slept." not in page
        assert "Everything has been heard" in page
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 30000")  # The test's transaction is around both pages.
        assert "I have slept." in tile(pages, "odd")

    def test_another_fault_is_not_hidden(self, pages: Client, odd: Callable[..., None]) -> None:
        def fail(look: Look) -> Content:
            raise ValueError("wrong")

        odd(fail)
        with pytest.raises(ValueError, match="wrong"):
            pages.get("/admin/")


class TestTheRoad:
    def test_says_what_waits_and_for_how_long(self, pages: Client) -> None:
        top_up(account_id(), 5)
        said = tile(pages, "queues")
        assert re.search(r"billing waits \d+\.\d s 1", said)

    def test_says_what_is_parked_and_leads_there(self, pages: Client) -> None:
        record("debt.repaid", owner=account_id(), amount_minor=5)
        book()
        assert re.search(r"billing: parked since \d+\.\d s 1", tile(pages, "queues"))
        assert "/admin/events/delivery/?consumer=billing&state=parked" in links(pages, "/admin/cockpit/queues/")

    def test_counts_no_further_than_people_tell_apart(self, pages: Client, settings: Any) -> None:
        settings.COCKPIT_COUNTED_MAX = 2
        for _ in range(4):
            top_up(account_id(), 5)
        assert "more than 2" in tile(pages, "queues")

    def test_says_how_long_booking_took(self, pages: Client) -> None:
        top_up(account_id(), 5)
        book()
        assert re.search(r"from event to booking.* Batches by hand 1 event 1 ", tile(pages, "booking"))

    def test_workers_that_look_are_seen_and_those_gone_are_missed(self, pages: Client, settings: Any) -> None:
        assert "Deliveries 0 workers never" in tile(pages, "workers")
        settings.HEARTBEAT_EVERY_SECONDS = 0
        heartbeats.looked("deliveries")
        assert re.search(r"Deliveries 1 worker \d\.\d s", tile(pages, "workers"))
        Heartbeat.objects.update(looked_at=F("looked_at") - timedelta(minutes=5))
        assert "Deliveries 0 workers 5 min" in tile(pages, "workers")

    def test_a_worker_says_so_only_now_and_then(self, statements: Callable[[], Statements]) -> None:
        heartbeats._said_at.clear()
        with statements() as seen:
            for _ in range(5):
                heartbeats.looked("deliveries")
        assert len(seen) == 1

    def test_processes_that_are_gone_are_forgotten(self, settings: Any) -> None:
        heartbeats._said_at.clear()
        heartbeats.looked("deliveries")
        heartbeats.forget_workers_gone()
        assert Heartbeat.objects.count() == 1
        Heartbeat.objects.update(looked_at=F("looked_at") - settings.HEARTBEAT_RETENTION)
        heartbeats.forget_workers_gone()
        assert not Heartbeat.objects.exists()


class TestTheBooks:
    def test_a_verification_is_kept_with_what_it_found(self, pages: Client, sale: Any) -> None:
        with pytest.raises(SystemExit):  # The wallets of these tests were filled without the road.
            call_command("verify_books", stdout=StringIO())
        verdict = BookVerdict.objects.get()
        assert verdict.findings_count > 0
        assert len(verdict.findings) <= 50
        assert verdict.checks_count > 10
        said = tile(pages, "verification")
        assert f"{verdict.findings_count} findings" in said
        assert verdict.findings[0]["detail"] in words(pages.get(f"/admin/core/bookverdict/{verdict.pk}/change/"))

    def test_a_look_at_a_part_is_kept_and_is_not_the_verdict(self, pages: Client) -> None:
        call_command("verify_books", "--only", "seals", stdout=StringIO())
        assert BookVerdict.objects.get().limited_to == "--only seals"
        assert "Nobody has verified the books yet" in tile(pages, "verification")

    def test_one_that_did_not_run_last_night_is_late(self, pages: Client) -> None:
        call_command("verify_books", stdout=StringIO())
        assert "Everything was worked out again" in tile(pages, "verification")
        BookVerdict.objects.update(ended_at=timezone.now() - timedelta(days=2))
        assert "Late: it should run every night" in tile(pages, "verification")

    def test_says_how_far_the_book_is_sealed(self, pages: Client, sale: Any) -> None:
        assert "batch is not sealed yet" in tile(pages, "seal")
        seal_due()
        assert "Batches behind it 0" in tile(pages, "seal")

    def test_a_book_whose_sides_differ_is_called_broken(self, pages: Client) -> None:
        top_up(account_id(), 500)
        book()
        assert "0 debits less credits" in tile(pages, "trial")
        LedgerAccount.objects.filter(code__startswith="wallet:").update(credits_minor=499)
        assert "0 debits less credits" in tile(pages, "trial")  # Kept for a while, and says when it was.
        cache.delete(billing_tiles.TRIAL)
        assert "broken debits less credits GBP 0.01" in tile(pages, "trial")


class TestTrade:
    def test_ranks_sellers_by_what_was_paid_less_what_was_given_back(
        self, pages: Client, sale: Any, buyer: Account, new_account: Callable[..., Account]
    ) -> None:
        better = new_account(side="seller", name="Better Teas")
        paid_order(buyer, offer(better, price_minor=700))
        book()
        roll_up_due()
        said = tile(pages, "sellers")
        assert said.index("Better Teas 7.00") < said.index(f"{sale.seller.name} 4.00") < said.index("6.00")
        assert f"/admin/accounts/account/{better.pk}/change/" in links(pages, "/admin/cockpit/sellers/")

    def test_a_sale_counts_on_the_day_it_was_paid(self, pages: Client, buyer: Account, seller: Account) -> None:
        paid_order(buyer, offer(seller), now=clock.now() - timedelta(days=10))
        book()
        roll_up_due()
        assert seller.name not in tile(pages, "sellers", days=7)
        assert seller.name in tile(pages, "sellers", days=30)

    def test_each_currency_has_its_own_ranking(
        self, pages: Client, sale: Any, buyer: Account, new_account: Callable[..., Account]
    ) -> None:
        abroad = new_account(side="seller", name="Abroad")
        paid_order(buyer, offer(abroad, price_minor=700, currency="EUR"))
        book()
        roll_up_due()
        assert "Abroad" in tile(pages, "sellers", currency="EUR")
        assert sale.seller.name not in tile(pages, "sellers", currency="EUR")
        assert sale.seller.name in tile(pages, "sellers", currency="GBP")

    def test_the_roll_up_agrees_with_the_orders(self, sale: Any) -> None:
        (day,) = SalesDay.objects.all()
        assert (day.seller_id, day.store_id, day.currency) == (sale.seller_id, None, "GBP")
        assert (day.paid_minor, day.refunded_minor) == (1000, 400)
        assert day.day == sale.paid_at.astimezone(UTC).date()

    def test_ranks_areas_by_where_the_stores_stand(self, pages: Client, buyer: Account, seller: Account) -> None:
        areas = shared_out.areas()
        store = shared_out.place_store(seller, areas["N11"], clock.now() - timedelta(days=1))
        paid_order(buyer, offer(seller, store=store.public_id))
        book()
        roll_up_due()
        assert f"{areas['N11'].name} 10.00" in tile(pages, "areas")

    def test_says_what_the_tills_did_today(self, pages: Client, seller: Account, buyer: Account) -> None:
        till = make_till(shared_out.place_store(seller, None, clock.now(), waiting=True))
        fund(buyer, 5000)
        trade = till.sell().json()
        till.sell()
        assert till.pay(trade, pay_code=pay_code(buyer)).status_code == 200
        said = tile(pages, "counter")
        assert "2 trades" in said
        assert "Pending 9.00" in said
        assert "Paid 9.00" in said
        with connection.cursor() as cursor:
            cursor.execute("UPDATE orders_order SET placed_at = placed_at - interval '2 days'")
        assert "No till has traded today" in tile(pages, "counter")


class TestAgentsAndGuards:
    def test_counts_areas_with_stores_and_without_an_agent(self, pages: Client, seller: Account) -> None:
        areas = shared_out.areas()
        long_ago = clock.now() - timedelta(days=1)
        shared_out.place_store(seller, areas["N11"], long_ago)
        shared_out.seat(areas["N"], long_ago)
        by_level = {level.level: (level.areas, level.vacant) for level in vacancies_by_level(clock.now())}
        assert by_level[areas["N"].level] == (1, 0)
        assert by_level[areas["N1"].level] == (1, 1)
        assert by_level[areas["N11"].level] == (1, 1)
        assert "2 vacant" in tile(pages, "vacancies")
        listed = pages.get("/admin/distribution/area/", {"seat": "vacant"}).context["cl"].result_list
        assert [area.pk for area in listed] == [areas["N1"].pk, areas["N11"].pk]

    def test_says_what_guards_hold_and_why(self, pages: Client, seller: Account, settings: Any) -> None:
        settings.SHARE_ORDER_AFTER_SCAN_MIN = timedelta(seconds=3)
        item = offer(seller)
        give(item)
        sold(share(make_account(), item))
        said = tile(pages, "guards")
        assert "1 line held until somebody decides" in said
        assert "Ordered too fast after the scan 0.50" in said
