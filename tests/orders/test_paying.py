from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from core import clock
from core.registry import proof_lines
from events.models import Delivery, EventRecord
from ledger.models import Hold
from orders.book_check import check_orders
from orders.models import Order
from tests.shop import fund, held, offer, place
from wallets.models import Earning

TEN_POUNDS = {"amount": 1000, "currency": "GBP"}


def pay(api: Any, buyer: Any, order: Order, body: dict | None = None, key: str = "pay") -> Any:
    return api(buyer).post(f"/orders/{order.public_id}/pay", TEN_POUNDS if body is None else body, key=key)


class TestPayingAnOrder:
    def test_holds_the_money_once_and_says_what_it_is_for(self, api, rich, seller, pending):
        paid = pay(api, rich, pending)

        assert paid.status_code == 200
        document = paid.json()
        assert (document["status"], document["paid"], document["payer"]["id"]) == ("paid", 1000, rich.public_id)
        assert document["moves_on_at"] is None
        hold = Hold.objects.get()
        assert (hold.amount_minor, hold.key, hold.expires_at) == (1000, f"order.paid:{pending.public_id}", None)
        event = EventRecord.objects.get(type="order.paid")
        assert (event.key, event.subject) == (f"order.paid:{pending.public_id}", pending.public_id)
        assert event.payload == {
            "order": pending.public_id,
            "payer": rich.public_id,
            "buyer": rich.public_id,
            "seller": seller.public_id,
            "gross_minor": 1000,
            "fee_minor": 50,
            "currency": "GBP",
            "channel": "online",
            "holds": [hold.id],
        }
        assert Delivery.objects.filter(consumer="billing", event_id=event.id).exists()

    def test_records_what_the_seller_earns_and_the_platform_keeps(self, api, rich, seller, pending):
        pay(api, rich, pending)

        earning = Earning.objects.get()
        assert (earning.order, earning.owner, earning.role, earning.original_minor) == (
            pending.public_id,
            seller,
            "seller",
            950,
        )
        platform = next(line for line in proof_lines(pending.public_id) if line.party == "platform")
        assert (platform.amount_minor, platform.account, platform.status) == (50, None, "released")
        assert sum(line.amount_minor for line in proof_lines(pending.public_id)) == 1000
        assert list(check_orders()) == []

    def test_of_an_unpaid_order_nobody_has_anything(self, pending):
        assert list(proof_lines(pending.public_id)) == []

    @pytest.mark.parametrize("body", [{"amount": 999, "currency": "GBP"}, {"amount": 1000, "currency": "EUR"}])
    def test_amount_and_currency_must_match_exactly(self, api, rich, pending, body: dict):
        refused = pay(api, rich, pending, body)

        assert (refused.status_code, refused.json()["code"]) == (422, "amount_mismatch")
        assert held(rich) == 0

    def test_money_that_is_not_there_pays_nothing(self, api, buyer, pending):
        fund(buyer, 999)

        refused = pay(api, buyer, pending)

        assert (refused.status_code, refused.json()["code"]) == (409, "insufficient_funds")
        assert Order.objects.get().status == "pending"
        fund(buyer, 1000)
        assert pay(api, buyer, pending).status_code == 200

    def test_happens_once(self, api, rich, pending):
        first = pay(api, rich, pending)
        again = pay(api, rich, pending)
        second = pay(api, rich, pending, key="another")

        assert again.json() == first.json()
        assert (second.status_code, second.json()["code"]) == (409, "order_not_payable")
        assert held(rich) == 1000

    def test_is_too_late_once_its_time_is_up_even_if_no_task_has_run(self, api, rich, item):
        order = place(rich, item, now=clock.now() - settings.ORDER_PAYMENT_LIMIT).orders[0]

        assert pay(api, rich, order).json()["code"] == "order_not_payable"

    def test_is_the_buyers(self, api, rich, seller, new_account, operator, pending):
        assert pay(api, new_account(), pending).status_code == 404
        assert pay(api, seller, pending).json()["code"] == "forbidden"
        assert pay(api, operator, pending).json()["code"] == "forbidden"

    def test_comes_from_the_own_wallet_while_nobody_is_linked(self, api, rich, new_account, pending):
        other = new_account()

        assert pay(api, rich, pending, TEN_POUNDS | {"wallet": other.public_id}).json()["code"] == "account_not_linked"
        assert pay(api, rich, pending, TEN_POUNDS | {"wallet": rich.public_id}).status_code == 200

    def test_what_is_not_there_is_said_before_what_is_wrong_with_the_body(self, api, rich, new_account, pending):
        assert pay(api, rich, pending, {"amount": 0}).status_code == 422
        assert pay(api, new_account(), pending, {"amount": 0}).status_code == 404
        foreign = {"amount": 0, "wallet": new_account().public_id}
        assert pay(api, rich, pending, foreign).json()["code"] == "account_not_linked"
        assert pay(api, rich, pending, {"amount": 0, "wallet": 5}).status_code == 422

    def test_what_is_wrong_with_the_body_is_said_before_the_state(self, api, rich, paid):
        assert pay(api, rich, paid, {"amount": 0}).json()["code"] == "amount_invalid"
        assert pay(api, rich, paid, {"amount": 1, "currency": "GBP"}).json()["code"] == "order_not_payable"

    def test_where_the_fee_is_all_the_seller_earns_nothing(self, rich, seller, api, operator, settings):
        settings.FEE_SCHEDULE_SECOND_PERSON = False
        schedule = api(operator).post("/fee-schedules", {"name": "all", "rules": [{"match": {}, "rate_bps": 10000}]})
        api(operator).post(f"/fee-schedules/{schedule.json()['id']}/activate")
        order = place(rich, offer(seller)).orders[0]

        assert pay(api, rich, order).json()["status"] == "paid"
        assert not Earning.objects.exists()
        refund = api(seller).post(f"/orders/{order.public_id}/refunds", {"amount": 400, "reason": "x"}, key="r")
        assert refund.status_code == 201
        assert list(check_orders()) == []


class TestPayingACheckout:
    @pytest.fixture
    def checkout(self, rich, seller, other_seller) -> Any:
        """Two orders, of 3.00 and 7.00 GBP."""
        return place(rich, offer(seller, price_minor=300), offer(other_seller, price_minor=700))

    def pay(self, api: Any, buyer: Any, checkout: Any, minor: int, key: str = "k") -> Any:
        path = f"/checkouts/{checkout.checkout.public_id}/pay"
        return api(buyer).post(path, {"amount": minor, "currency": "GBP"}, key=key)

    def test_pays_all_orders_each_with_a_hold_and_an_event_of_its_own(self, api, rich, checkout):
        paid = self.pay(api, rich, checkout, 1000)

        assert paid.status_code == 200
        assert (paid.json()["status"], paid.json()["payable"]) == ("paid", 0)
        assert {order["status"] for order in paid.json()["orders"]} == {"paid"}
        assert sorted(Hold.objects.values_list("amount_minor", flat=True)) == [300, 700]
        assert EventRecord.objects.filter(type="order.paid").count() == 2

    def test_pays_all_or_none(self, api, rich, checkout):
        fund(rich, 999)

        assert self.pay(api, rich, checkout, 1000).json()["code"] == "insufficient_funds"
        assert held(rich) == 0
        assert set(Order.objects.values_list("status", flat=True)) == {"pending"}

    def test_pays_what_is_still_payable(self, api, rich, checkout):
        api(rich).post(f"/orders/{checkout.orders[0].public_id}/cancel", key="c")

        assert api(rich).get(f"/checkouts/{checkout.checkout.public_id}").json()["payable"] == 700
        assert self.pay(api, rich, checkout, 1000).json()["code"] == "amount_mismatch"
        assert self.pay(api, rich, checkout, 700).json()["status"] == "paid"
        assert self.pay(api, rich, checkout, 700, key="again").json()["code"] == "order_not_payable"

    def test_its_orders_may_be_paid_singly_too(self, api, rich, checkout):
        path = f"/orders/{checkout.orders[1].public_id}/pay"

        assert api(rich).post(path, {"amount": 700, "currency": "GBP"}, key="s").status_code == 200
        assert api(rich).get(f"/checkouts/{checkout.checkout.public_id}").json()["status"] == "pending"

    def test_is_closed_when_nothing_came_of_it(self, api, rich, checkout):
        for order in checkout.orders:
            api(rich).post(f"/orders/{order.public_id}/cancel", key=order.public_id)

        assert api(rich).get(f"/checkouts/{checkout.checkout.public_id}").json()["status"] == "closed"

    def test_is_its_buyers(self, api, checkout, new_account, seller, operator):
        path = f"/checkouts/{checkout.checkout.public_id}"

        assert api(new_account()).get(path).status_code == 404
        assert api(seller).get(path).status_code == 404
        assert api(operator).get(path).status_code == 200
        assert self.pay(api, new_account(), checkout, 1000).status_code == 404


class TestBudgets:
    """All statements of the request but BEGIN, COMMIT and SAVEPOINT, authentication included."""

    def test_placing_a_line_takes_at_most_14_statements(self, api, rich, seller, statements):
        caller, item = api(rich), offer(seller, stock=5)
        body = {"lines": [{"item": item.public_id, "quantity": 1}]}
        caller.post("/orders", body, key="warm")

        with statements() as seen:
            assert caller.post("/orders", body, key="k").status_code == 201

        assert len(seen) <= 14, str(seen)
        assert len(seen) == 11, f"Better than the budget on purpose: {seen}"

    def test_paying_takes_at_most_10_statements(self, api, rich, pending, statements):
        caller = api(rich)

        with statements() as seen:
            assert caller.post(f"/orders/{pending.public_id}/pay", TEN_POUNDS, key="k").status_code == 200

        assert len(seen) <= 10, str(seen)


def test_an_order_that_waits_says_until_when(api, rich, pending):
    shown = api(rich).get(f"/orders/{pending.public_id}").json()

    assert pending.next_transition_at == pending.placed_at + timedelta(minutes=30)
    assert shown["moves_on_at"].startswith(pending.next_transition_at.isoformat()[:19])
