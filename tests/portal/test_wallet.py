"""The wallet on its pages: its figures, money in and out with the sum seen twice, the statement and its file."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.actor import Actor
from accounts.models import Account, Session
from core import clock
from core.money import Money
from orders.services import pay_order
from tests.accounts.test_linking import link
from tests.portal.conftest import text_of
from tests.portal.test_items import order_form
from tests.proofs.world import book
from tests.shop import fund, held, offer, paid_order, place
from wallets.models import Debt, TopUp, Withdrawal
from wallets.payout_targets.models import PayoutTarget
from wallets.services import charge_top_up, finish_top_up, request_top_up

Customer = Callable[[Account], Client]

WALLET_STATEMENTS_MAX = 6
STATEMENT_STATEMENTS_MAX = 9
IBAN = "GB33BUKB20201555555555"


def owe(account: Account, minor: int) -> None:
    Debt.objects.create(
        owner=account, currency="GBP", amount_minor=minor, subject="top_x", event_id=1, opened_at=clock.now()
    )


def top_up(account: Account, minor: int) -> None:
    """Booked, by the road that money takes."""
    begun = request_top_up(
        owner=account, amount=Money(minor, "GBP"), provider="local", actor=Actor.own(account), now=clock.now()
    )
    finish_top_up(public_id=begun.public_id, outcome=charge_top_up(public_id=begun.public_id), now=clock.now())
    book()


class TestTheFigures:
    """/wallet"""

    def test_are_each_explained(self, buyer: Account, seller: Account, customer: Customer) -> None:
        paid_order(buyer, offer(seller))
        said = text_of(customer(buyer).get("/wallet"))
        assert "Available £0.00 What you can spend or withdraw now." in said
        assert "Held £10.00 Promised to payments" in said
        earned = text_of(customer(seller).get("/wallet"))
        assert re.search(r"On its way £[1-9]\.[0-9]{2} Earned, and yours once", earned)

    def test_a_debt_is_said_with_its_way_out(self, buyer: Account, customer: Customer) -> None:
        owe(buyer, 700)
        assert "Repay £7.00" in text_of(customer(buyer).get("/wallet"))

    def test_an_empty_one_says_how_money_comes_in(self, buyer: Account, customer: Customer) -> None:
        assert "There is nothing in your wallet yet" in text_of(customer(buyer).get("/wallet"))

    def test_cost_the_same_however_many(self, buyer: Account, customer: Customer, statements: Any) -> None:
        for currency in ("GBP", "JPY", "KWD"):
            fund(buyer, 1000, currency)
        client = customer(buyer)
        with statements() as seen:
            client.get("/wallet")
        assert len(seen) <= WALLET_STATEMENTS_MAX, str(seen)


class TestToppingUp:
    """/wallet/top-up"""

    PATH = "/wallet/top-up"

    def test_the_sum_is_seen_twice_and_charged_once(
        self, buyer: Account, customer: Customer, django_capture_on_commit_callbacks: Any
    ) -> None:
        client = customer(buyer)
        page = client.get(f"{self.PATH}?amount=50&currency=GBP")
        assert "Top up £50.00? Charged by the cash desk" in text_of(page)
        assert not TopUp.objects.exists()
        with django_capture_on_commit_callbacks(execute=True):
            answers = [client.post(self.PATH, order_form(page)) for _ in range(3)]
        made = TopUp.objects.get()
        assert {answer["Location"] for answer in answers} == {f"/wallet/top-ups/{made.public_id}"}
        assert (made.amount_minor, made.status) == (5000, "succeeded")
        assert "Top-up of £50.00" in text_of(client.get(answers[0]["Location"]))

    @pytest.mark.parametrize("amount", ["", "0", "-1", "1.234", "many", "9" * 20])
    def test_a_faulty_sum_is_said_beside_the_field(self, buyer: Account, customer: Customer, amount: str) -> None:
        answer = customer(buyer).get(f"{self.PATH}?amount={amount}&currency=GBP")
        assert answer.status_code == 422
        assert b'aria-invalid="true"' in answer.content

    def test_is_nowhere_where_no_provider_is_set_up(self, buyer: Account, customer: Customer, settings: Any) -> None:
        settings.PORTAL_PROVIDER = ""
        client = customer(buyer)
        assert client.get(self.PATH).status_code == 404
        assert self.PATH not in client.get("/wallet").content.decode()

    def test_others_do_not_see_it(self, buyer: Account, new_account: Any, customer: Customer) -> None:
        top_up(buyer, 100)
        assert customer(new_account()).get(f"/wallet/top-ups/{TopUp.objects.get().public_id}").status_code == 404


class TestWithdrawing:
    """/wallet/withdraw"""

    PATH = "/wallet/withdraw"

    def target(self, client: Client) -> PayoutTarget:
        form = order_form(client.get("/wallet/payout-targets"))
        client.post("/wallet/payout-targets", {**form, "destination": IBAN, "name": "Savings"})
        return PayoutTarget.objects.get()

    def test_says_how_much_goes_where_and_does_it_once(
        self, buyer: Account, customer: Customer, django_capture_on_commit_callbacks: Any
    ) -> None:
        fund(buyer, 5000)
        client = customer(buyer)
        target = self.target(client)
        page = client.get(f"{self.PATH}?amount=20&currency=GBP&target={target.public_id}")
        assert "Withdraw £20.00?" in text_of(page)
        assert "Savings, account ending in 5555" in text_of(page)
        with django_capture_on_commit_callbacks(execute=True):
            answers = [client.post(self.PATH, order_form(page)) for _ in range(2)]
        made = Withdrawal.objects.get()
        assert {answer["Location"] for answer in answers} == {f"/wallet/withdrawals/{made.public_id}"}
        assert (made.payout_target, held(buyer)) == (target, 2000)
        assert "was paid out" in text_of(client.get(answers[0]["Location"]))

    def test_too_much_and_debts_are_said_and_take_nothing(self, buyer: Account, customer: Customer) -> None:
        fund(buyer, 1000)
        client = customer(buyer)
        form = order_form(client.get(f"{self.PATH}?amount=20&currency=GBP"))
        answer = client.post(self.PATH, form)
        assert answer.status_code == 409
        assert "There is not enough money in this wallet." in text_of(answer)
        assert 'value="20.00"' in answer.content.decode()
        owe(buyer, 1)
        refused = client.post(self.PATH, {**form, "amount": 100})
        assert "You owe the house something." in text_of(refused)
        assert not Withdrawal.objects.exists()

    def test_somebody_elses_target_is_none(self, buyer: Account, new_account: Any, customer: Customer) -> None:
        fund(buyer, 1000)
        theirs = self.target(customer(new_account())).public_id
        client = customer(buyer)
        assert client.get(f"{self.PATH}?amount=1&currency=GBP&target={theirs}").status_code == 422
        form = order_form(client.get(f"{self.PATH}?amount=1&currency=GBP"))
        assert client.post(self.PATH, {**form, "target": theirs}).status_code == 422
        assert customer(buyer).post(f"/wallet/payout-targets/{theirs}/remove").status_code == 403  # No token.

    def test_through_a_link_it_is_refused(self, buyer: Account, new_account: Any, customer: Customer) -> None:
        firm = new_account(kind="enterprise")
        link(firm, buyer)
        client = customer(buyer)
        switch(client, buyer, firm)
        for path in (self.PATH, "/wallet/payout-targets", "/pay-code", "/pay-code/phones"):
            answer = client.get(path)
            assert answer.status_code == 403, path
            assert f"Switch to {buyer.name} and go on" in text_of(answer)

    def test_a_target_is_forgotten_once(self, buyer: Account, customer: Customer) -> None:
        client = customer(buyer)
        path = f"/wallet/payout-targets/{self.target(client).public_id}/remove"
        token = order_form(client.get("/wallet/payout-targets"))
        for _ in range(2):
            assert client.post(path, token)["Location"] == "/wallet/payout-targets"
        assert PayoutTarget.objects.get().destination == ""


def switch(client: Client, login: Account, acting: Account) -> None:
    """The browser's session acts as somebody who is linked with its log-in."""
    Session.objects.filter(login_account=login).update(acting_account=acting)


class TestRepaying:
    """/wallet/repay"""

    def test_begins_with_all_that_is_owed_and_repays_once(self, buyer: Account, customer: Customer) -> None:
        fund(buyer, 5000)
        owe(buyer, 700)
        client = customer(buyer)
        assert 'value="7.00"' in client.get("/wallet/repay?currency=GBP").content.decode()
        page = client.get("/wallet/repay?amount=7&currency=GBP")
        assert {client.post("/wallet/repay", order_form(page))["Location"] for _ in range(2)} == {"/wallet"}
        assert Debt.objects.get().owed_minor == 0
        assert held(buyer) == 700


class TestTheStatement:
    """/wallet/statement and its file"""

    def test_has_a_running_balance_and_leads_to_what_it_is_of(
        self, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        top_up(buyer, 3000)
        order = paid_order_from_the_book(buyer, seller)
        said = text_of(customer(buyer).get("/wallet/statement"))
        assert f"Payment {order} " in said
        assert said.index("-£10.00 £20.00") < said.index("+£30.00 £30.00")

    def test_a_page_never_ends_within_a_payment(
        self, buyer: Account, seller: Account, customer: Customer, settings: Any
    ) -> None:
        """The ledger has two lines of each: one for the seller, one for the fee."""
        settings.STATEMENT_LINES_PER_PAGE = 3
        top_up(buyer, 3000)
        for _ in range(2):
            paid_order_from_the_book(buyer, seller)
        client = customer(buyer)
        first = client.get("/wallet/statement")
        second = client.get(first.context["more"])
        shown = [[booking.amount.minor for booking in page.context["bookings"]] for page in (first, second)]
        assert shown == [[-1000], [-1000, 3000]]

    def test_goes_on_at_the_cursor_by_currency_and_costs_the_same(
        self, buyer: Account, customer: Customer, settings: Any, statements: Any
    ) -> None:
        settings.STATEMENT_LINES_PER_PAGE = 4
        for number in range(6):
            top_up(buyer, 100 + number)
        client = customer(buyer)
        with statements() as seen:
            first = client.get("/wallet/statement")
        assert len(seen) <= STATEMENT_STATEMENTS_MAX, str(seen)
        second = client.get(first.context["more"])
        shown = [booking.amount.minor for page in (first, second) for booking in page.context["bookings"]]
        assert shown == [105, 104, 103, 102, 101, 100]
        assert client.get("/wallet/statement?cursor=forged").status_code == 422

    @pytest.mark.parametrize(
        ("period", "found"),
        [("since=2000-01-01", 1), ("until=2000-01-01", 0), ("since=2000-01-01&until=2999-01-01", 1)],
    )
    def test_shows_a_period(self, buyer: Account, customer: Customer, period: str, found: int) -> None:
        top_up(buyer, 100)
        page = customer(buyer).get(f"/wallet/statement?{period}")
        assert len(page.context["bookings"]) == found

    def test_a_faulty_period_is_said(self, buyer: Account, customer: Customer) -> None:
        top_up(buyer, 100)
        page = customer(buyer).get("/wallet/statement?since=2026-02-02&until=2026-02-01")
        assert page.status_code == 422
        assert "This is before the first day." in text_of(page)

    def test_as_a_file_says_the_same_in_columns(self, buyer: Account, seller: Account, customer: Customer) -> None:
        top_up(buyer, 3000)
        paid_order_from_the_book(buyer, seller)
        answer = customer(buyer).get("/wallet/statement.csv?currency=GBP")
        assert answer["Content-Disposition"] == 'attachment; filename="statement-GBP.csv"'
        head, paid, topped_up = answer.getvalue().decode().splitlines()
        assert head == "booked_at,effective_at,what,belongs_to,in,out,currency,balance_after"
        assert paid.endswith(",,10.00,GBP,20.00")
        assert topped_up.endswith(",30.00,,GBP,30.00")

    def test_is_its_owners(self, buyer: Account, new_account: Any, customer: Customer, visitor: Client) -> None:
        top_up(buyer, 3000)
        other = customer(new_account())
        assert "Nothing was booked yet" in text_of(other.get("/wallet/statement"))
        assert other.get("/wallet/statement.csv?currency=GBP").getvalue().decode().count("\n") == 1
        for path in ("/wallet", "/wallet/statement", "/wallet/statement.csv", "/wallet/withdraw"):
            assert visitor.get(path).status_code == 302


def paid_order_from_the_book(buyer: Account, seller: Account) -> str:
    """Paid from what is in the wallet, and booked."""
    order = place(buyer, offer(seller)).orders[0].public_id
    pay_order(order=order, amount=Money(1000, "GBP"), payer=buyer, actor=Actor.own(buyer), now=clock.now())
    book()
    return order
