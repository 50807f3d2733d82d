"""From the order to the ledger and back: what the rows say and what is booked is the same at every step."""

from typing import Any

import pytest

from core.registry import book_checks
from ledger.codes import debt, pending, wallet
from orders.models import Order
from tests.money_facts import balance, top_up
from tests.proofs.world import book
from tests.shop import offer, place

WEEKS = 60 * 86400


@pytest.fixture
def funded(buyer) -> Any:
    """The buyer, with 100.00 GBP that were booked."""
    top_up(buyer.public_id, 10_000)
    book()
    return buyer


class TestOneOrder:
    @pytest.fixture
    def order(self, api, funded, seller) -> Order:
        """20.01 GBP paid, of which 1.00 is the platform's."""
        order = place(funded, (offer(seller, price_minor=667), 3)).orders[0]
        body = {"amount": 2001, "currency": "GBP"}
        assert api(funded).post(f"/orders/{order.public_id}/pay", body, key="p").status_code == 200
        book()
        return order

    def refund(self, api: Any, seller: Any, order: Order, minor: int) -> None:
        body = {"amount": minor, "reason": "x"}
        made = api(seller).post(f"/orders/{order.public_id}/refunds", body, key=f"r{minor}")
        assert made.status_code == 201
        book()

    def release(self, api: Any, operator: Any, seller: Any, order: Order) -> None:
        api(seller).post(f"/orders/{order.public_id}/fulfil", key="f")
        assert api(operator).post("/clock/advance", {"seconds": WEEKS}).status_code == 200
        book()

    def proof(self, api: Any, operator: Any, order: Order) -> Any:
        """The order's money, which must be balanced and booked."""
        proof = api(operator).get(f"/orders/{order.public_id}/money").json()
        assert (proof["balanced"], proof["booked"]) == (True, True)
        assert sum(share["amount"] for share in proof["shares"]) + proof["refunded"] == proof["paid"] == 2001
        return proof

    def has(self, buyer: Any, seller: Any) -> list[int]:
        seller_id = seller.public_id
        codes = [wallet(buyer.public_id), pending(seller_id), wallet(seller_id), debt(seller_id), "platform:fees"]
        return [balance(code) for code in codes]

    def test_is_paid(self, api, operator, funded, seller, order):
        self.proof(api, operator, order)

        assert self.has(funded, seller) == [7999, 1901, 0, 0, 100]

    def test_is_refunded_while_its_earnings_are_pending(self, api, operator, funded, seller, order):
        self.refund(api, seller, order, 1000)
        self.proof(api, operator, order)

        assert self.has(funded, seller) == [8999, 950, 0, 0, 51]

    def test_is_refunded_after_their_release_from_the_wallet(self, api, operator, funded, seller, order):
        self.release(api, operator, seller, order)
        assert self.has(funded, seller) == [7999, 0, 1901, 0, 100]

        self.refund(api, seller, order, 1000)
        self.proof(api, operator, order)

        assert self.has(funded, seller) == [8999, 0, 950, 0, 51]

    def test_leaves_a_debt_where_the_wallet_is_empty(self, api, operator, funded, seller, order):
        self.release(api, operator, seller, order)
        body = {"amount": 1901, "currency": "GBP"}
        assert api(seller).post("/wallet/withdrawals", body, key="w").status_code == 201
        book()

        self.refund(api, seller, order, 2001)
        self.proof(api, operator, order)

        assert self.has(funded, seller) == [10_000, 0, 0, -1901, 0]

    def test_is_cancelled_by_its_seller(self, api, operator, funded, seller, order):
        assert api(seller).post(f"/orders/{order.public_id}/cancel", key="c").status_code == 200
        book()
        self.proof(api, operator, order)

        assert self.has(funded, seller) == [10_000, 0, 0, 0, 0]

    def test_leaves_nothing_for_the_books_to_complain_about(self, api, operator, funded, seller, order):
        self.refund(api, seller, order, 7)
        self.release(api, operator, seller, order)
        self.refund(api, seller, order, 500)

        assert [finding for check in book_checks() if check.name == "orders" for finding in check.run()] == []
