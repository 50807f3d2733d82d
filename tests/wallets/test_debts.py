"""Debts block withdrawals; they end by earnings, out of the wallet, or by an operator."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, InternalError, connection, transaction

from accounts.actor import Actor
from accounts.models import Account
from core.errors import NotFound
from core.money import Money
from events.models import Delivery
from ledger.errors import InsufficientFunds
from tests.accounts.test_linking import link
from tests.money_facts import AT, balance, book
from tests.wallets.shop import fill, owed, release_due, sell, wallet_of
from wallets import services
from wallets.errors import DebtOutstanding, DebtSettled, RepaymentExceedsDebt, TopUpNotReversible
from wallets.models import Debt, DebtRepayment, TopUpReversal


@pytest.fixture
def debtor(rich_buyer: Account, seller: Account) -> Account:
    """A seller who owes 300 (of the older sale) and 200, and whose wallet is empty; all booked."""
    sales = [sell(seller, rich_buyer, minor) for minor in (300, 200)]
    for sale in sales:
        sale.complete()
    release_due()
    book()
    sell(rich_buyer, seller, 500)
    for sale, minor in zip(sales, (300, 200), strict=True):
        sale.refund(minor)
    book()
    return seller


def withdraw(owner: Account, minor: int, currency: str = "GBP") -> Any:
    return services.request_withdrawal(
        owner=owner, amount=Money(minor, currency), provider="local", actor=Actor.own(owner), now=AT
    )


def repay(owner: Account, minor: int, currency: str = "GBP") -> list[DebtRepayment]:
    return services.repay_debts(owner=owner, amount=Money(minor, currency), actor=Actor.own(owner), now=AT)


@pytest.mark.django_db
class TestDebtsBlockWithdrawals:
    """Whoever owes the platform takes nothing out."""

    def test_even_of_another_currency(self, debtor: Account) -> None:
        fill(debtor, 1000, "EUR")
        book()

        with pytest.raises(DebtOutstanding):
            withdraw(debtor, 1, "EUR")
        assert wallet_of(debtor, "EUR").held_minor == 0

    def test_said_before_the_lack_of_money(self, debtor: Account) -> None:
        with pytest.raises(DebtOutstanding):
            withdraw(debtor, 10**9)

    def test_over_the_api_nothing_stays_held(self, debtor: Account, api: Callable[..., Any]) -> None:
        fill(debtor, 1000)
        book()

        refused = api(debtor).post("/wallet/withdrawals", {"amount": 10, "currency": "GBP"}, key="k")

        assert (refused.status_code, refused.json()["code"]) == (409, "debt_outstanding")
        assert wallet_of(debtor).held_minor == 0

    def test_repaid_the_wallet_is_free_again(self, debtor: Account) -> None:
        fill(debtor, 1000)
        book()
        repay(debtor, 500)

        assert withdraw(debtor, 500).status == "in_progress"


@pytest.mark.django_db
class TestRepayment:
    """The owner repays out of the wallet, oldest debt first."""

    def test_moves_the_money_at_once(self, debtor: Account) -> None:
        fill(debtor, 1000)
        book()

        repayments = repay(debtor, 400)
        decided = wallet_of(debtor)
        book()

        assert [repayment.amount_minor for repayment in repayments] == [300, 100]
        assert owed(debtor) == 100 == decided.debt_minor
        assert (decided.available_minor, decided.not_yet_booked_minor) == (600, -400)
        assert balance(f"debt:{debtor.public_id}") == -100
        assert wallet_of(debtor).posted_minor == 600

    def test_can_go_before_the_debt_itself_is_booked(self, rich_buyer: Account, seller: Account) -> None:
        sale = sell(seller, rich_buyer, 300)
        sale.complete()
        release_due()
        book()
        sell(rich_buyer, seller, 300)
        fill(seller, 300)
        sale.refund(300)  # The top-up is not booked: all is owed.
        assert owed(seller) == 300
        book_only_top_ups_first(seller)

        repay(seller, 300)
        book()

        assert balance(f"debt:{seller.public_id}") == 0

    def test_more_than_is_owed_is_refused(self, debtor: Account) -> None:
        fill(debtor, 1000)
        book()
        with pytest.raises(RepaymentExceedsDebt):
            repay(debtor, 501)

    def test_more_than_the_wallet_has_is_refused(self, debtor: Account) -> None:
        with pytest.raises(InsufficientFunds):
            repay(debtor, 1)

    def test_another_currency_repays_nothing(self, debtor: Account) -> None:
        fill(debtor, 1000, "EUR")
        book()
        with pytest.raises(RepaymentExceedsDebt):
            repay(debtor, 1, "EUR")

    def test_over_the_api(self, debtor: Account, api: Callable[..., Any]) -> None:
        fill(debtor, 1000)
        book()
        caller, body = api(debtor), {"amount": 400, "currency": "GBP"}

        answer = caller.post("/wallet/debt-repayments", body, key="k")
        repeat = caller.post("/wallet/debt-repayments", body, key="k")

        assert answer.status_code == 201
        assert answer.json() == repeat.json() == {"amount": 400, "currency": "GBP", "debt": 100}
        assert owed(debtor) == 100
        refused = caller.post("/wallet/debt-repayments", {"amount": 101, "currency": "GBP"}, key="l")
        assert (refused.status_code, refused.json()["code"]) == (409, "repayment_exceeds_debt")

    def test_through_a_link_it_counts_against_the_cap(self, debtor: Account, buyer: Account, api: Any) -> None:
        fill(debtor, 1000)
        book()
        link(debtor, buyer, spending_cap={"amount": 400, "currency": "GBP"})
        caller, acting = api(buyer), {"acting_account": debtor.public_id}

        answers = [
            caller.post("/wallet/debt-repayments", {"amount": minor, "currency": "GBP"}, key=str(minor), **acting)
            for minor in (399, 2)
        ]

        assert [answer.status_code for answer in answers] == [201, 409]
        assert answers[1].json()["code"] == "spending_cap_exceeded"
        assert owed(debtor) == 101


def book_only_top_ups_first(owner: Account) -> None:
    """Put money into a wallet while the debt of another subject still waits: another worker was quicker."""
    waiting = Delivery.objects.exclude(subject__startswith="top_")
    held_back = list(waiting)
    waiting.delete()
    book()
    Delivery.objects.bulk_create(held_back)


@pytest.mark.django_db
class TestWriteOff:
    """An operator gives a debt up; the platform bears the loss."""

    def test_ends_the_debt(self, debtor: Account, operator: Account) -> None:
        oldest = Debt.objects.order_by("id")[0]

        written_off = services.write_off_debt(
            debt_id=oldest.id, reason="Gone abroad.", actor=Actor.own(operator), now=AT
        )
        book()

        assert (written_off.amount_minor, written_off.reason, written_off.made_by) == (300, "Gone abroad.", operator)
        assert owed(debtor) == 200
        assert balance(f"debt:{debtor.public_id}") == -200
        assert balance("platform:losses") == -300

    def test_only_once(self, debtor: Account, operator: Account) -> None:
        oldest = Debt.objects.order_by("id")[0]
        services.write_off_debt(debt_id=oldest.id, reason="r", actor=Actor.own(operator), now=AT)

        with pytest.raises(DebtSettled):
            services.write_off_debt(debt_id=oldest.id, reason="r", actor=Actor.own(operator), now=AT)

    def test_of_no_debt(self, operator: Account) -> None:
        with pytest.raises(NotFound):
            services.write_off_debt(debt_id=1, reason="r", actor=Actor.own(operator), now=AT)


@pytest.mark.django_db
class TestChargeback:
    """A provider takes a top-up back: out of the wallet as far as it goes, the rest is owed."""

    def reverse(self, top_up: Any, operator: Account) -> TopUpReversal:
        return services.reverse_top_up(
            public_id=top_up.public_id, reason="Card holder objected.", actor=Actor.own(operator), now=AT
        )

    def test_what_is_there_comes_out_of_the_wallet(self, buyer: Account, operator: Account) -> None:
        top_up = fill(buyer, 1000)
        book()

        reversal = self.reverse(top_up, operator)
        decided = wallet_of(buyer)
        book()

        assert (reversal.from_wallet_minor, reversal.to_debt_minor) == (1000, 0)
        assert (decided.available_minor, decided.not_yet_booked_minor) == (0, -1000)
        assert wallet_of(buyer).posted_minor == 0
        assert balance("clearing:local") == 0

    def test_what_is_spent_is_owed(self, buyer: Account, seller: Account, operator: Account) -> None:
        top_up = fill(buyer, 1000)
        book()
        sell(seller, buyer, 700)

        reversal = self.reverse(top_up, operator)
        book()

        assert (reversal.from_wallet_minor, reversal.to_debt_minor) == (300, 700)
        assert owed(buyer) == 700 == -balance(f"debt:{buyer.public_id}")
        assert wallet_of(buyer).posted_minor == 0
        assert Debt.objects.get().subject == top_up.public_id

    def test_only_once_and_only_what_succeeded(self, buyer: Account, operator: Account) -> None:
        top_up = fill(buyer, 1000)
        self.reverse(top_up, operator)

        with pytest.raises(TopUpNotReversible):
            self.reverse(top_up, operator)
        in_progress = services.request_top_up(
            owner=buyer, amount=Money(5, "GBP"), provider="local", actor=Actor.own(buyer), now=AT
        )
        with pytest.raises(TopUpNotReversible):
            self.reverse(in_progress, operator)
        with pytest.raises(NotFound):
            services.reverse_top_up(public_id="top_1", reason="r", actor=Actor.own(operator), now=AT)


@pytest.mark.django_db
class TestTheTables:
    """What the services promise, the database holds."""

    def test_nothing_is_repaid_beyond_what_is_owed(self, debtor: Account) -> None:
        with pytest.raises(IntegrityError, match="debt_never_overpaid"):
            Debt.objects.update(repaid_minor=301)

    @pytest.mark.parametrize("statement", ["UPDATE {} SET reason = ''", "DELETE FROM {}", "TRUNCATE {}"])
    @pytest.mark.parametrize("table", ["wallets_debtrepayment", "wallets_topupreversal"])
    def test_what_ended_a_debt_or_a_top_up_is_written_once(
        self, debtor: Account, operator: Account, buyer: Account, table: str, statement: str
    ) -> None:
        services.write_off_debt(
            debt_id=Debt.objects.order_by("id")[0].id, reason="r", actor=Actor.own(operator), now=AT
        )
        top_up = fill(buyer, 10)
        services.reverse_top_up(public_id=top_up.public_id, reason="r", actor=Actor.own(operator), now=AT)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            with pytest.raises((IntegrityError, InternalError), match="written once"), transaction.atomic():
                cursor.execute(statement.format(table))
