"""A history goes through the services once, at its own times, and every minor unit of it is in the books."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from django.utils.module_loading import import_string

from accounts.actor import Actor
from accounts.errors import CredentialsInvalid
from accounts.models import Account
from accounts.services import check_credentials
from billing.services.catching_up import catch_up
from catalog.models import Item
from core.money import Money
from core.registry import book_checks
from events.models import EventRecord
from orders.models import Order, OrderLine, Refund
from replay.errors import AlreadyRunning, FiguresDiffer
from replay.models import Invoice, Party
from replay.reading import Assumptions, History
from replay.selectors import Figures, figures_of
from replay.services import run, verify_import
from tests.replay.histories import SOURCE, cancellation, read, replay, sale
from wallets.models import Debt, Earning, TopUp
from wallets.services import request_withdrawal

pytestmark = pytest.mark.django_db


def at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day} 10:00:00").replace(tzinfo=UTC)


def figures() -> Figures:
    (only,) = figures_of(SOURCE)
    return only


def customer(number: str = "7") -> Account:
    return Party.objects.get(role=Party.Role.CUSTOMER, key=f"customer {number}").account


def seller() -> Account:
    return Party.objects.get(role=Party.Role.SELLER).account


def findings() -> list[str]:
    return [
        f"{finding.check} {finding.subject}: {finding.detail}" for check in book_checks() for finding in check.run()
    ]


class TestASale:
    """It is placed, paid, fulfilled and completed at the invoice's time, at the invoice's prices."""

    def test_becomes_a_completed_order_of_that_time(self, tmp_path: Path) -> None:
        replay(read(tmp_path, sale("1", "2025-01-01", quantity=3, price="2.50")))

        order = Order.objects.get()
        assert (order.status, order.total_minor, order.paid_minor) == ("completed", 750, 750)
        assert {order.placed_at, order.paid_at, order.fulfilled_at, order.completed_at} == {at("2025-01-01")}
        assert (order.buyer, order.payer, order.seller) == (customer(), customer(), seller())

    def test_keeps_the_prices_of_its_lines_whatever_the_item_costs(self, tmp_path: Path) -> None:
        replay(
            read(
                tmp_path,
                sale("1", "2025-01-01", price="10.00"),
                sale("2", "2025-01-02", price="8.00", quantity=2),
                sale("2", "2025-01-02", price="9.00"),
            )
        )

        assert Item.objects.get().price_minor == 1000
        assert list(OrderLine.objects.order_by("id").values_list("unit_minor", flat=True)) == [1000, 800, 900]
        assert figures().paid_minor == 1000 + 1600 + 900

    def test_is_paid_with_money_that_the_customer_brings_that_day(self, tmp_path: Path) -> None:
        replay(
            read(
                tmp_path,
                sale("1", "2025-01-01 09:00:00"),
                sale("2", "2025-01-01 15:00:00", quantity=2),
                sale("3", "2025-01-02"),
            )
        )

        top_ups = TopUp.objects.order_by("id").values_list("owner", "amount_minor", "requested_at__date")
        first, second = at("2025-01-01").date(), at("2025-01-02").date()
        assert list(top_ups) == [(customer().id, 3000, first), (customer().id, 1000, second)]

    def test_uses_up_what_was_refunded_before_new_money_comes_in(self, tmp_path: Path) -> None:
        replay(
            read(
                tmp_path,
                sale("1", "2025-01-01", quantity=3),
                cancellation("2", "2025-01-02", quantity=2),
                sale("3", "2025-01-03", quantity=5),
            )
        )

        assert figures().money_in_minor == 3000 + 3000
        assert figures().customers_minor == 0

    def test_of_walk_in_customers_is_their_countrys(self, tmp_path: Path) -> None:
        replay(read(tmp_path, sale("1", "2025-01-01", customer=""), sale("2", "2025-01-02", customer="")))

        walk_in = Party.objects.get(role=Party.Role.CUSTOMER)
        assert (walk_in.key, walk_in.account.name) == ("walk-in France", "Walk-in customers, France")
        assert Order.objects.filter(buyer=walk_in.account).count() == 2

    def test_that_a_service_refuses_is_listed_and_the_others_go_on(self, tmp_path: Path) -> None:
        most = "90071992547409.91"
        history = read(
            tmp_path,
            sale("1", "2025-01-01", price=most),
            sale("2", "2025-01-01", price=most, code="GOLD"),
            sale("3", "2025-01-01", customer="8"),
        )

        refused = replay(history)

        assert {(line.line, line.reason) for line in refused} == {(2, "insufficient_funds"), (3, "insufficient_funds")}
        assert figures().paid_minor == 1000
        verify_import(history, source=SOURCE, refused=refused)

    def test_in_a_currency_without_minor_units_is_exact_too(self, tmp_path: Path) -> None:
        replay(read(tmp_path, sale("1", "2025-01-01", price="480"), assumed=Assumptions("Kissa", "JPY", UTC)))

        assert (figures().currency, figures().paid_minor) == ("JPY", 480)


class TestParties:
    """Sellers, customers and items appear as needed; nobody can log in to them until they have a password."""

    def test_nobody_can_log_in_to_them(self, tmp_path: Path) -> None:
        replay(read(tmp_path, sale("1", "2025-01-01")))

        for account in (customer(), seller()):
            assert not account.has_usable_password()
            with pytest.raises(CredentialsInvalid):
                check_credentials(account.username, "", address="192.0.2.1")

    def test_a_strangers_account_is_never_taken_for_a_customer(
        self, tmp_path: Path, new_account: Callable[..., Account]
    ) -> None:
        stranger = new_account(username="shop.customer-7")

        replay(read(tmp_path, sale("1", "2025-01-01")))

        assert customer() != stranger
        assert customer().username == "shop.customer-7-2"

    def test_numbers_mean_something_within_one_source_only(self, tmp_path: Path) -> None:
        history = read(tmp_path, sale("1", "2025-01-01"))

        replay(history, source="north")
        replay(history, source="south")

        assert Order.objects.count() == 2
        assert Order.objects.values("buyer").distinct().count() == 2


class TestACancellation:
    """It gives back what this customer bought before, and says what it cannot find."""

    def test_refunds_the_line_that_was_bought(self, tmp_path: Path) -> None:
        replay(read(tmp_path, sale("1", "2025-01-01", quantity=5), cancellation("2", "2025-01-03", quantity=2)))

        refund = Refund.objects.get()
        line = refund.lines.get()
        assert (refund.amount_minor, refund.refunded_at, refund.reason) == (2000, at("2025-01-03"), "Cancellation C2")
        assert (line.restocked, line.line.refunded_minor) == (2, 2000)
        assert figures().customers_minor == 2000

    def test_over_several_orders_is_a_refund_of_each(self, tmp_path: Path) -> None:
        replay(
            read(
                tmp_path,
                sale("1", "2025-01-01", quantity=2),
                sale("2", "2025-01-02", quantity=2),
                cancellation("3", "2025-01-03", quantity=3),
            )
        )

        by_order = Refund.objects.order_by("order_id").values_list("amount_minor", flat=True)
        assert list(by_order) == [1000, 2000]

    @pytest.mark.parametrize(
        "other",
        [
            {"customer": "8"},
            {"code": "MILK"},
        ],
    )
    def test_of_what_was_never_bought_is_reported(self, tmp_path: Path, other: dict[str, str]) -> None:
        replay(read(tmp_path, sale("1", "2025-01-01"), cancellation("2", "2025-01-03", **other)))

        assert not Refund.objects.exists()
        assert [reason for _line, reason, _detail in Invoice.objects.get(number="C2").refused] == ["nothing_to_refund"]

    def test_before_the_sale_finds_nothing(self, tmp_path: Path) -> None:
        replay(read(tmp_path, cancellation("1", "2025-01-01"), sale("2", "2025-01-03")))

        assert not Refund.objects.exists()

    def test_of_more_than_was_bought_gives_back_what_was(self, tmp_path: Path) -> None:
        replay(read(tmp_path, sale("1", "2025-01-01", quantity=2), cancellation("2", "2025-01-03", quantity=3)))

        ((line, reason, detail),) = Invoice.objects.get(number="C2").refused
        assert (line, reason) == (3, "partly_refunded")
        assert detail == "3 × TEA for 30.00 GBP: refunded 20.00 GBP."
        assert figures().refunded_minor == 2000


class TestTime:
    """Earnings are released as the days of the file pass, each at its due time."""

    HELD = settings.EARNINGS_HOLD_PERIOD

    def test_earnings_are_released_when_a_later_day_comes(self, tmp_path: Path) -> None:
        replay(read(tmp_path, sale("1", "2025-01-01"), sale("2", "2025-02-01")))

        first, second = Earning.objects.order_by("id")
        assert (first.status, first.released_at) == ("released", at("2025-01-01") + self.HELD)
        assert second.status == "pending"
        assert figures().wallets_minor == figures().pending_minor == first.amount_minor

    def test_a_cancellation_after_the_release_takes_from_the_sellers_wallet(self, tmp_path: Path) -> None:
        replay(read(tmp_path, sale("1", "2025-01-01", quantity=4), cancellation("2", "2025-02-01")))

        assert EventRecord.objects.filter(type="earnings.reversed").count() == 1
        assert (figures().wallets_minor, figures().debts_minor) == (3 * 950, 0)

    def test_a_seller_without_money_owes_it_and_later_earnings_repay_it(self, tmp_path: Path) -> None:
        lines = [sale("1", "2025-01-01", quantity=4), sale("2", "2025-02-01", customer="8")]
        replay(read(tmp_path, *lines))
        request_withdrawal(
            owner=seller(),
            amount=Money(4 * 950, "GBP"),
            provider="local",
            actor=Actor.own(seller()),
            now=at("2025-02-01"),
        )
        catch_up()

        lines += [cancellation("3", "2025-02-02", quantity=4)]
        replay(read(tmp_path, *lines))
        owed = figures()
        lines += [sale("4", "2025-03-01", customer="8", quantity=10), sale("5", "2025-04-01", customer="8")]
        replay(read(tmp_path, *lines))

        assert (owed.debts_minor, owed.wallets_minor) == (4 * 950, 0)
        assert not Debt.objects.exclude(repaid_minor=4 * 950).exists()
        assert (figures().debts_minor, figures().wallets_minor) == (0, 11 * 950 - 4 * 950)
        assert findings() == []


HISTORY = (
    sale("1", "2025-01-01 09:00:00", quantity=4),
    sale("1", "2025-01-01 09:00:00", code="MILK", price="1.25", quantity=8),
    sale("2", "2025-01-01 10:00:00", customer="8", price="7.77"),
    cancellation("3", "2025-01-02"),
    sale("4", "2025-01-02 11:00:00", customer=""),
    sale("5", "2025-01-09", quantity=2),
    cancellation("6", "2025-01-20", code="MILK", price="1.25", quantity=9),
    sale("7", "2025-01-20 12:00:00", quantity=3),
)
FIGURES = Figures(
    currency="GBP",
    orders=5,
    paid_minor=5000 + 777 + 1000 + 2000 + 3000,
    refunds=2,
    refunded_minor=1000 + 1000,  # Of nine bottles of milk, eight were bought.
    fees_minor=(200 + 50 + 38 + 50 + 100 + 150) - (50 + 50),
    money_in_minor=5000 + 777 + 1000 + 1000 + 3000,  # On the 9th half of it is there from the first refund.
    customers_minor=1000,
    pending_minor=2850,
    wallets_minor=6439,
)


class TestStoppingAnywhere:
    """Whatever breaks off an import, the next one ends with the same figures, nothing doubled and nothing lost."""

    @pytest.fixture
    def history(self, tmp_path: Path) -> History:
        return read(tmp_path, *HISTORY)

    def test_a_repeat_changes_nothing(self, history: History) -> None:
        replay(history)
        before, events = figures(), EventRecord.objects.count()

        replay(history)

        assert before == figures() == FIGURES
        assert EventRecord.objects.count() == events

    @pytest.mark.parametrize(
        "place",
        [
            "replay.services.world.register_account",
            "replay.services.world.offer_item",
            "replay.services.top_ups.request_top_up",
            "replay.services.top_ups.charge_top_up",
            "replay.services.top_ups.finish_top_up",
            "replay.services.invoices.place_checkout",
            "replay.services.invoices.pay_order",
            "replay.services.invoices.fulfil_order",
            "replay.services.invoices.complete_order",
            "replay.services.invoices.refund_order",
            "replay.services.run.catch_up",
            "replay.services.run.clock.run_due",
        ],
    )
    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_it_goes_on_where_it_was_broken_off(
        self, history: History, monkeypatch: pytest.MonkeyPatch, place: str, moment: str
    ) -> None:
        breaking = Breaking(place, moment)
        monkeypatch.setattr(place, breaking)
        while breaking.breaks_off(lambda: replay(history)):
            pass

        assert breaking.broken
        assert figures() == FIGURES
        assert Invoice.objects.filter(seller__source=SOURCE).count() == 7
        verify_import(history, source=SOURCE, refused=[])
        assert findings() == []

    def test_it_waits_for_a_database_that_goes_away(self, history: History, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(run, "RETRY_SECONDS", 0)
        monkeypatch.setattr(run.connection, "close", lambda: None)
        calls = 0

        def lost_twice(*args: Any, **named: Any) -> None:
            nonlocal calls
            calls += 1
            if calls in (2, 3):
                raise OperationalError("server closed the connection unexpectedly")
            catch_up()

        monkeypatch.setattr(run, "catch_up", lost_twice)

        replay(history)

        verify_import(history, source=SOURCE, refused=[])

    def test_two_at_the_same_time_are_one_too_many(self, history: History, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(run, "LOCK_SECONDS_MAX", 0)
        monkeypatch.setattr(run, "only_one", lambda name, wait_seconds_max: nullcontext(False))

        with pytest.raises(AlreadyRunning, match="Another import of shop is under way"):
            replay(history)


class TestVerification:
    """An import that is not what the file says ends loudly."""

    def test_an_invoice_that_has_grown_since_is_noticed(self, tmp_path: Path) -> None:
        replay(read(tmp_path, sale("1", "2025-01-01")))
        grown = read(tmp_path, sale("1", "2025-01-01"), sale("1", "2025-01-01", code="MILK"))

        replay(grown)

        with pytest.raises(FiguresDiffer, match="1 is paid with 1000 instead of 2000 GBP"):
            verify_import(grown, source=SOURCE, refused=[])

    def test_an_invoice_that_is_not_imported_is_noticed(self, tmp_path: Path) -> None:
        with pytest.raises(FiguresDiffer, match="1 is not imported"):
            verify_import(read(tmp_path, sale("1", "2025-01-01")), source=SOURCE, refused=[])


class BrokenOff(BaseException):
    """Stands for a kill: nobody catches it."""


class Breaking:
    """A function that breaks off some of its calls, before or after its work is done."""

    CALLS = (1, 3, 4, 7)

    def __init__(self, place: str, moment: str) -> None:
        module, name = place.rsplit(".", 1)
        self._function = getattr(import_string(module) if module.endswith(".clock") else import_module(module), name)
        self._moment = moment
        self._calls = 0
        self.broken = 0

    def __call__(self, *args: Any, **named: Any) -> Any:
        self._calls += 1
        breaks = self._calls in self.CALLS
        if breaks and self._moment == "before":
            raise BrokenOff
        result = self._function(*args, **named)
        if breaks:
            raise BrokenOff
        return result

    def breaks_off(self, work: Callable[[], object]) -> bool:
        try:
            work()
        except BrokenOff:
            self.broken += 1
            return True
        return False
