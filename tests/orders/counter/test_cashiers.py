"""Tills in a browser: a cashier acts for a till without its key, under its numbers, and is written down beside it."""

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Store
from core import clock
from core.errors import AmountTooLarge, NotFound
from core.money import AMOUNT_MINOR_MAX, Money
from orders.counter import services
from orders.counter.cashier.callers import Cashier, cashier_at
from orders.counter.cashier.cart import (
    Sale,
    give_number,
    next_sale,
    put_free_line,
    put_item,
    sale_at,
    set_quantity,
)
from orders.counter.cashier.errors import SaleMovedOn, SaleUnderWay, TillCartEmpty
from orders.counter.cashier.selling import cancel, give_back, ring_up
from orders.counter.cashier.shelf import find_items, get_sellable, usual_items
from orders.counter.errors import LinesMismatch, SequenceReused, TerminalRevoked
from orders.counter.models import CashierAct, CounterTrade, Terminal, TillRequest
from orders.errors import MixedCurrencies, RefundExceedsPaid
from orders.models import Order, Refund
from tests.accounts.test_linking import link
from tests.orders.counter.till import Till, make_till, pay_code, tea
from tests.shop import held, offer

NINE = Money(900, "GBP")


@pytest.fixture
def cashier(till: Till, seller: Account) -> Cashier:
    return cashier_at(till.terminal.public_id, actor=Actor.own(seller))


def ring(cashier: Cashier, *units: int, description: str = "Tea") -> Sale:
    """Put free lines into the sale; return it."""
    for minor in units:
        put_free_line(
            cashier=cashier, sequence=sale_at(cashier).sequence, description=description, unit=Money(minor, "GBP")
        )
    return sale_at(cashier)


def made(cashier: Cashier, sale: Sale | None = None) -> CounterTrade:
    sale = sale or ring(cashier, 900)
    assert sale.total is not None
    return ring_up(cashier=cashier, sequence=sale.sequence, amount=sale.total, now=clock.now())


def paid(cashier: Cashier, customer: Account) -> CounterTrade:
    trade = made(cashier)
    services.pay_at_till(
        terminal=cashier.terminal,
        trade_no=trade.order.trade_no,
        amount=NINE,
        pay_code=pay_code(customer),
        by=cashier.actor,
        now=clock.now(),
    )
    return trade


class TestWhoStandsAtIt:
    def test_is_whoever_acts_for_the_seller_of_its_store(
        self, till: Till, seller: Account, new_account: Any, other_store: Store
    ) -> None:
        clerk = new_account()
        link(seller, clerk)
        at_it = cashier_at(till.terminal.public_id, actor=Actor(login=clerk, acting=seller))
        assert at_it.actor.login == clerk
        for stranger in (clerk, other_store.seller):
            with pytest.raises(NotFound):
                cashier_at(till.terminal.public_id, actor=Actor.own(stranger))

    def test_is_nobody_once_it_is_out_of_service(self, till: Till, seller: Account) -> None:
        services.revoke_terminal(terminal=till.terminal.public_id, actor=Actor.own(seller), now=clock.now())
        with pytest.raises(TerminalRevoked):
            cashier_at(till.terminal.public_id, actor=Actor.own(seller))

    def test_is_written_down_with_all_that_was_done(
        self, till: Till, seller: Account, customer: Account, new_account: Any
    ) -> None:
        clerk = new_account(name="Clara Clerk")
        link(seller, clerk)
        at_it = cashier_at(till.terminal.public_id, actor=Actor(login=clerk, acting=seller, session_id="ses_1"))

        trade = paid(at_it, customer)
        trade_no = trade.order.trade_no
        give_back(
            cashier=at_it,
            trade_no=trade_no,
            sequence=give_number(cashier=at_it),
            amount_minor=100,
            reason="Cold.",
            now=clock.now(),
        )
        cancel(cashier=at_it, trade_no=trade_no, now=clock.now())

        acts = CashierAct.objects.order_by("id").values_list("kind", "login_account", "session")
        assert list(acts) == [(kind, clerk.pk, "ses_1") for kind in ("made", "tried", "refunded", "cancelled")]
        assert {refund.login_account for refund in Refund.objects.all()} == {clerk}
        with pytest.raises(DatabaseError, match="written once"), transaction.atomic():
            CashierAct.objects.update(login_account=seller)

    def test_is_nobody_where_the_till_comes_with_its_key(self, till: Till, customer: Account) -> None:
        """The control."""
        till.sell(pay_code=pay_code(customer))
        assert CashierAct.objects.count() == 0


class TestTheCart:
    def test_counts_an_item_once_more_and_asks_its_price_of_now(self, cashier: Cashier, seller: Account) -> None:
        item = offer(seller, price_minor=450)
        for _ in range(2):
            put_item(cashier=cashier, sequence=sale_at(cashier).sequence, item=item)
        item.price_minor = 500
        item.save(update_fields=["price_minor"])

        ((line,), total) = (sale_at(cashier).lines, sale_at(cashier).total)

        assert (line.title, line.quantity, total) == ("Tea", 2, Money(1000, "GBP"))

    def test_says_what_can_not_be_sold_any_more(self, cashier: Cashier, seller: Account) -> None:
        item = offer(seller, stock=1)
        put_item(cashier=cashier, sequence=1, item=item)
        assert sale_at(cashier).lines[0].is_sold
        set_quantity(cashier=cashier, sequence=1, place=0, quantity=2)
        assert not sale_at(cashier).lines[0].is_sold

    def test_has_one_currency_and_no_more_than_money_can_say(self, cashier: Cashier, seller: Account) -> None:
        ring(cashier, AMOUNT_MINOR_MAX)
        with pytest.raises(AmountTooLarge):
            ring(cashier, 1)
        with pytest.raises(MixedCurrencies):
            put_item(cashier=cashier, sequence=1, item=offer(seller, currency="EUR"))
        assert len(sale_at(cashier).lines) == 1

    def test_takes_nothing_that_comes_late(self, cashier: Cashier) -> None:
        sale = ring(cashier, 900)
        made(cashier, sale)
        with pytest.raises(SaleMovedOn):
            put_free_line(cashier=cashier, sequence=sale.sequence, description="Late", unit=NINE)
        next_sale(cashier=cashier, after=sale.sequence)
        with pytest.raises(SaleMovedOn):
            set_quantity(cashier=cashier, sequence=sale.sequence, place=0, quantity=3)
        assert sale_at(cashier).lines == []

    def test_is_given_up_by_nobody_who_only_asks_for_the_next(self, cashier: Cashier) -> None:
        sale = made(cashier).sequence
        next_sale(cashier=cashier, after=sale)
        ring(cashier, 100)
        next_sale(cashier=cashier, after=sale)  # Pressed twice.
        assert len(sale_at(cashier).lines) == 1
        with pytest.raises(SaleUnderWay):
            next_sale(cashier=cashier, after=sale_at(cashier).sequence)


class TestRingingUp:
    def test_makes_one_trade_however_often_it_is_sent(self, cashier: Cashier) -> None:
        sale = ring(cashier, 900, 150)
        trades = {made(cashier, sale).pk for _ in range(3)}
        next_sale(cashier=cashier, after=sale.sequence)
        trades.add(made(cashier, sale).pk)  # The page was left open.

        assert len(trades) == 1
        assert Order.objects.get().total_minor == 1050
        request = TillRequest.objects.get()
        assert (request.sequence, request.kind) == (sale.sequence, "trade")

    def test_asks_exactly_what_the_cashier_has_seen(self, cashier: Cashier, seller: Account) -> None:
        item = offer(seller, price_minor=450)
        put_item(cashier=cashier, sequence=1, item=item)
        seen = sale_at(cashier)
        item.price_minor = 500
        item.save(update_fields=["price_minor"])
        with pytest.raises(LinesMismatch):
            made(cashier, seen)
        assert Order.objects.count() == 0
        assert made(cashier, sale_at(cashier)).order.total_minor == 500

    def test_needs_something(self, cashier: Cashier) -> None:
        with pytest.raises(TillCartEmpty):
            ring_up(cashier=cashier, sequence=1, amount=NINE, now=clock.now())

    def test_takes_the_next_free_number_where_the_till_has_a_life_of_its_own(
        self, cashier: Cashier, till: Till
    ) -> None:
        till.sell(sequence=1)
        till.sell(sequence=3)
        sale = ring(cashier, 900)
        assert sale.sequence == 2
        made(cashier, sale)
        next_sale(cashier=cashier, after=2)
        assert sale_at(cashier).sequence == 4

    def test_never_takes_anothers_trade_for_its_own(self, cashier: Cashier, till: Till) -> None:
        """The till's own software uses the number that a page has been given, for the very same tea."""
        sale = ring(cashier, 900, description="Tea, loose")
        foreign = till.sell(tea(), sequence=sale.sequence).json()
        with pytest.raises(SequenceReused):
            made(cashier, sale)

        trade = made(cashier, sale_at(cashier))

        assert trade.order.trade_no != foreign["trade_no"]
        assert Order.objects.count() == 2

    def test_answers_the_till_that_asks_by_its_number(self, cashier: Cashier, till: Till) -> None:
        trade = made(cashier)
        asked = till.ask(trade.sequence)
        assert asked["outcome"] == "in_progress"
        assert asked["answer"]["trade_no"] == trade.order.trade_no


class TestGivingBack:
    def test_happens_once_under_its_number(self, cashier: Cashier, customer: Account) -> None:
        trade_no, number = paid(cashier, customer).order.trade_no, give_number(cashier=cashier)

        def back(minor: int) -> None:
            give_back(
                cashier=cashier, trade_no=trade_no, sequence=number, amount_minor=minor, reason="Cold.", now=clock.now()
            )

        for _ in range(3):
            back(400)
        with pytest.raises(SequenceReused):
            back(500)

        assert Order.objects.get().refunded_minor == 400

    def test_is_no_more_than_what_was_paid(self, cashier: Cashier, customer: Account) -> None:
        trade = paid(cashier, customer)
        number = give_number(cashier=cashier)
        with pytest.raises(RefundExceedsPaid):
            give_back(
                cashier=cashier,
                trade_no=trade.order.trade_no,
                sequence=number,
                amount_minor=901,
                reason="Cold.",
                now=clock.now(),
            )
        assert Order.objects.get().refunded_minor == 0


class TestTheShelf:
    def test_has_what_the_store_sells_and_nobody_elses(
        self, cashier: Cashier, seller: Account, other_store: Store
    ) -> None:
        ours = offer(seller, title="Green tea")
        elsewhere = offer(other_store.seller, title="Green tea")
        offer(seller, title="Green paper", status="paused")
        assert find_items("gree", cashier=cashier) == [ours]
        with pytest.raises(NotFound):
            get_sellable(elsewhere.public_id, cashier=cashier)

    def test_shows_first_what_sells_most(self, cashier: Cashier, seller: Account, till: Till, settings: Any) -> None:
        settings.TILL_TILES = 2
        usual, rare, newest = (offer(seller, title=title) for title in ("Usual", "Rare", "Newest"))
        for _ in range(2):
            till.sell({"item": usual.public_id, "quantity": 1}, amount=1000)
        assert usual_items(cashier=cashier) == [usual, newest]
        till.sell({"item": rare.public_id, "quantity": 5}, amount=5000)
        assert usual_items(cashier=cashier) == [usual, rare]


class TestTwoDevicesAtOneTill:
    """Against a database that commits."""

    def test_that_ring_up_the_same_sale_make_one_trade(
        self, committed_db: Any, cashier: Cashier, customer: Account, race: Any
    ) -> None:
        for _ in range(3):
            sale = ring(cashier, 900)
            trades = race(*[lambda: made(cashier, sale).pk] * 3)  # noqa: B023
            assert len(set(trades)) == 1
            next_sale(cashier=cashier, after=sale.sequence)
        assert Order.objects.count() == 3

    def test_that_ring_up_two_sales_make_two(
        self, committed_db: Any, cashier: Cashier, store: Store, race: Any
    ) -> None:
        """The control: what keeps them apart is the till's cart, not the press."""
        second = cashier_at(make_till(store, "Till 2").terminal.public_id, actor=cashier.actor)
        sales = [(at, ring(at, 900)) for at in (cashier, second)]
        race(*[lambda at=at, sale=sale: made(at, sale).pk for at, sale in sales])
        assert Order.objects.count() == 2
        assert Terminal.objects.count() == 2

    def test_and_who_pays_by_code_pays_once(
        self, committed_db: Any, cashier: Cashier, customer: Account, race: Any
    ) -> None:
        trade, code = made(cashier), pay_code(customer)

        def scan() -> Any:
            return services.pay_at_till(
                terminal=cashier.terminal,
                trade_no=trade.order.trade_no,
                amount=NINE,
                pay_code=code,
                by=cashier.actor,
                now=clock.now(),
            ).refusal

        assert race(scan, scan) == [None, None]
        assert held(customer) == 900
