"""What waits for several accounts at once, in one statement."""

from collections.abc import Callable
from typing import Any

from accounts.actor import Actor
from accounts.models import Account
from core import clock
from core.money import Money
from orders.services import request_refund
from orders.waiting import Waiting, waiting_for
from tests.shop import fund, offer, paid_order, place
from wallets.selectors import available_of


class TestWaiting:
    def test_orders_to_pay_to_hand_over_and_refunds_to_decide_are_counted_for_each(
        self, buyer: Account, seller: Account, new_account: Callable[..., Account], statements: Any
    ) -> None:
        item, other = offer(seller), new_account(side="seller")
        paid = [paid_order(buyer, item), paid_order(buyer, item)]
        request_refund(order=paid[0].public_id, reason="Broken", actor=Actor.own(buyer), now=clock.now())
        place(buyer, item)

        with statements() as seen:
            waiting = waiting_for([buyer, seller, other])

        assert len(seen) == 1
        assert waiting == {buyer.pk: Waiting(to_pay=1), seller.pk: Waiting(to_hand_over=2, to_decide=1)}
        assert waiting[seller.pk].total == 3


class TestAvailable:
    def test_what_is_held_is_not_available_and_empty_wallets_are_left_out(
        self, buyer: Account, seller: Account, statements: Any
    ) -> None:
        paid_order(buyer, offer(seller))  # The payment holds all that was there.
        fund(seller, 500, "GBP")
        fund(seller, 700, "JPY")

        with statements() as seen:
            available = available_of([buyer, seller])

        assert len(seen) == 1
        assert available == {seller.pk: [Money(500, "GBP"), Money(700, "JPY")]}
