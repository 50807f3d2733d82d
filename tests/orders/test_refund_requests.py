"""A buyer asks, the seller answers, and after a time limit an operator may."""

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.actor import Actor
from accounts.models import Account
from core import clock
from events.models import EventRecord
from orders import services
from orders.book_check import check_orders
from orders.errors import RefundExceedsPaid, RefundRequestDecided, SellerDecidesFirst
from orders.models import Order, Refund, RefundRequest
from tests.shop import offer, paid_order


def ask(api: Any, buyer: Any, order: Order, **body: Any) -> Any:
    return api(buyer).post(f"/orders/{order.public_id}/refund-requests", {"reason": "It never came.", **body})


def decide(api: Any, account: Any, asked: dict, verdict: str, **body: Any) -> Any:
    return api(account).post(f"/refund-requests/{asked['id']}/{verdict}", body)


@pytest.fixture
def asked(api, buyer, paid) -> dict[str, Any]:
    made = ask(api, buyer, paid)
    assert made.status_code == 201, made.content
    return made.json()


class TestAsking:
    def test_is_the_buyers(self, api, seller, new_account, paid):
        assert ask(api, seller, paid).status_code == 403
        assert ask(api, new_account(), paid).status_code == 404

    def test_moves_no_money(self, asked, paid):
        assert (asked["status"], asked["order"], asked["lines"]) == ("open", paid.public_id, None)
        assert not Refund.objects.exists()

    def test_is_answered_before_it_is_repeated(self, api, buyer, paid, asked):
        assert ask(api, buyer, paid).json()["code"] == "refund_request_open"

    def test_never_asks_for_more_than_is_left(self, api, buyer, pending, paid):
        line = paid.lines.get().public_id

        assert ask(api, buyer, pending).json()["code"] == "refund_exceeds_paid"
        assert ask(api, buyer, paid, lines=[{"line": line, "amount": 1001}]).json()["code"] == "refund_exceeds_paid"
        assert ask(api, buyer, paid, lines=[{"line": "lin_0", "amount": 1}]).json()["code"] == "line_unknown"

    def test_is_seen_by_the_orders_people(self, api, buyer, seller, operator, new_account, paid, asked):
        path = f"/orders/{paid.public_id}/refund-requests"

        for account in (buyer, seller, operator):
            assert api(account).get(path).json()["results"] == [asked]
        assert api(new_account()).get(path).status_code == 404


class TestTheSellersAnswer:
    def test_yes_makes_the_refund(self, api, seller, paid, asked):
        accepted = decide(api, seller, asked, "accept", answer="Sorry.").json()

        refund = Refund.objects.get()
        assert (accepted["status"], accepted["refund"], accepted["answer"]) == ("accepted", refund.public_id, "Sorry.")
        assert (refund.amount_minor, refund.made_by) == (1000, seller)
        assert list(check_orders()) == []

    def test_is_seen_with_its_money_by_both(self, api, buyer, seller, paid):
        line = paid.lines.get().public_id
        asked = ask(api, buyer, paid, lines=[{"line": line, "amount": 300}]).json()
        assert (asked["asked"], asked["refunded"], asked["currency"]) == (300, 0, "GBP")

        decide(api, seller, asked, "accept")

        for account in (buyer, seller):
            shown = api(account).get(f"/refund-requests/{asked['id']}").json()
            assert (shown["status"], shown["asked"], shown["refunded"]) == ("accepted", 300, 300)

    def test_to_all_that_is_left_says_how_much_that_was(self, api, buyer, seller, paid, asked):
        api(seller).post(f"/orders/{paid.public_id}/refunds", {"amount": 400, "reason": "x"}, key="r")
        assert api(buyer).get(f"/refund-requests/{asked['id']}").json()["asked"] == 600

        accepted = decide(api, seller, asked, "accept", answer="Sorry.").json()

        assert (accepted["asked"], accepted["refunded"], accepted["answer"]) == (600, 600, "Sorry.")

    def test_is_told_as_events(self, api, seller, asked):
        decide(api, seller, asked, "accept")

        told = EventRecord.objects.filter(type__startswith="refund.request").order_by("id")
        assert [event.type for event in told] == ["refund.requested", "refund.request_answered"]
        assert told[1].payload["refund"] == Refund.objects.get().public_id

    def test_yes_to_a_line_refunds_that_line(self, api, buyer, seller, paid):
        line = paid.lines.get().public_id
        asked = ask(api, buyer, paid, lines=[{"line": line, "amount": 300}]).json()

        decide(api, seller, asked, "accept")

        assert Order.objects.get().refunded_minor == 300

    def test_no_leaves_the_buyer_free_to_ask_again(self, api, buyer, seller, paid, asked):
        refused = decide(api, seller, asked, "refuse", answer="It was delivered.").json()

        assert (refused["status"], refused["refund"]) == ("refused", None)
        assert ask(api, buyer, paid).status_code == 201

    def test_is_given_once(self, api, seller, asked):
        decide(api, seller, asked, "accept")

        for verdict in ("accept", "refuse"):
            assert decide(api, seller, asked, verdict).json()["code"] == "refund_request_decided"
        assert Refund.objects.count() == 1

    def test_cannot_promise_what_is_gone_by_then(self, api, buyer, seller):
        order = paid_order(buyer, offer(seller), offer(seller))
        first, second = (line.public_id for line in order.lines.order_by("id"))
        asked = ask(api, buyer, order, lines=[{"line": first, "amount": 1000}]).json()
        given = {"lines": [{"line": first, "amount": 1}], "reason": "x"}
        api(seller).post(f"/orders/{order.public_id}/refunds", given, key="r")

        assert decide(api, seller, asked, "accept").json()["code"] == "refund_exceeds_paid"
        assert decide(api, seller, asked, "refuse").status_code == 200
        assert ask(api, buyer, order, lines=[{"line": second, "amount": 1000}]).status_code == 201

    @pytest.mark.parametrize("how", ["refunds", "cancel"])
    def test_is_given_by_whatever_gives_everything_back(self, api, buyer, seller, paid, asked, how):
        body = {"refunds": {"amount": 1000, "reason": "x"}, "cancel": {}}[how]
        assert api(seller).post(f"/orders/{paid.public_id}/{how}", body, key="r").status_code < 300

        shown = api(buyer).get(f"/refund-requests/{asked['id']}").json()
        assert (shown["status"], shown["refunded"]) == ("accepted", 1000)
        assert shown["decided_by"]["id"] == seller.public_id
        assert decide(api, seller, asked, "accept").json()["code"] == "refund_request_decided"
        assert Refund.objects.count() == 1

    def test_is_not_the_buyers_or_another_sellers(self, api, buyer, other_seller, asked):
        assert decide(api, buyer, asked, "accept").status_code == 403
        assert decide(api, other_seller, asked, "accept").status_code == 404


class TestAnOperator:
    def test_decides_only_after_the_seller_had_time(self, api, operator, asked):
        assert decide(api, operator, asked, "accept").json()["code"] == "seller_decides_first"
        seconds = int(settings.REFUND_REQUEST_LIMIT.total_seconds())
        api(operator).post("/clock/advance", {"seconds": seconds})

        accepted = decide(api, operator, asked, "accept").json()

        assert (accepted["status"], accepted["decided_by"]["id"]) == ("accepted", operator.public_id)
        assert Refund.objects.get().made_by == operator

    def test_finds_what_is_overdue_and_only_that(self, api, buyer, seller, operator, asked):
        def found(account: Account, status: str = "overdue") -> list[str]:
            answer = api(account).get(f"/refund-requests?status={status}")
            assert answer.status_code == 200, answer.content
            return [request["id"] for request in answer.json()["results"]]

        assert (found(operator), found(operator, "open")) == ([], [asked["id"]])
        api(operator).post("/clock/advance", {"seconds": int(settings.REFUND_REQUEST_LIMIT.total_seconds())})

        assert found(operator) == found(buyer) == found(seller) == [asked["id"]]
        decide(api, operator, asked, "refuse")
        assert found(operator) == []

    def test_is_told_once_that_it_is_overdue(self, operator, api, asked):
        for _ in range(2):
            api(operator).post("/clock/advance", {"seconds": int(settings.REFUND_REQUEST_LIMIT.total_seconds())})

        told = EventRecord.objects.get(type="refund.request_overdue")
        request = RefundRequest.objects.get()
        assert told.payload["request"] == asked["id"]
        assert told.occurred_at == request.overdue_at == request.operators_from


class TestTheList:
    def test_has_ones_own_as_buyer_and_as_seller(self, api, buyer, seller, other_seller, new_account, paid, asked):
        for account in (buyer, seller):
            assert api(account).get("/refund-requests").json()["results"] == [asked]
        for account in (other_seller, new_account()):
            assert api(account).get("/refund-requests").json()["results"] == []
            assert api(account).get(f"/refund-requests/{asked['id']}").status_code == 404
        assert api(buyer).get("/refund-requests?status=nonsense").status_code == 422


class TestAtTheSameMoment:
    """Seller, operator and a refund by the seller's own hand: the order's lock lets one of them answer."""

    @pytest.fixture
    def overdue(self, committed_db: Any, buyer: Account, seller: Account) -> RefundRequest:
        order = paid_order(buyer, offer(seller))
        past = clock.now() - settings.REFUND_REQUEST_LIMIT
        return services.request_refund(order=order.public_id, reason="x", actor=Actor.own(buyer), now=past)

    def test_seller_and_operator_refund_once(
        self, overdue: RefundRequest, seller: Account, operator: Account, race: Callable[..., list[Any]]
    ) -> None:
        def answer(service: Callable[..., RefundRequest], account: Account) -> RefundRequest:
            return service(request=overdue.public_id, actor=Actor.own(account), now=clock.now())

        outcomes = race(
            lambda: answer(services.accept_refund_request, seller),
            lambda: answer(services.accept_refund_request, operator),
            lambda: answer(services.refuse_refund_request, operator),
        )

        refused = [outcome for outcome in outcomes if isinstance(outcome, RefundRequestDecided)]
        assert len(refused) == 2
        overdue.refresh_from_db()
        assert Refund.objects.count() == (overdue.status == "accepted")
        assert EventRecord.objects.filter(type="refund.request_answered").count() == 1

    def test_an_answer_and_a_refund_give_the_money_back_once(
        self, overdue: RefundRequest, seller: Account, race: Callable[..., list[Any]]
    ) -> None:
        order, actor = overdue.order.public_id, Actor.own(seller)

        outcomes = race(
            lambda: services.accept_refund_request(request=overdue.public_id, actor=actor, now=clock.now()),
            lambda: services.refund_order(order=order, amount_minor=1000, reason="x", actor=actor, now=clock.now()),
        )

        assert sum(isinstance(outcome, RefundRequestDecided | RefundExceedsPaid) for outcome in outcomes) == 1
        overdue.refresh_from_db()
        assert (overdue.status, overdue.refund) == ("accepted", Refund.objects.get())
        assert list(check_orders()) == []

    def test_without_the_lock_both_would_answer(self, overdue: RefundRequest, race: Callable[..., list[Any]]) -> None:
        """The control: the same look without the order's lock lets both through."""
        both_looked = threading.Barrier(2)

        def look() -> str:
            with transaction.atomic():
                status = RefundRequest.objects.get(pk=overdue.pk).status
                both_looked.wait(timeout=30)  # With the lock, the other one never gets here.
            return status

        assert race(look, look) == ["open", "open"]


class TestTheOperatorsPage:
    """What a seller left lying is answered in the browser, with the sum before the eyes."""

    def path(self, asked: dict) -> str:
        return reverse("admin:orders_refundrequest_answer", args=[RefundRequest.objects.get(public_id=asked["id"]).pk])

    def time_is_up(self, api: Any, operator: Any) -> None:
        api(operator).post("/clock/advance", {"seconds": int(settings.REFUND_REQUEST_LIMIT.total_seconds())})

    @pytest.mark.parametrize(("verdict", "refunded_minor"), [("accept", 300), ("refuse", 0)])
    def test_takes_the_operators_word(self, api, browser, buyer, operator, paid, verdict, refunded_minor):
        asked = ask(api, buyer, paid, lines=[{"line": paid.lines.get().public_id, "amount": 300}]).json()
        self.time_is_up(api, operator)
        clerk = browser(operator)

        shown = clerk.get(self.path(asked)).content.decode()
        answered = clerk.post(self.path(asked), {"verdict": verdict, "answer": "As you say."})

        assert "Give 3.00" in shown
        assert "Tea: 3.00" in shown
        assert answered.status_code == 302
        assert Order.objects.get(pk=paid.pk).refunded_minor == refunded_minor
        assert RefundRequest.objects.get().answer == "As you say."
        assert "As you say." in clerk.get(self.path(asked)).content.decode()

    def test_says_why_not_while_it_is_the_sellers_turn_and_keeps_what_was_typed(self, browser, operator, asked):
        answered = browser(operator).post(self.path(asked), {"verdict": "accept", "answer": "As you say."})

        assert SellerDecidesFirst.message in answered.content.decode()
        assert "As you say." in answered.content.decode()
        assert not Refund.objects.exists()

    def test_counts_what_waits_beside_the_list(self, api, browser, operator, asked):
        clerk, listed = browser(operator), reverse("admin:orders_refundrequest_changelist")
        before = clerk.get(listed).content.decode()
        self.time_is_up(api, operator)

        assert waiting_beside(before, listed) == ""
        assert waiting_beside(clerk.get(listed).content.decode(), listed) == "1"


def waiting_beside(page: str, link: str) -> str:
    """The count that the sidebar shows beside a list."""
    beside = page.split(f'href="{link}"', 1)[1].split("</a>", 1)[0]
    return re.sub(r"<[^>]+>", " ", beside).split()[-1].strip() if re.search(r">\s*\d+\s*<", beside) else ""
