"""A buyer's orders: the list, what happened and what comes next, cancelling, having it, and asking for money back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.actor import Actor
from accounts.models import Account
from core import clock
from orders import services
from orders.models import Order, OrderLine, RefundRequest
from tests.portal.conftest import text_of
from tests.portal.test_items import order_form
from tests.shop import offer, paid_order, place

Customer = Callable[[Account], Client]

LIST_STATEMENTS_MAX = 6
ORDER_STATEMENTS_MAX = 9


@pytest.fixture
def pending(buyer: Account, seller: Account) -> Order:
    return place(buyer, offer(seller)).orders[0]


@pytest.fixture
def paid(buyer: Account, seller: Account) -> Order:
    return paid_order(buyer, (offer(seller, title="Tea"), 2), offer(seller, title="Cup", price_minor=250))


@pytest.fixture
def fulfilled(paid: Order, seller: Account) -> Order:
    return services.fulfil_order(order=paid.public_id, actor=Actor.own(seller), now=clock.now())


def path_of(order: Order, rest: str = "") -> str:
    return f"/orders/{order.public_id}{rest}"


def line_of(order: Order, title: str) -> str:
    return OrderLine.objects.get(order=order, title=title).public_id


def ask(client: Client, order: Order, **fields: Any) -> Any:
    path = path_of(order, "/refund")
    return client.post(path, {**order_form(client.get(path)), "reason": "Broken.", **fields})


class TestTheList:
    """/orders"""

    def test_has_a_tab_for_each_state(
        self, pending: Order, paid: Order, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        client = customer(buyer)
        ended = place(buyer, offer(seller)).orders[0]
        services.cancel_order(order=ended.public_id, actor=Actor.own(buyer), now=clock.now())
        found = {
            state: {order.public_id for order, *_rest in client.get(f"/orders?state={state}").context["orders"]}
            for state in ("", "to-pay", "paid", "arrived", "completed", "ended", "nonsense")
        }
        everything = {pending.public_id, paid.public_id, ended.public_id}
        assert found == {
            "": everything,
            "to-pay": {pending.public_id},
            "paid": {paid.public_id},
            "arrived": set(),
            "completed": set(),
            "ended": {ended.public_id},
            "nonsense": everything,
        }
        assert "No orders in this state" in text_of(client.get("/orders?state=completed"))

    def test_goes_on_at_the_cursor_and_costs_the_same(
        self, buyer: Account, seller: Account, customer: Customer, settings: Any, statements: Any
    ) -> None:
        settings.ORDERS_PER_PAGE = 4
        item, client = offer(seller), customer(buyer)
        placed = [place(buyer, item).orders[0].public_id for _ in range(6)]
        with statements() as seen:
            first = client.get("/orders")
        assert len(seen) <= LIST_STATEMENTS_MAX, str(seen)
        second = client.get(first.context["more"])
        shown = [order.public_id for page in (first, second) for order, *_rest in page.context["orders"]]
        assert shown == placed[::-1]
        assert second.context["more"] == ""

    def test_empty_it_leads_to_what_is_on_sale_and_it_is_the_buyers_own(
        self, paid: Order, seller: Account, new_account: Any, customer: Customer
    ) -> None:
        assert "You have not ordered anything yet" in text_of(customer(new_account()).get("/orders"))
        assert customer(seller).get("/orders").status_code == 403

    def test_a_cursor_that_is_none_is_refused(self, buyer: Account, customer: Customer) -> None:
        assert customer(buyer).get("/orders?cursor=x").status_code == 422


class TestTheTimeline:
    """What happened, and what comes next, on the page of an order."""

    def test_says_what_has_been_and_what_is_to_come(
        self, fulfilled: Order, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        steps = customer(buyer).get(path_of(fulfilled)).context["steps"]
        assert [(step.title, step.tone.value) for step in steps] == [
            ("Ordered", "done"),
            ("Paid", "done"),
            ("Handed over", "done"),
            ("You say that you have it", "now"),
            ("Completed by itself otherwise", "next"),
        ]
        assert steps[-1].at == fulfilled.next_transition_at
        assert "The buyer says that it is there" in text_of(customer(seller).get(path_of(fulfilled)))

    def test_stays_cheap_with_all_that_can_happen(
        self, fulfilled: Order, buyer: Account, seller: Account, customer: Customer, statements: Any
    ) -> None:
        for number in range(3):
            services.refund_order(
                order=fulfilled.public_id, amount_minor=10, reason=f"{number}", actor=Actor.own(seller), now=clock.now()
            )
        client = customer(buyer)
        ask(client, fulfilled, **{f"want-{line_of(fulfilled, 'Cup')}": "on", f"much-{line_of(fulfilled, 'Cup')}": "1"})
        client.get("/cart")  # The message is said once.
        with statements() as seen:
            client.get(path_of(fulfilled))
        assert len(seen) <= ORDER_STATEMENTS_MAX, str(seen)


class TestCancelling:
    """/orders/<id>/cancel"""

    def test_names_the_sum_and_is_done_once(self, pending: Order, buyer: Account, customer: Customer) -> None:
        client, path = customer(buyer), path_of(pending, "/cancel")
        page = client.get(path)
        assert "Cancel the order of £10.00" in text_of(page)
        answers = [client.post(path, order_form(page)) for _ in range(2)]
        assert {answer["Location"] for answer in answers} == {path_of(pending)}
        pending.refresh_from_db()
        assert pending.status == "cancelled"
        assert "The order is cancelled. Nothing was paid." in text_of(client.get(path_of(pending)))

    def test_is_too_late_once_it_is_paid(self, pending: Order, buyer: Account, customer: Customer) -> None:
        client, path = customer(buyer), path_of(pending, "/cancel")
        form = order_form(client.get(path))
        Order.objects.filter(pk=pending.pk).update(
            status="paid", paid_minor=1000, payer=buyer, paid_at=clock.now(), next_transition_at=None
        )
        answer = client.post(path, form)
        assert answer.status_code == 409
        assert "This order can no longer be cancelled." in text_of(answer)
        assert client.get(path)["Location"] == path_of(pending)

    def test_is_the_buyers_alone(self, pending: Order, seller: Account, new_account: Any, customer: Customer) -> None:
        assert customer(new_account()).get(path_of(pending, "/cancel")).status_code == 404
        assert customer(seller).get(path_of(pending, "/cancel")).status_code == 403


class TestHavingIt:
    """/orders/<id>/received"""

    def test_completes_it_once(self, fulfilled: Order, buyer: Account, customer: Customer) -> None:
        client, path = customer(buyer), path_of(fulfilled, "/received")
        page = client.get(path)
        assert "gets its part of £22.50 after 7 days" in text_of(page)
        assert {client.post(path, order_form(page))["Location"] for _ in range(2)} == {path_of(fulfilled)}
        fulfilled.refresh_from_db()
        assert fulfilled.status == "completed"


class TestAskingForMoneyBack:
    """/orders/<id>/refund"""

    def test_is_by_line_with_a_reason_and_once(self, paid: Order, buyer: Account, customer: Customer) -> None:
        client, path, tea = customer(buyer), path_of(paid, "/refund"), line_of(paid, "Tea")
        page = client.get(path)
        assert "Tea × 2 £20.00 paid and not given back" in text_of(page)
        form = {**order_form(page), f"want-{tea}": "on", f"much-{tea}": "12.50", "reason": "One was broken."}

        answers = [client.post(path, form) for _ in range(2)]

        assert {answer["Location"] for answer in answers} == {path_of(paid)}
        assert RefundRequest.objects.get().lines == [{"line": tea, "amount": 1250}]
        said = text_of(client.get(path_of(paid)))
        assert "£12.50 asked back" in said
        assert "One was broken." in said
        assert "Otherwise an operator may decide from this time on:" in said
        assert "Ask for money back" not in said

    @pytest.mark.parametrize(
        ("want", "much", "reason", "said"),
        [
            ("", "1", "Broken.", "Tick at least one thing"),
            ("on", "99", "Broken.", "At most £20.00 are left of it."),
            ("on", "0", "Broken.", "Write an amount above zero, such as 15.00."),
            ("on", "1.001", "Broken.", "Write an amount above zero"),
            ("on", "1", "", "This field is required."),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_is_asked(
        self, paid: Order, buyer: Account, customer: Customer, want: str, much: str, reason: str, said: str
    ) -> None:
        tea = line_of(paid, "Tea")
        answer = ask(customer(buyer), paid, **{f"want-{tea}": want, f"much-{tea}": much, "reason": reason})
        assert answer.status_code == 422
        assert said in text_of(answer)
        assert not RefundRequest.objects.exists()

    def test_a_second_one_waits_for_the_answer_to_the_first(
        self, paid: Order, buyer: Account, customer: Customer
    ) -> None:
        client, cup = customer(buyer), line_of(paid, "Cup")
        asked = {f"want-{cup}": "on", f"much-{cup}": "1"}
        assert ask(client, paid, **asked).status_code == 302
        answer = ask(client, paid, **asked)
        assert answer.status_code == 409
        assert "You have asked for money back already." in text_of(answer)

    @pytest.mark.parametrize(
        ("answer", "tone"), [(services.accept_refund_request, "done"), (services.refuse_refund_request, "bad")]
    )
    def test_the_answer_is_said(
        self, paid: Order, buyer: Account, seller: Account, customer: Customer, answer: Any, tone: str
    ) -> None:
        client, cup = customer(buyer), line_of(paid, "Cup")
        ask(client, paid, **{f"want-{cup}": "on", f"much-{cup}": "1"})
        request = RefundRequest.objects.get().public_id
        answer(request=request, answer="As you say.", actor=Actor.own(seller), now=clock.now() + timedelta(hours=1))
        steps = client.get(path_of(paid)).context["steps"]
        told = {step.title: (step.tone.value, step.text) for step in steps}
        said = "The request was accepted" if tone == "done" else "The request was refused"
        assert told[said] == (tone, "As you say.")

    def test_is_for_who_ordered_what_is_paid(
        self, pending: Order, paid: Order, buyer: Account, new_account: Any, customer: Customer
    ) -> None:
        assert customer(new_account()).get(path_of(paid, "/refund")).status_code == 404
        assert customer(buyer).get(path_of(pending, "/refund"))["Location"] == path_of(pending)
