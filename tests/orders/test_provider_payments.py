"""What the wallet lacks is charged, booked as a top-up, and then pays; what cannot be paid stays in the wallet."""

from typing import Any

import pytest
from django.conf import settings

from core import clock
from events.delivery import deliver_due
from events.models import EventRecord
from ledger.codes import wallet
from orders.book_check import check_orders
from orders.models import Order, ProviderPayment
from orders.services import run_due_transitions
from tests.money_facts import balance, book
from tests.shop import fund, offer, place
from tests.wallets import doubles
from wallets.models import TopUp
from wallets.providers.base import Failed, InProgress
from wallets.services import finish_top_up

BODY = {"amount": 1000, "currency": "GBP", "provider": "double"}

pytestmark = pytest.mark.usefixtures("provider", "db")


def pay(api: Any, buyer: Any, order: Order, key: str = "k", **body: Any) -> Any:
    return api(buyer).post(f"/orders/{order.public_id}/pay", BODY | body, key=key)


def deliver() -> None:
    book()
    deliver_due("order_payments")


class TestPayingWithAProvider:
    def test_charges_what_is_missing_and_pays_once_that_is_booked(self, api, buyer, pending):
        fund(buyer, 400)

        answer = pay(api, buyer, pending)

        assert answer.status_code == 200
        assert answer.json()["status"] == "pending"
        assert answer.json()["payment"] == {
            "status": "in_progress",
            "provider": "double",
            "amount": 600,
            "currency": "GBP",
            "failure": None,
            "client_secret": None,
        }
        assert [charge["minor"] for charge in doubles.moved()] == [600]
        assert doubles.DoubleProvider.in_transaction == [True]  # Of the test; there is none of ours.

        deliver()

        paid = api(buyer).get(f"/orders/{pending.public_id}").json()
        assert (paid["status"], paid["payment"]["status"]) == ("paid", "succeeded")
        assert paid["payer"]["id"] == buyer.public_id
        assert EventRecord.objects.get(type="order.paid").payload["provider"] == "double"
        book()
        assert balance(wallet(buyer.public_id)) == 0
        assert list(check_orders()) == []

    def test_calls_nobody_where_the_wallet_has_it_all(self, api, rich, pending):
        answer = pay(api, rich, pending).json()

        assert (answer["status"], answer["payment"]["status"], answer["payment"]["amount"]) == ("paid", "succeeded", 0)
        assert doubles.moved() == []

    def test_repeats_its_answer_and_charges_once(self, api, buyer, pending):
        first = pay(api, buyer, pending)
        again = pay(api, buyer, pending)

        assert again.json() == first.json()
        assert again.headers["Idempotent-Replayed"] == "true"
        assert len(doubles.moved()) == 1

    def test_charges_one_payment_at_a_time(self, api, buyer, pending):
        pay(api, buyer, pending)

        refused = pay(api, buyer, pending, key="another")
        whole = api(buyer).post(f"/checkouts/{pending.checkout.public_id}/pay", BODY, key="whole")

        assert refused.json()["code"] == whole.json()["code"] == "payment_in_progress"
        assert len(doubles.moved()) == 1

    def test_that_the_provider_refuses_has_failed_and_may_be_tried_again(self, api, buyer, pending):
        doubles.DoubleProvider.answers = Failed("card_refused")

        answer = pay(api, buyer, pending)

        assert (answer.json()["status"], answer.json()["payment"]["status"]) == ("pending", "failed")
        assert answer.json()["payment"]["failure"] == "card_refused"
        assert pay(api, buyer, pending, key="again").status_code == 200

    def test_that_the_provider_answers_later_is_paid_later(self, api, buyer, pending):
        doubles.DoubleProvider.answers = InProgress("int_1", "go on with this")
        payment = pay(api, buyer, pending).json()["payment"]
        assert (payment["status"], payment["client_secret"]) == ("in_progress", "go on with this")

        top_up = TopUp.objects.get()
        finish_top_up(public_id=top_up.public_id, outcome=doubles.Succeeded("late"), now=clock.now())
        deliver()

        assert Order.objects.get().status == "paid"

    def test_leaves_the_money_in_the_wallet_if_the_order_was_closed_meanwhile(self, api, buyer, pending):
        pay(api, buyer, pending)
        run_due_transitions(clock.now() + settings.ORDER_PAYMENT_LIMIT)

        deliver()

        shown = api(buyer).get(f"/orders/{pending.public_id}").json()
        assert (shown["status"], shown["payment"]["status"]) == ("closed", "failed")
        assert shown["payment"]["failure"] == "order_not_payable"
        assert balance(wallet(buyer.public_id)) == 1000
        assert not EventRecord.objects.filter(type="order.paid").exists()

    def test_leaves_the_money_in_the_wallet_if_the_rest_was_spent_meanwhile(self, api, buyer, seller, pending):
        fund(buyer, 400)
        pay(api, buyer, pending)
        other = place(buyer, offer(seller, price_minor=400)).orders[0]
        api(buyer).post(f"/orders/{other.public_id}/pay", {"amount": 400, "currency": "GBP"}, key="other")

        deliver()

        assert ProviderPayment.objects.get().failure == "insufficient_funds"
        assert Order.objects.get(id=pending.id).status == "pending"

    def test_hears_of_other_top_ups_without_doing_anything(self, api, buyer, pending):
        api(buyer).post("/wallet/top-ups", {"amount": 5000, "currency": "GBP", "provider": "double"}, key="t")

        deliver()

        assert Order.objects.get().status == "pending"


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({"provider": "nobody"}, 422, "provider_unknown"),
            ({"amount": 999}, 422, "amount_mismatch"),
            ({"amount": 0}, 422, "amount_invalid"),
            ({"provider": 5}, 422, "invalid"),
            ({"wallet": "acc_other"}, 404, "account_not_linked"),
        ],
    )
    def test_charge_nobody(self, api, buyer, pending, body: dict, status: int, code: str):
        refused = pay(api, buyer, pending, **body)

        assert (refused.status_code, refused.json()["code"]) == (status, code)
        assert not TopUp.objects.exists()
        assert doubles.moved() == []

    def test_come_in_the_contracts_order(self, api, buyer, seller, new_account, pending, paid):
        path = f"/orders/{pending.public_id}/pay"

        assert api().post(path, BODY, key="k").status_code == 401
        assert api(buyer).post(path, BODY).json()["code"] == "idempotency_key_required"
        assert api(seller).post(path, BODY, key="k").status_code == 403
        assert api(new_account()).post(path, BODY, key="k").status_code == 404
        assert api(buyer).post(path, '{"provider": "double", "provider": 1}', key="k").status_code == 400
        assert pay(api, buyer, paid).json()["code"] == "order_not_payable"

    def test_a_null_provider_is_none(self, api, rich, pending):
        assert pay(api, rich, pending, provider=None).json()["payment"] is None


class TestPayingACheckoutWithAProvider:
    def test_pays_all_orders_once_it_is_booked(self, api, buyer, seller, other_seller):
        checkout = place(buyer, offer(seller, price_minor=300), offer(other_seller, price_minor=700)).checkout
        path = f"/checkouts/{checkout.public_id}"

        answer = api(buyer).post(f"{path}/pay", BODY, key="k").json()
        assert (answer["status"], [o["payment"]["status"] for o in answer["orders"]]) == (
            "pending",
            ["in_progress"] * 2,
        )
        deliver()

        assert {order["status"] for order in api(buyer).get(path).json()["orders"]} == {"paid"}
        assert len(doubles.moved()) == 1

    def test_keeps_the_money_if_one_of_them_is_gone(self, api, buyer, seller, other_seller):
        placed = place(buyer, offer(seller, price_minor=300), offer(other_seller, price_minor=700))
        api(buyer).post(f"/checkouts/{placed.checkout.public_id}/pay", BODY, key="k")
        api(buyer).post(f"/orders/{placed.orders[0].public_id}/cancel", key="c")

        deliver()

        assert ProviderPayment.objects.get().failure == "amount_mismatch"
        assert Order.objects.get(id=placed.orders[1].id).status == "pending"


def test_only_the_buyer_and_operators_see_the_payment(api, buyer, seller, operator, pending):
    pay(api, buyer, pending)

    def shown(account: Any) -> Any:
        return api(account).get(f"/orders/{pending.public_id}").json()["payment"]

    assert shown(seller) is None
    assert shown(buyer) == shown(operator) != None  # noqa: E711
