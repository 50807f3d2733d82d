"""What a sharer earns of a sale: charged to the seller when it is paid, released with it, given back with refunds."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.actor import Actor
from accounts.models import Account
from accounts.services.closing import close_account
from core import clock
from events.models import EventRecord
from ledger.codes import debt, pending, wallet
from orders.models import Order
from orders.services import cancel_order
from sharing.models import Share, ShareBudget, WonLine
from sharing.services import PaidOrder, charge_orders, end_program
from tests import money_facts
from tests.conftest import PASSWORD
from tests.money_facts import balance
from tests.proofs.world import book
from tests.sharing.money import (
    claim,
    complete,
    earned,
    faults,
    gbp,
    order,
    parts,
    pay,
    proof,
    refund,
    sold,
    won,
)
from tests.sharing.programs import give, share
from tests.shop import offer
from wallets.models import Debt, Earning
from wallets.services import release_due_earnings, request_withdrawal

pytestmark = pytest.mark.django_db


@pytest.fixture
def sharer(new_account: Any) -> Account:
    return new_account()


@pytest.fixture
def shared(seller: Account, sharer: Account) -> Share:
    """5 % of tea for 10.00, of which the platform has 0.50."""
    item = offer(seller)
    give(item)
    return share(sharer, item)


def release(sale: Order) -> None:
    """Its hold period is over, and what is due is in the wallets."""
    complete(sale)
    book()
    while release_due_earnings(clock.now() + timedelta(days=8)):
        book()


class TestAPayment:
    """The seller is charged and the sharer credited, by events and rules."""

    def test_gives_the_sharer_its_part_of_what_the_seller_gets(
        self, shared: Share, sharer: Account, seller: Account, operator: Account
    ) -> None:
        sale = sold(shared)
        assert parts(sale, operator) == {"platform": 50, "seller": 900, "share_charge": 50}
        assert earned(sharer) == {"pending": 50}
        assert (balance(pending(sharer.public_id)), balance(pending(seller.public_id))) == (50, 900)
        assert proof(sale, operator).balanced
        assert faults() == []

    def test_charges_each_line_and_sharer_by_its_own_terms(self, seller: Account, new_account: Any) -> None:
        tea, cake, plate = offer(seller), offer(seller, price_minor=300), offer(seller)
        by_rate, by_amount = new_account(), new_account()
        give(tea, rate_bps=1000)
        give(cake, amount=gbp(40))
        buyer = new_account()
        claim(share(by_rate, tea), buyer)
        claim(share(by_amount, cake), buyer)
        sale = pay(order(buyer, tea, (cake, 3), plate, now=clock.now()).orders[0])
        book()
        assert earned(by_rate) == {"pending": 100}
        assert earned(by_amount) == {"pending": 120}
        assert proof(sale, seller).balanced
        assert faults() == []

    def test_never_takes_more_than_the_seller_gets(
        self, seller: Account, sharer: Account, buyer: Account, operator: Account
    ) -> None:
        item = offer(seller, price_minor=100)
        give(item, amount=gbp(5000))
        sale = sold(share(sharer, item), buyer)
        assert parts(sale, operator) == {"platform": 5, "seller": 0, "share_charge": 95}
        refund(sale, 100)
        book()
        assert parts(sale, operator) == {"platform": 0, "seller": 0, "share_charge": 0}
        assert faults() == []

    def test_costs_one_statement_where_nobody_brought_anything(
        self, seller: Account, buyer: Account, statements: Any
    ) -> None:
        sale = pay(order(buyer, offer(seller)).orders[0])
        paid = [PaidOrder(order=sale.public_id, channel="online", institution="", at=clock.now())]
        now = clock.now()
        with statements() as seen:
            charge_orders(paid=paid, now=now)
        assert len(seen) == 1, str(seen)

    def test_that_is_heard_after_the_seller_was_paid_out_takes_it_back_from_there(
        self, shared: Share, sharer: Account, seller: Account, buyer: Account, operator: Account
    ) -> None:
        claim(shared, buyer)
        sale = pay(order(buyer, shared.item).orders[0])
        complete(sale)
        assert release_due_earnings(clock.now() + timedelta(days=8)) == 1
        money_facts.book()
        book()
        assert earned(sharer) == {"pending": 50}
        assert (balance(wallet(seller.public_id)), balance(pending(seller.public_id))) == (900, 0)
        assert proof(sale, operator).balanced
        assert faults() == []

    def test_gives_nothing_to_a_sharer_who_has_closed_its_account(
        self, shared: Share, sharer: Account, buyer: Account, operator: Account
    ) -> None:
        claim(shared, buyer)
        placed = order(buyer, shared.item).orders[0]
        close_account(password=PASSWORD, address="192.0.2.1", actor=Actor.own(sharer), now=clock.now())
        sale = pay(placed)
        book()
        assert won(sale).charged_minor == 0
        assert parts(sale, operator) == {"platform": 50, "seller": 950}
        assert faults() == []


class TestARelease:
    """With the sale's own earning, never before it."""

    def test_comes_with_the_sellers(self, shared: Share, sharer: Account) -> None:
        sale = sold(shared)
        release(sale)
        assert earned(sharer) == {"released": 50}
        assert balance(wallet(sharer.public_id)) == 50
        event = EventRecord.objects.get(type="earnings.released", payload__owner=sharer.public_id)
        assert event.payload["part"] == won(sale).public_line
        assert faults() == []

    def test_of_two_lines_of_one_sharer_are_two(self, seller: Account, sharer: Account, buyer: Account) -> None:
        items = [offer(seller), offer(seller)]
        for item in items:
            give(item)
            claim(share(sharer, item), buyer)
        sale = pay(order(buyer, *items).orders[0])
        book()
        release(sale)
        assert earned(sharer) == {"released": 100}
        assert faults() == []


class TestARefund:
    """Proportional, in whatever steps, to exactly zero."""

    def test_takes_the_same_part_of_everybody(self, shared: Share, operator: Account) -> None:
        sale = sold(shared)
        refund(sale, 400)
        book()
        assert parts(sale, operator) == {"platform": 30, "seller": 540, "share_charge": 30}
        refund(sale, 600)
        book()
        assert set(parts(sale, operator).values()) == {0}
        assert proof(sale, operator).balanced
        assert faults() == []

    def test_of_what_was_released_comes_out_of_the_wallet_and_else_is_owed(
        self, shared: Share, sharer: Account, seller: Account, operator: Account
    ) -> None:
        sale = sold(shared)
        release(sale)
        _spend(sharer, 40)
        refund(sale, 1000)
        book()
        assert earned(sharer) == {"reversed": 0}
        assert (balance(wallet(sharer.public_id)), balance(debt(sharer.public_id))) == (0, -40)
        assert Debt.objects.get(owner=sharer).owed_minor == 40
        assert (balance(wallet(seller.public_id)), balance(pending(seller.public_id))) == (0, 0)
        assert proof(sale, operator).balanced
        assert faults() == []

    def test_before_the_charge_leaves_less_to_charge(
        self, shared: Share, sharer: Account, buyer: Account, operator: Account
    ) -> None:
        claim(shared, buyer)
        sale = pay(order(buyer, shared.item).orders[0])
        refund(sale, 400)
        assert earned(sharer) == {}
        book()
        assert parts(sale, operator) == {"platform": 30, "seller": 540, "share_charge": 30}
        refund(sale, 600)
        book()
        assert set(parts(sale, operator).values()) == {0}
        assert faults() == []

    def test_in_full_before_the_charge_leaves_nothing(self, shared: Share, sharer: Account, buyer: Account) -> None:
        claim(shared, buyer)
        sale = pay(order(buyer, shared.item).orders[0])
        cancel_order(order=sale.public_id, actor=Actor.own(sale.seller), now=clock.now())
        book()
        assert earned(sharer) == {}
        assert not EventRecord.objects.filter(type="share.charged").exists()
        assert faults() == []

    def test_costs_one_statement_more_where_nobody_brought_anything(
        self, seller: Account, buyer: Account, statements: Any
    ) -> None:
        sale = pay(order(buyer, offer(seller)).orders[0])
        with statements() as seen:
            refund(sale, 100)
        assert sum("sharing_" in query["sql"] for query in seen.captured_queries) == 1, str(seen)


class TestABudget:
    """It is the item's, whatever the version, and is never exceeded."""

    def test_charges_what_is_left_of_it_and_then_nothing(self, shared: Share, sharer: Account) -> None:
        give(shared.item, budget=gbp(70))
        sales = [sold(shared) for _ in range(3)]
        assert [won(sale).charged_minor for sale in sales] == [50, 20, 0]
        assert earned(sharer) == {"pending": 70}
        assert ShareBudget.objects.get(item=shared.item).spent_minor == 70
        assert faults() == []

    def test_gets_back_what_refunds_give_back(self, shared: Share) -> None:
        give(shared.item, budget=gbp(70))
        first, _second = sold(shared), sold(shared)
        refund(first, 1000)
        assert ShareBudget.objects.get(item=shared.item).spent_minor == 20
        assert won(sold(shared)).charged_minor == 50
        assert faults() == []

    def test_counts_nothing_from_before_there_was_one(self, shared: Share) -> None:
        before = sold(shared)
        give(shared.item, budget=gbp(70))
        assert won(sold(shared)).charged_minor == 50
        refund(before, 1000)
        assert ShareBudget.objects.get(item=shared.item).spent_minor == 50
        assert faults() == []

    def test_that_ends_lets_any_sum_be_charged(self, shared: Share, seller: Account) -> None:
        give(shared.item, budget=gbp(10))
        assert won(sold(shared)).charged_minor == 10
        give(shared.item)
        assert won(sold(shared)).charged_minor == 50
        assert faults() == []

    def test_of_a_program_that_has_ended_still_counts(self, shared: Share, seller: Account, buyer: Account) -> None:
        give(shared.item, budget=gbp(10))
        claim(shared, buyer)
        end_program(item=shared.item.public_id, actor=Actor.own(seller), now=clock.now())
        sale = pay(order(buyer, shared.item).orders[0])
        book()
        assert won(sale).charged_minor == 10
        assert faults() == []


class TestTheRows:
    """What was decided is never written again, and the database knows what may follow what."""

    @pytest.mark.parametrize(
        "change",
        [
            {"promised_minor": 1000},
            {"charged_minor": 60},
            {"reversed_minor": 51},
            {"state": "rejected"},
            {"held_at": clock.timezone.now()},
        ],
    )
    def test_refuse_what_cannot_be(self, shared: Share, change: dict[str, Any]) -> None:
        sale = sold(shared)
        with pytest.raises(IntegrityError), transaction.atomic():
            WonLine.objects.filter(order=sale.public_id).update(**change)

    def test_refuse_a_share_that_nobody_has_won(self, shared: Share, sharer: Account) -> None:
        sale = sold(shared)
        Earning.objects.create(
            order=sale.public_id,
            owner=sharer,
            kind="share",
            role="sharer",
            part="lin_1",
            currency="GBP",
            original_minor=1,
            earned_at=clock.now(),
            why="None.",
        )
        assert {finding.check for finding in faults()} >= {"shares"}


def _spend(owner: Account, minor: int) -> None:
    request_withdrawal(owner=owner, amount=gbp(minor), provider="local", actor=Actor.own(owner), now=clock.now())
    book()
