from typing import Any

import pytest
from django.db import IntegrityError, transaction

from catalog.models import Item
from core.registry import proof_lines
from events.models import EventRecord
from orders.book_check import check_orders
from orders.models import Order, OrderLine, Refund
from tests.shop import offer, paid_order, place
from wallets.models import Earning, UnbookedChange


def refund(api: Any, seller: Any, order: Order, body: dict, key: str = "r") -> Any:
    return api(seller).post(f"/orders/{order.public_id}/refunds", {"reason": "Broken.", **body}, key=key)


@pytest.fixture
def basket(buyer, seller) -> Order:
    """Paid: 2 × 10.00 and 1 × 5.00 GBP, the second line unlimited."""
    return paid_order(buyer, (offer(seller, stock=5), 2), offer(seller, title="Cup", price_minor=500))


def line_of(order: Order, place_: int) -> OrderLine:
    return list(order.lines.order_by("id"))[place_]


class TestARefundByAmount:
    def test_is_spread_over_the_lines_by_what_is_left_of_each(self, api, seller, basket):
        made = refund(api, seller, basket, {"amount": 1001})

        assert made.status_code == 201
        document = made.json()
        assert (document["amount"], document["currency"], document["status"]) == (1001, "GBP", "succeeded")
        assert [line["amount"] for line in document["lines"]] == [801, 200]
        assert api(seller).get(f"/refunds/{document['id']}").json() == document

    def test_takes_from_seller_and_platform_and_gives_to_the_payer(self, api, buyer, seller, basket):
        made = refund(api, seller, basket, {"amount": 1001}).json()

        event = EventRecord.objects.get(type="order.refunded")
        assert (event.key, event.subject) == (f"order.refunded:{made['id']}", basket.public_id)
        assert event.payload == {
            "order": basket.public_id,
            "refund": made["id"],
            "payer": buyer.public_id,
            "buyer": buyer.public_id,
            "seller": seller.public_id,
            "net_minor": 951,
            "fee_minor": 50,
            "currency": "GBP",
            "channel": "online",
            "undoes": f"order.paid:{basket.public_id}",
        }
        assert Earning.objects.get().reversed_minor == 951
        change = UnbookedChange.objects.get(event_id=event.id)
        assert (change.owner, change.amount_minor) == (buyer, 1001)

    def test_never_exceeds_what_is_paid(self, api, seller, basket):
        assert refund(api, seller, basket, {"amount": 2500}).status_code == 201

        refused = refund(api, seller, basket, {"amount": 1}, key="more")

        assert (refused.status_code, refused.json()["code"], refused.json()["left"]) == (409, "refund_exceeds_paid", 0)
        assert list(check_orders()) == []

    def test_of_an_unpaid_order_is_more_than_was_paid(self, api, seller, pending):
        line = pending.lines.get().public_id

        for body in ({"amount": 1}, {"lines": [{"line": line, "amount": 1}]}):
            assert refund(api, seller, pending, body).json()["code"] == "refund_exceeds_paid"


class TestARefundByLines:
    def test_takes_from_the_lines_it_names(self, api, seller, basket):
        first = line_of(basket, 0)

        made = refund(api, seller, basket, {"lines": [{"line": first.public_id, "amount": 700}]}).json()

        assert made["lines"] == [{"line": first.public_id, "amount": 700, "restocked": 0}]
        assert [line.refunded_minor for line in basket.lines.order_by("id")] == [700, 0]

    @pytest.mark.parametrize(
        ("amount", "restock", "units"),
        [(1000, True, 1), (1999, True, 1), (2000, True, 2), (700, True, 0), (700, 1, 1), (700, 2, 2), (700, False, 0)],
    )
    def test_puts_goods_back_on_the_shelf(self, api, seller, basket, amount: int, restock: Any, units: int):
        line = line_of(basket, 0)

        made = refund(api, seller, basket, {"lines": [{"line": line.public_id, "amount": amount, "restock": restock}]})

        assert made.json()["lines"][0]["restocked"] == units
        assert Item.objects.get(id=line.item_id).stock == 3 + units

    def test_never_puts_back_more_than_was_sold(self, api, seller, basket):
        line = line_of(basket, 0)
        body = {"lines": [{"line": line.public_id, "amount": 700, "restock": 2}]}
        refund(api, seller, basket, body)

        refused = refund(api, seller, basket, {"lines": [body["lines"][0] | {"restock": 1}]}, key="more")

        assert (refused.status_code, refused.json()["code"]) == (409, "restock_exceeds_quantity")

    def test_never_exceeds_a_line(self, api, seller, basket):
        body = {"lines": [{"line": line_of(basket, 1).public_id, "amount": 501}]}

        assert refund(api, seller, basket, body).json()["code"] == "refund_exceeds_paid"

    def test_knows_the_orders_own_lines_only(self, api, seller, basket, buyer, item):
        other = place(buyer, item).orders[0].lines.get().public_id

        for line in (other, "lin_0", "x"):
            refused = refund(api, seller, basket, {"lines": [{"line": line, "amount": 1}]})
            assert (refused.status_code, refused.json()["code"]) == (422, "line_unknown")
            assert refused.json()["errors"][0]["field"] == "lines.0.line"


class TestARefundsBody:
    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "amount_or_lines"),
            ({"amount": 1, "lines": [{"line": "lin_1", "amount": 1}]}, "amount_or_lines"),
            ({"amount": 0}, "amount_invalid"),
            ({"lines": []}, "min_length"),
            ({"lines": [{"line": "lin_1", "amount": 1}] * 2}, "line_repeated"),
            ({"lines": [{"line": "lin_1", "amount": 1, "restock": "yes"}]}, "invalid"),
            ({"lines": [{"line": "lin_1", "amount": 1, "restock": -1}]}, "invalid"),
            ({"amount": 1, "reason": ""}, "blank"),
            ({"amount": 1, "reason": "x" * 501}, "max_length"),
            ({"amount": 1, "currency": "GBP"}, "unknown_field"),
        ],
    )
    def test_is_refused_where_it_is_faulty(self, api, seller, basket, body: dict, code: str):
        refused = refund(api, seller, basket, body)

        assert (refused.status_code, refused.json()["code"]) == (422, code)


class TestWhoRefunds:
    def test_the_seller_only(self, api, buyer, operator, new_account, basket):
        assert refund(api, new_account(side="seller"), basket, {"amount": 1}).status_code == 404
        for account in (buyer, operator):
            assert refund(api, account, basket, {"amount": 1}).status_code == 403

    def test_buyer_seller_and_operators_see_it(self, api, buyer, seller, operator, new_account, basket):
        made = refund(api, seller, basket, {"amount": 5}).json()

        for account in (buyer, seller, operator):
            assert api(account).get(f"/refunds/{made['id']}").json() == made
            assert api(account).get(f"/orders/{basket.public_id}/refunds").json()["results"] == [made]
        assert api(new_account()).get(f"/refunds/{made['id']}").status_code == 404
        assert api(new_account()).get(f"/orders/{basket.public_id}/refunds").status_code == 404

    def test_a_list_of_refunds_takes_as_many_statements_as_one(self, api, seller, basket, statements):
        caller = api(seller)
        for number in range(5):
            refund(api, seller, basket, {"amount": 10}, key=str(number))

        with statements() as seen:
            caller.get(f"/orders/{basket.public_id}/refunds")

        assert len(seen) <= 4, str(seen)


class TestARefundIsFinal:
    def test_no_row_of_it_is_written_again(self, api, seller, basket):
        refund(api, seller, basket, {"amount": 5})

        for change in (
            lambda: Refund.objects.update(amount_minor=6),
            lambda: Refund.objects.first().lines.all().delete(),
        ):
            with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
                change()

    def test_the_database_itself_refuses_more_than_was_paid(self, basket):
        with pytest.raises(IntegrityError, match="order_refund_within"), transaction.atomic():
            Order.objects.filter(id=basket.id).update(refunded_minor=2501, fee_refunded_minor=125)


def test_of_what_was_released_the_seller_gives_back_from_the_wallet_or_owes_it(api, operator, buyer, seller, paid):
    api(seller).post(f"/orders/{paid.public_id}/fulfil", key="f")
    api(operator).post("/clock/advance", {"seconds": 100 * 86400})
    assert Earning.objects.get().status == "released"

    made = refund(api, seller, paid, {"amount": 1000})

    assert made.status_code == 201
    types = EventRecord.objects.filter(subject=paid.public_id).order_by("id").values_list("type", flat=True)
    assert list(types)[-2:] == ["earnings.reversed", "order.refunded"]
    assert sum(line.amount_minor for line in proof_lines(paid.public_id)) == 0
    assert list(check_orders()) == []
