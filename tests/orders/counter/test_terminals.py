from typing import Any

import pytest
from django.conf import settings

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Store
from catalog.services import close_store
from core import clock
from orders.counter.keys import find_terminal
from orders.counter.models import Terminal
from tests.orders.counter.till import Till, make_till


class TestMakingATill:
    """A seller makes tills for its own stores; the key is shown once."""

    def test_shows_the_key_once_and_keeps_a_digest(self, api: Any, seller: Account, store: Store):
        made = api(seller).post(f"/stores/{store.public_id}/terminals", {"name": "Till 1"})

        assert made.status_code == 201
        document = made.json()
        assert document["id"].startswith("trm_")
        terminal = Terminal.objects.get()
        assert document["key"] not in {str(value) for value in vars(terminal).values()}
        assert find_terminal(document["key"]) == terminal
        listed = api(seller).get(f"/stores/{store.public_id}/terminals").json()["results"]
        assert listed == [{name: value for name, value in document.items() if name != "key"}]

    def test_is_for_own_open_stores(self, api: Any, seller: Account, buyer: Account, store: Store, other_store: Store):
        path = "/stores/{}/terminals"
        assert api(seller).post(path.format(other_store.public_id), {"name": "x"}).status_code == 404
        assert api(seller).get(path.format(other_store.public_id)).status_code == 404
        assert api(buyer).post(path.format(store.public_id), {"name": "x"}).status_code == 403
        close_store(store=store.public_id, actor=Actor.own(seller), now=clock.now())
        refused = api(seller).post(path.format(store.public_id), {"name": "x"})
        assert (refused.status_code, refused.json()["code"]) == (409, "store_closed")


class TestTheKey:
    """It stops at once when it is exchanged, taken away, or its seller is shut out."""

    def test_a_new_one_ends_the_old_one(self, api: Any, seller: Account, till: Till):
        rotated = api(seller).post(f"/terminals/{till.terminal.public_id}/rotate")

        assert rotated.status_code == 200
        assert rotated.json()["rotated_at"]
        assert find_terminal(till.key) is None
        assert find_terminal(rotated.json()["key"]) == till.terminal

    def test_it_is_taken_away_for_good(self, api: Any, seller: Account, till: Till):
        path = f"/terminals/{till.terminal.public_id}"
        assert api(seller).delete(path).status_code == 204
        assert api(seller).delete(path).status_code == 204
        assert find_terminal(till.key) is None
        assert api(seller).post(f"{path}/rotate").json()["code"] == "terminal_revoked"

    def test_other_sellers_tills_are_not_there(self, api: Any, till: Till, other_store: Store):
        for answer in (
            api(other_store.seller).delete(f"/terminals/{till.terminal.public_id}"),
            api(other_store.seller).post(f"/terminals/{till.terminal.public_id}/rotate"),
        ):
            assert answer.status_code == 404
        assert find_terminal(till.key) == till.terminal

    def test_a_seller_who_is_shut_out_has_no_tills(self, seller: Account, till: Till):
        Account.objects.filter(pk=seller.pk).update(is_active=False)
        assert find_terminal(till.key) is None

    def test_it_outlives_a_change_of_the_secret(self, till: Till, settings: Any):
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another one", [settings.SECRET_KEY]
        assert find_terminal(till.key) == till.terminal
        settings.SECRET_KEY_FALLBACKS = []
        assert find_terminal(till.key) is None

    @pytest.mark.parametrize("path", ["/account", "/wallet", "/orders", "/stores/x/terminals"])
    def test_it_opens_nothing_of_peoples(self, till: Till, path: str):
        assert till.get(path).status_code == 403

    def test_a_wrong_one_is_nobodys(self, store: Store):
        till = make_till(store)
        till.key += "x"
        assert till.get("/account").json()["code"] == "not_authenticated"
        assert settings.SECRET_KEY not in till.terminal.key_digest
