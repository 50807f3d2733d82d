"""What happens when two do it at the same moment; each race stands beside what would happen without its lock."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Item
from core import clock
from core.money import Money
from events.models import EventRecord
from ledger.errors import InsufficientFunds
from ledger.models import Hold
from orders import services
from orders.book_check import check_orders
from orders.errors import OrderNotCancellable, OrderNotPayable, RefundExceedsPaid
from orders.models import Order, Refund
from orders.refund_plan import spread
from orders.transitions import Mover, ensure_may
from tests.shop import fund, held, offer, paid_order, place
from wallets.models import Earning

Race = Callable[..., list[Any]]


def kinds(outcomes: list[Any]) -> list[str]:
    return sorted(type(outcome).__name__ for outcome in outcomes)


def pay(order: Order) -> Order:
    buyer = order.buyer
    amount = Money(order.total_minor, order.currency)
    return services.pay_order(
        order=order.public_id, amount=amount, payer=buyer, actor=Actor.own(buyer), now=clock.now()
    )


def refund(order: Order, minor: int) -> Refund:
    seller = Actor.own(order.seller)
    return services.refund_order(order=order.public_id, amount_minor=minor, reason="x", actor=seller, now=clock.now())


def cancel(order: Order, account: Account) -> Order:
    return services.cancel_order(order=order.public_id, actor=Actor.own(account), now=clock.now())


@pytest.fixture
def order(committed_db: Any, buyer: Account, seller: Account) -> Order:
    """Pending, for 10.00 GBP; the buyer has 100.00."""
    fund(buyer, 10_000)
    return place(buyer, offer(seller, stock=1)).orders[0]


class TestTwoPaymentsAtOnce:
    def test_pay_once(self, order: Order, buyer: Account, race: Race):
        outcomes = race(*[lambda: pay(order)] * 4)

        assert kinds(outcomes) == ["Order", *["OrderNotPayable"] * 3]
        assert held(buyer) == 1000
        assert Earning.objects.count() == Hold.objects.count() == 1

    def test_of_two_orders_with_money_for_one_pay_one(self, order: Order, buyer: Account, seller: Account, race: Race):
        other = place(buyer, offer(seller)).orders[0]
        fund(buyer, 1999)

        outcomes = race(lambda: pay(order), lambda: pay(other))

        assert kinds(outcomes) == ["InsufficientFunds", "Order"]
        assert any(isinstance(outcome, InsufficientFunds) for outcome in outcomes)
        assert held(buyer) == 1000

    def test_of_a_checkout_and_its_order_pay_what_is_left(self, order: Order, buyer: Account, race: Race):
        checkout = order.checkout

        def pay_all() -> Any:
            return services.pay_checkout(
                checkout=checkout.public_id,
                amount=Money(1000, "GBP"),
                payer=buyer,
                actor=Actor.own(buyer),
                now=clock.now(),
            )

        assert "OrderNotPayable" in kinds(race(lambda: pay(order), pay_all))
        assert held(buyer) == 1000


class TestWithoutTheLock:
    """The controls: the same look at the order, without its lock, lets both through."""

    @pytest.mark.parametrize("moves", [("pay", "pay"), ("pay", "cancel")])
    def test_two_would_move_the_same_order(self, order: Order, race: Race, moves: tuple[str, str]):
        looked = threading.Barrier(2)

        def look(action: str) -> str:
            with transaction.atomic():
                ensure_may(Order.objects.get(id=order.id), action, by=Mover.BUYER, at=clock.now())
                looked.wait(timeout=30)  # With the lock, the other one never gets here.
                Order.objects.filter(id=order.id).update(next_transition_at=None)
            return action

        assert race(lambda: look(moves[0]), lambda: look(moves[1])) == list(moves)

    def test_two_refunds_would_give_back_more_than_was_paid(
        self, committed_db: Any, buyer: Account, seller: Account, race: Race
    ):
        order = paid_order(buyer, offer(seller))
        looked = threading.Barrier(2)

        def look() -> int:
            parts = spread(600, order.lines.all())
            looked.wait(timeout=30)
            return sum(parts.values())

        assert sum(race(look, look)) > order.paid_minor


class TestTheLastUnit:
    def test_is_sold_once(self, committed_db: Any, buyer: Account, seller: Account, race: Race):
        item = offer(seller, stock=1)

        outcomes = race(*[lambda: place(buyer, item)] * 4)

        assert kinds(outcomes) == [*["OutOfStock"] * 3, "PlacedCheckout"]
        assert Order.objects.count() == 1
        assert Item.objects.get(id=item.id).stock == 0


class TestTwoRefundsAtOnce:
    def test_never_exceed_what_is_paid(self, committed_db: Any, buyer: Account, seller: Account, race: Race):
        order = paid_order(buyer, offer(seller))

        outcomes = race(*[lambda: refund(order, 600)] * 3)

        assert kinds(outcomes) == ["Refund", "RefundExceedsPaid", "RefundExceedsPaid"]
        assert any(isinstance(outcome, RefundExceedsPaid) for outcome in outcomes)
        assert Order.objects.get().refunded_minor == 600
        assert list(check_orders()) == []

    def test_that_fit_are_both_made(self, committed_db: Any, buyer: Account, seller: Account, race: Race):
        order = paid_order(buyer, offer(seller, price_minor=333), (offer(seller, price_minor=100), 3))

        outcomes = race(*[lambda: refund(order, 211)] * 3)

        assert kinds(outcomes) == ["Refund"] * 3
        assert Order.objects.get().refunded_minor == 633
        assert list(check_orders()) == []


class TestPayingAgainstClosing:
    def test_one_of_them_happens_and_both_are_whole(
        self, committed_db: Any, buyer: Account, seller: Account, race: Race
    ):
        fund(buyer, 100_000)
        for _ in range(5):
            item = offer(seller, stock=1)
            order = place(buyer, item).orders[0]
            later = clock.now() + settings.ORDER_PAYMENT_LIMIT

            outcomes = race(lambda: pay(order), lambda: services.run_due_transitions(later))  # noqa: B023

            order.refresh_from_db()
            is_paid = order.status == Order.Status.PAID
            assert is_paid is not isinstance(outcomes[0], OrderNotPayable)
            assert outcomes[1] == (0 if is_paid else 1)
            assert Item.objects.get(id=item.id).stock == (0 if is_paid else 1)
            assert Earning.objects.filter(order=order.public_id).exists() is is_paid
        assert list(check_orders()) == []

    def test_several_tasks_at_once_close_each_order_once(
        self, committed_db: Any, buyer: Account, seller: Account, race: Race, settings: Any
    ):
        settings.TIMED_TRANSITIONS_BATCH_MAX = 3
        item = offer(seller, stock=20)
        orders = [place(buyer, item).orders[0] for _ in range(20)]
        later = orders[-1].placed_at + settings.ORDER_PAYMENT_LIMIT

        def run() -> int:
            total = 0
            while ran := services.run_due_transitions(later):
                total += ran
            return total

        assert sum(race(run, run, run)) == 20
        assert Item.objects.get(id=item.id).stock == 20
        assert set(Order.objects.values_list("status", flat=True)) == {"closed"}


class TestCancellingAgainstPaying:
    def test_one_of_them_happens(self, committed_db: Any, buyer: Account, seller: Account, race: Race):
        fund(buyer, 100_000)
        for _ in range(5):
            item = offer(seller, stock=1)
            order = place(buyer, item).orders[0]

            outcomes = race(lambda: cancel(order, buyer), lambda: pay(order))  # noqa: B023

            order.refresh_from_db()
            if order.status == Order.Status.PAID:
                assert isinstance(outcomes[0], OrderNotCancellable)
            else:
                assert isinstance(outcomes[1], OrderNotPayable)
            assert Item.objects.get(id=item.id).stock == (0 if order.paid_minor else 1)
        assert list(check_orders()) == []

    @pytest.mark.parametrize(
        "take_back", [lambda order: cancel(order, order.seller), lambda order: refund(order, 1000)]
    )
    def test_whoever_waits_for_a_payment_sees_who_paid(
        self, order: Order, buyer: Account, take_back: Callable[[Order], Any]
    ):
        """The row is read anew after the wait; what was joined to it before the wait is not."""
        outcomes: list[Any] = []

        def wait_and_take_back() -> None:
            try:
                outcomes.append(take_back(order))
            finally:
                connection.close()

        waiting = threading.Thread(target=wait_and_take_back)
        with transaction.atomic():
            pay(order)
            waiting.start()
            waiting.join(0.3)
            assert waiting.is_alive(), "It waits for the payment's lock."
        waiting.join(10)

        assert len(outcomes) == 1
        assert Order.objects.get().refunded_minor == 1000

    def test_by_the_seller_gives_the_money_back_if_the_payment_came_first(
        self, committed_db: Any, buyer: Account, seller: Account, race: Race
    ):
        fund(buyer, 100_000)
        for _ in range(8):
            order = place(buyer, offer(seller)).orders[0]

            outcomes = race(lambda: cancel(order, seller), lambda: pay(order))  # noqa: B023

            order.refresh_from_db()
            assert (order.status, order.refunded_minor) == ("cancelled", order.paid_minor)
            assert kinds(outcomes) in (["Order", "Order"], ["Order", "OrderNotPayable"])
        assert list(check_orders()) == []

    def test_a_refund_that_waited_for_the_payment_knows_who_paid(
        self, order: Order, buyer: Account, seller: Account, race: Race
    ):
        """A row that was waited for is read anew, but not what was joined to it."""
        is_paying = threading.Event()

        def pay_slowly() -> None:
            with transaction.atomic():
                pay(order)
                is_paying.set()
                time.sleep(0.5)

        def refund_meanwhile() -> Refund:
            is_paying.wait(timeout=30)
            return refund(order, 400)

        outcomes = race(pay_slowly, refund_meanwhile)

        assert kinds(outcomes) == ["NoneType", "Refund"]
        assert EventRecord.objects.get(type="order.refunded").payload["payer"] == buyer.public_id

    def test_by_the_seller_and_a_refund_never_give_back_too_much(
        self, committed_db: Any, buyer: Account, seller: Account, race: Race
    ):
        for _ in range(3):
            order = paid_order(buyer, offer(seller, stock=1))

            race(lambda: cancel(order, seller), lambda: refund(order, 700))  # noqa: B023

            order.refresh_from_db()
            assert (order.status, order.refunded_minor) == ("cancelled", 1000)
        assert list(check_orders()) == []


class TestLocks:
    def test_baskets_cancellations_and_closings_do_not_lock_each_other_up(
        self, committed_db: Any, buyer: Account, seller: Account, race: Race
    ):
        """Items by id, then orders: placing, cancelling and closing meet on the same two items."""
        one, other = offer(seller, stock=1000), offer(seller, stock=1000)

        def go(*items: Item) -> str:
            for round_ in range(15):
                placed = place(buyer, *items)
                if round_ % 2:
                    with suppress(OrderNotCancellable):  # Another thread's closing may have come first.
                        cancel(placed.orders[0], buyer)
                else:
                    services.run_due_transitions(clock.now() + settings.ORDER_PAYMENT_LIMIT)
            return "done"

        assert race(lambda: go(one, other), lambda: go(other, one), lambda: go(one, other)) == ["done"] * 3
        services.run_due_transitions(clock.now() + settings.ORDER_PAYMENT_LIMIT)
        assert [Item.objects.get(id=item.id).stock for item in (one, other)] == [1000, 1000]
