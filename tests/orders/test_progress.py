"""Every state and everybody's moves between them; what is not in the table is refused."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from catalog.models import Item
from core import clock
from events.models import EventRecord
from orders.book_check import check_orders
from orders.models import Order, Refund
from orders.services import run_due_transitions
from orders.transitions import TABLE, Mover
from tests.shop import offer, paid_order, place
from wallets.models import Earning

PATHS = {"cancel": "cancel", "fulfil": "fulfil", "complete": "complete"}
CODES = {"cancel": "order_not_cancellable", "fulfil": "order_not_fulfillable", "complete": "order_not_completable"}


def do(api: Any, account: Any, order: Order, action: str) -> Any:
    return api(account).post(f"/orders/{order.public_id}/{action}", key=f"{action}-{account.public_id}")


def bring(order: Order, status: str) -> None:
    """Put an order into a state by the database, so that every state is tried."""
    is_paid = status in ("paid", "fulfilled", "completed")
    Order.objects.filter(id=order.id).update(
        status=status,
        paid_minor=order.total_minor if is_paid else 0,
        payer=order.buyer if is_paid else None,
        paid_at=clock.now() if is_paid else None,
        next_transition_at=None,
    )
    if is_paid:
        Earning.objects.get_or_create(
            order=order.public_id,
            owner=order.seller,
            role="seller",
            defaults={"currency": "GBP", "original_minor": 950, "earned_at": clock.now(), "why": "x"},
        )


class TestTheTable:
    @pytest.mark.parametrize(("status", "action"), list(product(Order.Status.values, PATHS)))
    @pytest.mark.parametrize("side", ["buyer", "seller"])
    def test_is_what_people_may_do(self, api, buyer, seller, pending, status: str, action: str, side: str):
        bring(pending, status)
        row = next((r for r in TABLE if (r.action, r.by, r.source) == (action, Mover(side), status)), None)
        someone = any(r.action == action and r.by == Mover(side) for r in TABLE)

        answer = do(api, buyer if side == "buyer" else seller, pending, action)

        if row is not None:
            assert (answer.status_code, answer.json()["status"]) == (200, row.target)
        elif someone:
            assert (answer.status_code, answer.json()["code"]) == (409, CODES[action])
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

    @pytest.mark.parametrize("action", PATHS)
    def test_is_for_the_orders_own_people(self, api, pending, new_account, action: str):
        for side in ("buyer", "seller"):
            answer = do(api, new_account(side=side), pending, action)
            assert answer.status_code in (403, 404)
            assert answer.status_code == 404 or not any(r.action == action and r.by == side for r in TABLE)

    def test_the_database_itself_knows_what_is_paid_in_which_state(self, pending):
        for change in ({"status": "paid"}, {"paid_minor": 1000}, {"status": "fulfilled", "paid_minor": 999}):
            with pytest.raises(IntegrityError, match="order_paid_as_its_state"), transaction.atomic():
                Order.objects.filter(id=pending.id).update(**change)


class TestCancelling:
    def test_gives_stock_back(self, api, buyer, seller):
        item = offer(seller, stock=5)
        order = place(buyer, (item, 2), item).orders[0]

        cancelled = do(api, buyer, order, "cancel").json()

        assert cancelled["status"] == "cancelled"
        assert cancelled["ended_at"] is not None
        assert Item.objects.get(id=item.id).stock == 5

    def test_a_paid_order_by_its_seller_refunds_it_in_full(self, api, buyer, seller):
        item = offer(seller, stock=5)
        order = paid_order(buyer, (item, 2))
        api(seller).post(f"/orders/{order.public_id}/refunds", {"amount": 700, "reason": "x"}, key="r")

        cancelled = do(api, seller, order, "cancel").json()

        assert (cancelled["status"], cancelled["paid"], cancelled["refunded"]) == ("cancelled", 2000, 2000)
        assert [refund.amount_minor for refund in Refund.objects.order_by("id")] == [700, 1300]
        assert Item.objects.get(id=item.id).stock == 5
        assert Earning.objects.get().status == "reversed"
        assert list(check_orders()) == []

    def test_what_a_refund_put_back_is_not_put_back_twice(self, api, buyer, seller):
        item = offer(seller, stock=5)
        order = paid_order(buyer, (item, 3))
        line = order.lines.get().public_id
        body = {"lines": [{"line": line, "amount": 1000, "restock": True}], "reason": "x"}
        assert api(seller).post(f"/orders/{order.public_id}/refunds", body, key="r").status_code == 201
        assert Item.objects.get(id=item.id).stock == 3

        do(api, seller, order, "cancel")

        assert Item.objects.get(id=item.id).stock == 5

    def test_stock_that_was_unlimited_at_placing_stays_as_its_seller_counts_it(self, api, buyer, seller, item):
        order = place(buyer, item).orders[0]
        api(seller).patch(f"/items/{item.public_id}", {"stock": 10})

        do(api, buyer, order, "cancel")

        assert Item.objects.get(id=item.id).stock == 10


class TestCompleting:
    def test_starts_the_hold_period_of_the_earnings(self, api, buyer, seller, paid):
        do(api, seller, paid, "fulfil")
        completed = do(api, buyer, paid, "complete").json()

        order = Order.objects.get()
        assert completed["status"] == "completed"
        assert Earning.objects.get().releases_at == order.completed_at + settings.EARNINGS_HOLD_PERIOD
        event = EventRecord.objects.get(type="order.completed")
        assert (event.subject, event.occurred_at) == (paid.public_id, order.completed_at)


class TestTime:
    def test_closes_what_is_not_paid_and_gives_stock_back_at_its_due_time(self, buyer, seller):
        item = offer(seller, stock=2)
        order = place(buyer, (item, 2)).orders[0]
        due = order.placed_at + settings.ORDER_PAYMENT_LIMIT

        assert run_due_transitions(due - timedelta(microseconds=1)) == 0
        assert run_due_transitions(due + timedelta(days=400)) == 1

        closed = Order.objects.get()
        assert (closed.status, closed.ended_at, closed.next_transition_at) == ("closed", due, None)
        assert Item.objects.get(id=item.id).stock == 2
        assert run_due_transitions(due + timedelta(days=400)) == 0

    def test_completes_what_is_fulfilled_as_of_its_due_time(self, api, seller, paid):
        do(api, seller, paid, "fulfil")
        fulfilled_at = Order.objects.get().fulfilled_at
        due = fulfilled_at + settings.ORDER_COMPLETION_LIMIT

        run_due_transitions(due + timedelta(days=400))

        completed = Order.objects.get()
        assert (completed.status, completed.completed_at) == ("completed", due)
        assert Earning.objects.get().releases_at == due + settings.EARNINGS_HOLD_PERIOD
        assert EventRecord.objects.get(type="order.completed").occurred_at == due

    def test_decides_even_before_the_task_has_come(self, api, buyer, seller, paid, monkeypatch):
        do(api, seller, paid, "fulfil")
        Order.objects.update(next_transition_at=clock.now())

        assert do(api, buyer, paid, "complete").json()["code"] == "order_not_completable"

    def test_works_in_bounded_chunks(self, buyer, item, settings):
        settings.TIMED_TRANSITIONS_BATCH_MAX = 2
        orders = [place(buyer, item).orders[0] for _ in range(5)]
        later = orders[-1].placed_at + timedelta(days=1)

        assert [run_due_transitions(later) for _ in range(4)] == [2, 2, 1, 0]
        assert set(Order.objects.values_list("status", flat=True)) == {"closed"}

    def test_takes_as_many_statements_for_many_as_for_one(self, buyer, item, statements):
        orders = [place(buyer, item).orders[0] for _ in range(10)]

        with statements() as seen:
            assert run_due_transitions(orders[-1].placed_at + timedelta(days=1)) == 10

        assert len(seen) <= 6, str(seen)

    def test_a_year_on_everything_has_cascaded(self, api, operator, buyer, seller, item):
        fulfilled, waiting = paid_order(buyer, item), place(buyer, item).orders[0]
        do(api, seller, fulfilled, "fulfil")

        assert api(operator).post("/clock/advance", {"seconds": 365 * 86400}).status_code == 200

        fulfilled.refresh_from_db()
        waiting.refresh_from_db()
        assert (fulfilled.status, waiting.status) == ("completed", "closed")
        released = Earning.objects.get(order=fulfilled.public_id)
        assert released.status == "released"
        assert released.released_at == fulfilled.completed_at + settings.EARNINGS_HOLD_PERIOD
