"""A seller who closes while somebody orders: the order is there to settle first, or it is refused."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from accounts import sessions
from accounts.errors import AccountNotSettled, SessionEnded
from accounts.models import Account
from accounts.services import close_account, deactivate_account
from catalog.errors import ItemNotOnSale
from catalog.models import Item
from core import clock
from orders.models import Order
from orders.services import PlacedCheckout, placing
from tests.conftest import PASSWORD, make_account
from tests.shop import offer, place


def closing(account: Account) -> Callable[[], None]:
    actor = sessions.actor_of(sessions.open_session(account=account).session)
    return lambda: close_account(password=PASSWORD, address="", actor=actor, now=clock.now())


def test_of_a_closed_or_shut_out_seller_nothing_can_be_ordered(buyer, seller, item):
    deactivate_account(account=seller)

    with pytest.raises(ItemNotOnSale):
        place(buyer, item)


def test_nobody_orders_for_an_account_that_is_closed(buyer, item):
    closing(buyer)()

    with pytest.raises(SessionEnded):
        place(buyer, item)


class TestAtTheSameMoment:
    @pytest.mark.parametrize("_round", range(5))
    def test_there_is_an_order_to_settle_or_none_is_placed(self, committed_db, race, _round):
        buyer, seller = make_account(), make_account(side="seller")
        item = offer(seller)

        placed, closed = race(lambda: place(buyer, item), closing(seller))

        if isinstance(placed, PlacedCheckout):
            assert isinstance(closed, AccountNotSettled)
        else:
            assert (type(placed), closed) == (ItemNotOnSale, None)
        assert Order.objects.count() == Account.objects.filter(pk=seller.pk, is_active=True).count()

    def test_an_order_that_is_half_placed_keeps_the_seller_from_closing(self, committed_db, race):
        seller = make_account(side="seller")
        outcomes = race(*half_placed(make_account(), offer(seller), seller))

        assert isinstance(outcomes[1], AccountNotSettled)

    def test_without_the_lock_the_order_would_have_no_seller(self, committed_db, race, monkeypatch):
        """The control: the seller sees no order, closes, and then there is one."""
        monkeypatch.setattr(placing, "hold_open", set)
        seller = make_account(side="seller")
        outcomes = race(*half_placed(make_account(), offer(seller), seller))

        assert outcomes[1] is None
        assert Order.objects.get().seller.is_active is False


def half_placed(buyer: Account, item: Item, seller: Account) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """An order that commits a moment after the seller has begun to close."""
    is_placed, is_closed = threading.Event(), threading.Event()
    close = closing(seller)

    def place_slowly() -> None:
        with transaction.atomic():
            place(buyer, item)
            is_placed.set()
            is_closed.wait(timeout=1.5)

    def close_meanwhile() -> None:
        is_placed.wait(timeout=10)
        close()
        is_closed.set()

    return place_slowly, close_meanwhile
