"""What a seller has sold, in the browser: handing over, cancelling, giving money back, answering requests."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.actor import Actor
from accounts.models import Account
from core import clock
from orders.models import Order, Refund, RefundRequest
from orders.selling import foresee_refund
from orders.services import WantedRefundLine, complete_order, fulfil_order, refund_order, request_refund
from tests.portal.conftest import hidden_fields, send, text_of
from tests.sharing.money import sold
from tests.sharing.programs import give, share
from tests.shop import offer, paid_order, place
from wallets.models import Earning
from wallets.services import release_due_earnings

Customer = Callable[[Account], Client]


@pytest.fixture
def order(seller: Account, buyer: Account) -> Order:
    """Two cups of tea of 10.00 and a pot of 30.00, paid; the platform's fee is a twentieth."""
    return paid_order(buyer, (offer(seller), 2), (offer(seller, title="Pot", price_minor=3000, stock=4), 1))


@pytest.fixture
def path(order: Order) -> str:
    return f"/sell/orders/{order.public_id}"


def again(client: Client, path: str, page: Any, **fields: str) -> Any:
    """Send the form of a page that is open, with all that is hidden in it."""
    return client.post(path, {**dict(hidden_fields(page)), **fields})


def release(order: Order, buyer: Account) -> None:
    """What the seller earned by it is in its wallet."""
    now, seller = clock.now(), order.seller
    fulfil_order(order=order.public_id, actor=Actor.own(seller), now=now)
    complete_order(order=order.public_id, actor=Actor.own(buyer), now=now)
    assert release_due_earnings(now + timedelta(days=30)) == 1


class TestSoldOrders:
    """/sell/orders"""

    def test_are_listed_by_state_in_few_statements(
        self, order: Order, seller: Account, buyer: Account, new_account: Any, customer: Customer, statements: Any
    ) -> None:
        paid_order(buyer, offer(new_account(side="seller"), title="Stranger's"))
        client, seen = customer(seller), []
        for _ in range(2):
            with statements() as counted:
                page = client.get("/sell/orders")
            seen.append(len(counted))
            for _ in range(3):
                place(buyer, offer(seller, title="Cake"))
        assert seen[0] == seen[1] <= 7, str(counted)
        assert "Stranger" not in text_of(page)
        said = text_of(client.get("/sell/orders?state=paid"))
        assert "All 7 To hand over 1 Not paid yet 6" in said
        assert f"Tea and one more {buyer.name}" in said
        assert "Cake" not in said
        assert "No order is in this state." in text_of(client.get("/sell/orders?state=closed"))


class TestASoldOrder:
    """/sell/orders/<id>"""

    def test_is_handed_over_once_however_often_it_is_pressed(
        self, order: Order, path: str, seller: Account, customer: Customer
    ) -> None:
        client = customer(seller)
        page = client.get(path)
        assert "To hand over" in text_of(page)

        there = [again(client, path, page)["Location"] for _ in range(2)]

        order.refresh_from_db()
        assert (there, order.status) == ([path, path], "fulfilled")
        assert "The customer confirms" in text_of(client.get(path))
        late = again(client, path, page, key="another")
        assert late.status_code == 409
        assert "Only what is paid can be handed over, and only once." in text_of(late)

    def test_says_what_it_costs_and_who_brought_the_customer(
        self, seller: Account, buyer: Account, new_account: Any, customer: Customer
    ) -> None:
        tea = offer(seller)
        give(tea, rate_bps=1000)
        brought = sold(share(new_account(name="Sam"), tea), buyer)
        said = text_of(customer(seller).get(f"/sell/orders/{brought.public_id}"))
        assert "The platform's fee £0.50" in said
        assert "Sam Brought the customer of Tea: 10 % of what is sold. £1.00" in said

    def test_is_nobody_elses(
        self, path: str, order: Order, buyer: Account, new_account: Any, customer: Customer
    ) -> None:
        other = customer(new_account(side="seller"))
        for what in ("", "/cancel", "/refund"):
            assert other.get(f"{path}{what}").status_code == 404
            assert customer(buyer).get(f"{path}{what}").status_code == 403
        assert send(other, "/sell/items/new").status_code == 422
        token = other.cookies["csrftoken"].value
        for what in ("", "/cancel", "/refund"):
            sent = {"csrfmiddlewaretoken": token, "key": "k", "sum": "5000", "how": "whole", "confirmed": "k"}
            assert other.post(f"{path}{what}", {**sent, "reason": "x"}).status_code == 404
        order.refresh_from_db()
        assert (order.status, order.refunded_minor) == ("paid", 0)

    def test_is_cancelled_after_a_question_that_names_the_sum(
        self, order: Order, path: str, seller: Account, customer: Customer
    ) -> None:
        client = customer(seller)
        page = client.get(f"{path}/cancel")
        said = text_of(page)
        assert "Your earnings that are not released yet £47.50 The platform's fee £2.50" in said
        assert "Cancel and give £50.00 back" in said

        for _ in range(2):
            assert again(client, f"{path}/cancel", page)["Location"] == path

        order.refresh_from_db()
        assert (order.status, order.refunded_minor, Refund.objects.count()) == ("cancelled", 5000, 1)
        assert client.get(f"{path}/cancel")["Location"] == path

    def test_is_not_cancelled_for_another_sum_than_was_named(
        self, order: Order, path: str, seller: Account, customer: Customer
    ) -> None:
        client = customer(seller)
        page = client.get(f"{path}/cancel")
        refund_order(order=order.public_id, amount_minor=100, reason="x", actor=Actor.own(seller), now=clock.now())
        answer = again(client, f"{path}/cancel", page)
        assert answer.status_code == 409
        assert "The sum has changed meanwhile." in text_of(answer)
        order.refresh_from_db()
        assert order.status == "paid"


class TestGivingMoneyBack:
    """/sell/orders/<id>/refund"""

    def ask(self, client: Client, path: str, **fields: str) -> Any:
        return send(client, f"{path}/refund", reason="Cold.", **fields)

    @pytest.mark.parametrize(
        ("fields", "minor"),
        [
            ({"how": "whole"}, 5000),
            ({"how": "amount", "amount": "12.34"}, 1234),
            ({"how": "lines", "line_1": "30"}, 3000),
            ({"how": "lines", "line_0": "5.50", "line_1": "7"}, 1250),
        ],
    )
    def test_is_asked_first_with_the_sum_and_done_once(
        self, order: Order, path: str, seller: Account, customer: Customer, fields: dict[str, str], minor: int
    ) -> None:
        client = customer(seller)
        question = self.ask(client, path, **fields)
        said = text_of(question)
        assert f"Give £{minor // 100}.{minor % 100:02} back?" in said
        assert not Refund.objects.exists()

        for _ in range(2):
            assert again(client, f"{path}/refund", question)["Location"] == path

        refund = Refund.objects.get()
        assert (refund.amount_minor, refund.reason) == (minor, "Cold.")
        if minor == 5000:
            assert client.get(f"{path}/refund")["Location"] == path

    def test_by_item_puts_it_back_on_the_shelf_where_that_is_said(
        self, order: Order, path: str, seller: Account, customer: Customer
    ) -> None:
        client = customer(seller)
        again(client, f"{path}/refund", self.ask(client, path, how="lines", line_1="30", back_1="on"))
        assert order.lines.get(title="Pot").item.stock == 4  # type: ignore[union-attr]

    def test_can_be_changed_before_it_is_done(
        self, path: str, order: Order, seller: Account, customer: Customer
    ) -> None:
        client = customer(seller)
        changed = again(client, f"{path}/refund", self.ask(client, path, how="amount", amount="7"), change="on")
        assert 'value="7"' in changed.content.decode()
        assert not Refund.objects.exists()

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"how": "amount", "amount": "50.01"}, "This is more than is left to give back."),
            ({"how": "lines", "line_0": "20.01"}, "This is more than is left to give back."),
            ({"how": "amount"}, "Write an amount above zero"),
            ({"how": "lines"}, "Write beside at least one item"),
        ],
    )
    def test_refuses_what_cannot_be_given(
        self, path: str, seller: Account, customer: Customer, fields: dict[str, str], said: str
    ) -> None:
        answer = self.ask(customer(seller), path, **fields)
        assert answer.status_code in (409, 422)
        assert said in text_of(answer)

    def test_is_not_done_for_another_sum_than_was_named(
        self, order: Order, path: str, seller: Account, customer: Customer
    ) -> None:
        client = customer(seller)
        question = self.ask(client, path, how="whole")
        refund_order(order=order.public_id, amount_minor=1, reason="x", actor=Actor.own(seller), now=clock.now())
        answer = again(client, f"{path}/refund", question)
        assert answer.status_code == 409
        assert Refund.objects.count() == 1

    def test_says_what_would_be_owed(
        self, order: Order, path: str, seller: Account, buyer: Account, customer: Customer
    ) -> None:
        release(order, buyer)  # Billing has not booked it: there is nothing in the wallet yet.
        said = text_of(self.ask(customer(seller), path, how="amount", amount="20"))
        assert "A debt to the platform" in said
        assert "£19.00 The platform's fee £1.00 Back to the customer £20.00" in said


class TestWhatARefundWouldTake:
    """`foresee_refund` says what `refund_order` then does"""

    @pytest.mark.parametrize("steps", [(1,), (333, 1), (999, 1000, 1)])
    def test_of_pending_earnings_step_by_step(self, order: Order, seller: Account, steps: tuple[int, ...]) -> None:
        for minor in (*steps, 5000 - sum(steps)):
            order.refresh_from_db()
            before = Earning.objects.get(owner=seller).amount_minor
            foreseen = foresee_refund(order=order, amount_minor=minor)
            refund_order(
                order=order.public_id, amount_minor=minor, reason="x", actor=Actor.own(seller), now=clock.now()
            )
            refund = Refund.objects.latest("pk")
            assert foreseen.amount.minor == minor
            assert foreseen.from_platform.minor == sum(line.fee_minor for line in refund.lines.all())
            assert foreseen.from_pending.minor == before - Earning.objects.get(owner=seller).amount_minor

    def test_of_a_sharers_part(self, seller: Account, buyer: Account, new_account: Any) -> None:
        tea, sharer = offer(seller), new_account()
        give(tea, rate_bps=3333)
        brought = sold(share(sharer, tea), buyer)
        line = brought.lines.get().public_id
        for minor in (501, 499):
            brought.refresh_from_db()
            foreseen = foresee_refund(order=brought, lines=[WantedRefundLine(line, minor)])
            before = Earning.objects.get(owner=sharer).amount_minor
            refund_order(
                order=brought.public_id,
                lines=[WantedRefundLine(line, minor)],
                reason="x",
                actor=Actor.own(seller),
                now=clock.now(),
            )
            assert foreseen.from_sharers.minor == before - Earning.objects.get(owner=sharer).amount_minor
            parts = (foreseen.from_platform, foreseen.from_sharers, foreseen.from_pending)
            assert sum(part.minor for part in parts) == minor


class TestRefundRequests:
    """/sell/refund-requests"""

    @pytest.fixture
    def request_(self, order: Order, buyer: Account) -> RefundRequest:
        return request_refund(order=order.public_id, reason="It was cold.", actor=Actor.own(buyer), now=clock.now())

    @pytest.fixture
    def path(self, request_: RefundRequest) -> str:
        return f"/sell/refund-requests/{request_.public_id}"

    def test_are_listed_until_they_are_answered_in_few_statements(
        self, request_: RefundRequest, path: str, seller: Account, buyer: Account, customer: Customer, statements: Any
    ) -> None:
        client, seen = customer(seller), []
        for _ in range(2):
            with statements() as counted:
                page = client.get("/sell/refund-requests")
            seen.append(len(counted))
            request_refund(
                order=paid_order(buyer, offer(seller)).public_id, reason="?", actor=Actor.own(buyer), now=clock.now()
            )
        assert seen[0] == seen[1] <= 6, str(counted)
        assert f"{buyer.name} It was cold." in text_of(page)
        assert path in page.content.decode()

    def test_are_accepted_once_with_the_sum_on_the_button(
        self, request_: RefundRequest, path: str, seller: Account, customer: Customer
    ) -> None:
        client = customer(seller)
        page = client.get(path)
        assert "Accept and give £50.00 back" in text_of(page)
        for _ in range(2):
            assert again(client, path, page, verdict="accept", answer="Sorry!")["Location"] == path
        request_.refresh_from_db()
        assert (request_.status, request_.answer, Refund.objects.get().amount_minor) == ("accepted", "Sorry!", 5000)
        assert "Accepted" in text_of(client.get(path))
        assert "Nothing waits" in text_of(client.get("/sell/refund-requests"))
        assert "It was cold." in text_of(client.get("/sell/refund-requests?state=all"))

    def test_are_refused_with_a_word(
        self, request_: RefundRequest, path: str, seller: Account, customer: Customer
    ) -> None:
        send(customer(seller), path, key="k", sum="5000", verdict="refuse", answer="It was hot.")
        request_.refresh_from_db()
        assert (request_.status, Refund.objects.exists()) == ("refused", False)

    def test_are_not_accepted_for_another_sum_or_by_others(
        self, request_: RefundRequest, path: str, order: Order, seller: Account, new_account: Any, customer: Customer
    ) -> None:
        client, other = customer(seller), customer(new_account(side="seller"))
        page = client.get(path)
        assert other.get(path).status_code == 404
        refund_order(order=order.public_id, amount_minor=1, reason="x", actor=Actor.own(seller), now=clock.now())
        answer = again(client, path, page, verdict="accept")
        assert answer.status_code == 409
        assert "The sum has changed" in text_of(answer)
        assert re.search(r"Accept and give £49.99 back", text_of(client.get(path)))
