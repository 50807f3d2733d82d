"""A buyer asks, the seller answers, and after a time limit an operator may."""

from typing import Any

import pytest
from django.conf import settings

from orders.book_check import check_orders
from orders.models import Order, Refund


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

    def test_cannot_promise_what_is_gone_by_then(self, api, seller, paid, asked):
        api(seller).post(f"/orders/{paid.public_id}/refunds", {"amount": 1000, "reason": "x"}, key="r")

        assert decide(api, seller, asked, "accept").json()["code"] == "refund_exceeds_paid"
        assert decide(api, seller, asked, "refuse").status_code == 200

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
