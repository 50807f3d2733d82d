"""What a seller offered ends with its account."""

from typing import Any

import pytest
from django.db import transaction

from accounts import sessions
from accounts.models import Account
from accounts.services import close_account, erase_account
from catalog.consumers import end_offers_of_closed_sellers
from catalog.errors import ItemNotOnSale
from catalog.models import Item, Store
from core import clock
from events.delivery import deliver_due
from events.models import Delivery, EventRecord
from orders.models import Order
from tests.conftest import PASSWORD, make_account
from tests.shop import offer, place


def close(account: Account, **how: Any) -> None:
    actor = sessions.actor_of(sessions.open_session(account=account).session)
    close_account(password=PASSWORD, address="", actor=actor, now=clock.now(), **how)


def deliver() -> None:
    with transaction.atomic():
        deliver_due("closed_sellers")


def open_stores(api: Any, seller: Account, *names: str) -> list[str]:
    place = {"latitude": 53.4, "longitude": -2.99, "address": "1 High Street", "area_code": "GB-LIV"}
    return [api(seller).post("/stores", {"name": name, **place}).json()["id"] for name in names]


def closings() -> list[str]:
    return sorted(EventRecord.objects.filter(type="store.closed").values_list("subject", flat=True))


class TestClosing:
    def test_stores_close_and_items_come_off_sale(self, api, buyer, seller):
        stores = open_stores(api, seller, "Shop", "Stall")
        api(seller).post(f"/stores/{stores[0]}/close")
        items = [offer(seller), offer(seller, status="paused"), offer(seller, status="draft")]
        others = offer(make_account(side="seller"))
        close(seller)
        closed_at = Account.objects.get(pk=seller.pk).closed_at

        deliver()

        assert set(Item.objects.filter(seller=seller).values_list("status", flat=True)) == {"removed"}
        assert Store.objects.filter(seller=seller, closed_at=None).count() == 0
        assert Store.objects.get(public_id=stores[1]).closed_at == closed_at
        assert closings() == sorted(stores)
        assert api(buyer).get(f"/items/{items[0].public_id}").status_code == 404
        assert [item["id"] for item in api(buyer).get("/items").json()["results"]] == [others.public_id]
        assert not Delivery.objects.filter(consumer="closed_sellers").exists()

    def test_heard_again_it_changes_nothing(self, api, seller):
        open_stores(api, seller, "Shop")
        offer(seller)
        close(seller)
        deliver()
        after = list(Store.objects.values()), list(Item.objects.values())

        with transaction.atomic():
            end_offers_of_closed_sellers(list(EventRecord.objects.filter(type="account.closed")) * 2)

        assert (list(Store.objects.values()), list(Item.objects.values())) == after
        assert len(closings()) == 1

    def test_a_buyer_who_closes_takes_nothing_away(self, buyer, seller, item):
        close(buyer)
        deliver()

        assert Item.objects.get(pk=item.pk).status == "on_sale"

    @pytest.mark.parametrize("stock", [None, 3])
    def test_an_order_at_that_moment_is_refused(self, committed_db, race, stock):
        """The account has closed, its items are still on sale, and the consumer is at work."""
        buyer, seller = make_account(), make_account(side="seller")
        item = offer(seller, stock=stock)
        close(seller)

        placed, delivered = race(lambda: place(buyer, item), deliver)

        assert (type(placed), delivered) == (ItemNotOnSale, None)
        assert not Order.objects.exists()
        assert (Item.objects.get().status, Item.objects.get().stock) == ("removed", stock)


class TestErasing:
    def test_stores_lose_their_name_and_place(self, api, seller):
        open_stores(api, seller, "Anna's")
        close(seller, erase=True)
        deliver()

        store = Store.objects.get()
        assert (store.name, store.address, store.latitude, store.longitude) == ("Erased store", "", None, None)
        assert (store.area_code, store.closed_at is None) == ("GB-LIV", False)

    def test_nobody_elses(self, api, seller):
        other = make_account(side="seller")
        open_stores(api, other, "Shop")
        erase_account(account=seller)

        assert Store.objects.get().name == "Shop"
