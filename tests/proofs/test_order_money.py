"""paid = sum over parties + refunded, at every state, in the rows and in the book."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.actor import Actor
from accounts.models import Account
from core.money import Money
from events.services import Fact, record_facts
from ledger.models import LedgerAccount
from orders.models import Order
from proofs.order_money import order_money
from tests.money_facts import AT
from tests.proofs.world import book, paid_order, place, refund, release
from tests.wallets.shop import fill
from wallets.models import Debt, Earning
from wallets.services import repay_debts, write_off_debt


def amounts(document: dict[str, Any]) -> dict[str, int]:
    return {share["party"]: share["amount"] for share in document["shares"]}


def adds_up(document: dict[str, Any]) -> bool:
    return sum(amounts(document).values()) + document["refunded"] == document["paid"]


@pytest.mark.django_db
class TestTheIdentity:
    """Whatever happens to an order, nothing of its money is lost."""

    def prove(self, order: Order, operator: Account, api: Callable[..., Any]) -> dict[str, Any]:
        document = api(operator).get(f"/orders/{order.public_id}/money").json()
        assert adds_up(document), document
        assert document["balanced"], document
        return document

    def test_an_order_that_is_not_paid_has_no_money(
        self, buyer: Account, seller: Account, operator: Account, api: Callable[..., Any]
    ) -> None:
        document = self.prove(place(buyer, seller), operator, api)

        assert (document["paid"], document["refunded"], document["shares"]) == (0, 0, [])
        assert (document["events"], document["transfers"], document["booked"]) == ([], [], True)

    def test_it_holds_before_and_after_booking(
        self, rich_buyer: Account, seller: Account, operator: Account, api: Callable[..., Any]
    ) -> None:
        order = paid_order(rich_buyer, seller)

        before = self.prove(order, operator, api)
        book()
        after = self.prove(order, operator, api)

        assert (before["booked"], after["booked"]) == (False, True)
        assert before["transfers"] == []
        assert sum(t["amount"] for t in after["transfers"]) == 1000
        assert amounts(after) == {"seller": 1000 - order.fee_minor, "platform": order.fee_minor}
        share = next(share for share in after["shares"] if share["party"] == "seller")
        assert share["account"] == {"id": seller.public_id, "name": seller.name}
        assert share["status"] == "pending"
        assert [event["type"] for event in after["events"]] == ["order.paid"]

    def test_it_holds_through_release_and_refunds(
        self, rich_buyer: Account, seller: Account, operator: Account, api: Callable[..., Any]
    ) -> None:
        order = paid_order(rich_buyer, seller)
        release(order, rich_buyer, seller)
        self.prove(order, operator, api)
        book()
        self.prove(order, operator, api)
        for minor in (1, 332, 667):
            refund(order, seller, minor)
            self.prove(order, operator, api)
            book()
            document = self.prove(order, operator, api)

        assert document["refunded"] == document["paid"] == 1000
        assert set(amounts(document).values()) == {0}
        assert {share["status"] for share in document["shares"]} == {"reversed"}
        assert document["booked"]

    def test_it_holds_when_a_refund_leaves_a_debt(
        self, rich_buyer: Account, seller: Account, operator: Account, api: Callable[..., Any]
    ) -> None:
        order = paid_order(rich_buyer, seller)
        release(order, rich_buyer, seller)
        refund(order, seller, 1000)  # The release is not booked yet, so all of it is owed.
        book()
        document = self.prove(order, operator, api)
        assert any(transfer["debit"].startswith("debt:") for transfer in document["transfers"])

        fill(seller, 100)
        book()
        repay_debts(owner=seller, amount=Money(100, "GBP"), actor=Actor.own(seller), now=AT)
        debt_id = Debt.objects.get().id
        write_off_debt(debt_id=debt_id, reason="Gone abroad.", actor=Actor.own(operator), now=AT)
        book()

        self.prove(order, operator, api)

    def test_rows_that_lie_are_found(
        self, rich_buyer: Account, seller: Account, operator: Account, api: Callable[..., Any]
    ) -> None:
        order = paid_order(rich_buyer, seller)
        book()
        Earning.objects.update(original_minor=5)

        assert not order_money(order.public_id, visible_to=operator).balanced

    def test_a_book_that_lies_is_found(self, rich_buyer: Account, seller: Account, operator: Account) -> None:
        """The rows add up, but the money lies on somebody else's account."""
        order = paid_order(rich_buyer, seller)
        book()
        stranger = LedgerAccount.objects.get(code=f"pending:{seller.public_id}")
        LedgerAccount.objects.filter(id=stranger.id).update(code="pending:acc_01ZZZZZZZZZZZZZZZZZZZZZZZZ")

        assert not order_money(order.public_id, visible_to=operator).balanced

    def test_an_event_that_waits_elsewhere_is_not_booked(
        self, rich_buyer: Account, seller: Account, operator: Account
    ) -> None:
        order = paid_order(rich_buyer, seller)
        book()
        record_facts([Fact("commission.tested", "k", order.public_id, {}, AT)], also_heard_by=["distribution"])

        assert not order_money(order.public_id, visible_to=operator).booked

    def test_the_number_of_statements_does_not_grow(
        self, rich_buyer: Account, seller: Account, operator: Account, statements: Callable[[], Any]
    ) -> None:
        counts = []
        for refunds in (1, 6):
            order = paid_order(rich_buyer, seller)
            for _ in range(refunds):
                refund(order, seller, 10)
            book()
            with statements() as seen:
                order_money(order.public_id, visible_to=operator)
            counts.append(len(seen))

        assert counts[0] == counts[1] <= 10


@pytest.mark.django_db
class TestWhoSeesWhat:
    """Operators see everything, buyer and seller their part, nobody else anything."""

    def test_the_buyer_sees_the_rest_as_one(
        self, rich_buyer: Account, seller: Account, api: Callable[..., Any]
    ) -> None:
        order = paid_order(rich_buyer, seller)
        release(order, rich_buyer, seller)
        book()

        document = api(rich_buyer).get(f"/orders/{order.public_id}/money").json()

        assert amounts(document) == {"platform": order.fee_minor, "others": 1000 - order.fee_minor}
        assert all(share["account"] is None for share in document["shares"])
        assert adds_up(document)
        assert document["balanced"]
        assert not [t for t in document["transfers"] if t["debit"].startswith("pending:")]
        assert "earnings.released" not in [event["type"] for event in document["events"]]

    def test_the_seller_sees_the_own_part(self, rich_buyer: Account, seller: Account, api: Callable[..., Any]) -> None:
        order = paid_order(rich_buyer, seller)
        release(order, rich_buyer, seller)
        book()

        document = api(seller).get(f"/orders/{order.public_id}/money").json()

        assert amounts(document) == {"seller": 1000 - order.fee_minor, "platform": order.fee_minor}
        assert "earnings.released" in [event["type"] for event in document["events"]]
        assert any(t["credit"] == f"wallet:{seller.public_id}" for t in document["transfers"])

    def test_anybody_else_finds_nothing(
        self, rich_buyer: Account, seller: Account, new_account: Callable[..., Account], api: Callable[..., Any]
    ) -> None:
        path = f"/orders/{paid_order(rich_buyer, seller).public_id}/money"

        assert api(new_account(side="buyer")).get(path).status_code == 404
        assert api(new_account(side="seller")).get(path).status_code == 404
        assert api().get(path).status_code == 401
        assert api(rich_buyer).get("/orders/ord_1/money").status_code == 404
