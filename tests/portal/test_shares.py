"""Sharing in the browser: from an item to a code on paper; and how a scan is bound on its way to the order."""

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Item
from catalog.services import close_store, open_store
from core import clock
from core.money import Money
from orders.models import Order
from sharing.models import ScanClaim, ScanClass, Share
from sharing.services import end_program, revoke_share
from sharing.shares import share_url
from tests.conftest import PASSWORD, Api
from tests.portal.conftest import send, text_of
from tests.portal.test_items import NEWCOMER, order_form
from tests.qr_reader import read_qr
from tests.sharing.money import refund, sold, touches, won
from tests.sharing.programs import give
from tests.sharing.programs import share as made
from tests.sharing.scans import look, scan, token_of
from tests.shop import fund, offer

Customer = Callable[[Account], Client]


@pytest.fixture
def tea(seller: Account) -> Item:
    return offer(seller)


@pytest.fixture
def sharer(new_account: Any) -> Account:
    return new_account(name="Sam")


@pytest.fixture
def share(tea: Item, sharer: Account) -> Share:
    give(tea)
    return made(sharer, tea)


class TestSharingAnItem:
    """/items/<id>/share"""

    def test_is_offered_on_its_page_to_who_is_logged_in_where_something_is_given(
        self, tea: Item, sharer: Account, visitor: Client, customer: Customer
    ) -> None:
        page, logged_in = f"/items/{tea.public_id}", customer(sharer)
        assert "earn" not in text_of(logged_in.get(page))
        give(tea, rate_bps=250)
        assert "Share it and earn: 2.5 % of what is sold." in text_of(logged_in.get(page))
        assert "earn" not in text_of(visitor.get(page))

    def test_its_terms_are_seen_before_a_code_is_made(self, tea: Item, sharer: Account, customer: Customer) -> None:
        give(
            tea, amount=Money(150, "GBP"), window_days=1, lock_days=90, budget=Money(50_000, "GBP"), model="first_touch"
        )
        client, path = customer(sharer), f"/items/{tea.public_id}/share"

        said = text_of(client.get(path))

        assert "1.50 GBP for each one that is sold." in said
        assert "scans your code and orders within one day. Of several people's codes the one scanned first" in said
        assert "for 90 days counts as well" in said
        assert "The seller gives 500.00 GBP in all" in said
        assert not Share.objects.exists()
        there = send(client, path)["Location"]
        share = Share.objects.get()
        assert there == f"/shares/{share.public_id}"
        assert send(client, path)["Location"] == there
        shown = re.search(r'class="qr qr-share" src="([^"]+)"', client.get(there).content.decode())
        assert shown
        assert read_qr(unescape(shown[1])) == share_url(share.pk)

    def test_sellers_say_in_which_store_it_hangs(self, tea: Item, seller: Account, customer: Customer) -> None:
        give(tea)
        mine, closed = (open_store(name=n, actor=Actor.own(seller), now=clock.now()) for n in ("Corner", "Closed"))
        close_store(store=closed.public_id, actor=Actor.own(seller), now=clock.now())
        client, path = customer(seller), f"/items/{tea.public_id}/share"
        assert "Closed" not in text_of(client.get(path))

        assert send(client, path, store=closed.public_id).status_code == 422
        send(client, path, store=mine.public_id)

        assert Share.objects.get().store == mine

    def test_without_a_program_there_is_nothing_to_share(self, tea: Item, sharer: Account, customer: Customer) -> None:
        path = f"/items/{tea.public_id}"
        assert customer(sharer).get(f"{path}/share")["Location"] == path


class TestOwnShares:
    """/shares"""

    def test_are_listed_with_what_came_of_them_in_few_statements(
        self, share: Share, sharer: Account, seller: Account, customer: Customer, statements: Any
    ) -> None:
        for number in range(3):
            item = offer(seller, title=f"Cup {number}")
            give(item)
            made(sharer, item)
        scan(share)
        scan(share, agent="Googlebot/2.1")
        client = customer(sharer)
        with statements() as seen:
            page = client.get("/shares")
        assert len(seen) <= 13, str(seen)
        said = text_of(page)
        assert "Scans 1 Visitors 1 Paid orders 0 Not counted: 1 by machines, 0 previews, 0 of your own." in said
        assert said.index("Cup 2") < said.index("Cup 0") < said.index("Tea")

    def test_go_on_on_further_pages(
        self, share: Share, sharer: Account, seller: Account, customer: Customer, settings: Any
    ) -> None:
        settings.SHARES_PER_PAGE = 1
        item = offer(seller, title="Cup")
        give(item)
        made(sharer, item)
        client = customer(sharer)
        assert ("Cup" in text_of(client.get("/shares")), "Tea" in text_of(client.get("/shares"))) == (True, False)
        assert "Tea" in text_of(client.get("/shares?page=2"))
        assert client.get("/shares?page=x").status_code == 200

    def test_a_code_is_taken_out_of_use_by_its_sharer_only(
        self, share: Share, sharer: Account, new_account: Any, customer: Customer
    ) -> None:
        path, owner, other = f"/shares/{share.public_id}", customer(sharer), customer(new_account())
        token = owner.get(path)
        assert [other.get(path).status_code, other.get("/shares/shr_x").status_code] == [404, 404]
        assert other.post(path, {"csrfmiddlewaretoken": other.cookies["csrftoken"].value}).status_code == 404
        assert look(share).status_code == 302

        assert send(owner, path)["Location"] == path

        assert token.status_code == 200
        assert look(share).status_code == 410
        page = owner.get(path)
        assert "taken out of use" in text_of(page)
        assert "qr-share" not in page.content.decode()

    @pytest.mark.parametrize("size", ["A4", "A6"])
    def test_the_poster_shows_item_price_and_code(
        self, share: Share, sharer: Account, customer: Customer, size: str
    ) -> None:
        page = customer(sharer).get(f"/shares/{share.public_id}/poster?size={size}")
        said = text_of(page)
        assert "Tea 10.00 GBP Scan, look, order." in said
        assert share_url(share.pk) in said
        html = page.content.decode()
        assert f"portal/poster_{size.lower()}.css" in html
        picture = re.search(r'class="poster-qr" src="([^"]+)"', html)
        assert picture
        assert read_qr(unescape(picture[1])) == share_url(share.pk)
        assert "style" not in re.sub(r'<link rel="stylesheet"[^>]*>|data:[^"]*', "", html)

    def test_there_is_no_poster_of_a_code_that_leads_nowhere(
        self, share: Share, sharer: Account, seller: Account, customer: Customer
    ) -> None:
        end_program(item=share.item.public_id, actor=Actor.own(seller), now=clock.now())
        client = customer(sharer)
        page = client.get(f"/shares/{share.public_id}/poster?size=A9")
        assert page["Location"] == f"/shares/{share.public_id}"
        assert "The seller has ended" in text_of(client.get(page["Location"]))


class TestWhatACodeLeadsToThatIsOutOfUse:
    """The pages of /s/<code> that are no redirect"""

    def test_the_item_while_it_is_on_sale_and_else_what_the_seller_has(
        self, share: Share, sharer: Account, seller: Account
    ) -> None:
        offer(seller, title="Cup")
        revoke_share(share=share.public_id, actor=Actor.own(sharer), now=clock.now())
        page = look(share)
        assert page.status_code == 410
        assert "Tea is still on sale for 10.00 GBP. You need no code to buy it." in text_of(page)
        assert f'href="/items/{share.item.public_id}"' in page.content.decode()
        assert "Cup 10.00 GBP" in text_of(page)

        Item.objects.filter(pk=share.item.pk).update(status="removed")
        said = text_of(look(share))
        assert "not on sale any more" in said
        assert "Cup 10.00 GBP" in said

    def test_an_unknown_one_says_to_scan_again(self, visitor: Client) -> None:
        page = visitor.get("/s/WRONG")
        assert page.status_code == 404
        assert "Scan it once more" in text_of(page)


class TestBindingAScan:
    """At the log-in, at the registration, or by looking while logged in; nothing is ever put into the browser."""

    @pytest.fixture
    def token(self, share: Share) -> str:
        return token_of(share)

    def claimed_by(self) -> str | None:
        claim = ScanClaim.objects.select_related("account").first()
        return claim.account.username if claim else None

    def test_nobody_who_is_not_logged_in_binds_or_is_given_a_cookie(
        self, token: str, tea: Item, visitor: Client
    ) -> None:
        page = visitor.get(f"/items/{tea.public_id}?scan={token}")
        assert f'name="scan" value="{token}"' in page.content.decode()
        assert not visitor.cookies
        assert self.claimed_by() is None

    def test_logging_in_binds(self, token: str, tea: Item, buyer: Account, visitor: Client) -> None:
        page = visitor.get(f"/items/{tea.public_id}?scan={token}").content.decode()
        log_in = unescape(re.search(r'href="(/log-in[^"]+)"', page)[1])  # type: ignore[index]
        back = send(visitor, log_in, username=buyer.username, password=PASSWORD)
        assert back["Location"] == f"/items/{tea.public_id}?scan={token}"
        assert self.claimed_by() == buyer.username

    def test_registering_binds_and_leads_to_the_item_where_nothing_else_was_wanted(
        self, token: str, tea: Item, visitor: Client
    ) -> None:
        back = send(visitor, f"/register?scan={token}", **NEWCOMER)
        assert self.claimed_by() == "nora"
        assert back["Location"] == f"/items/{tea.public_id}?scan={token}"

    def test_looking_binds_who_is_logged_in(self, token: str, tea: Item, buyer: Account, customer: Customer) -> None:
        customer(buyer).get(f"/items/{tea.public_id}?scan={token}")
        assert self.claimed_by() == buyer.username

    @pytest.mark.parametrize(
        ("headers", "binds"),
        [
            ({"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none", "Sec-Fetch-User": "?1"}, True),
            ({"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-User": "?1"}, True),
            ({"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-origin"}, True),
            ({"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site"}, False),
            ({"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-origin"}, False),
            ({"Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"}, False),
            ({"Sec-Purpose": "prefetch;prerender"}, False),
            ({"Purpose": "prefetch"}, False),
            ({"X-Moz": "prefetch"}, False),
        ],
    )
    def test_looking_binds_only_who_went_there(
        self, token: str, tea: Item, buyer: Account, customer: Customer, headers: dict[str, str], binds: bool
    ) -> None:
        page = customer(buyer).get(f"/items/{tea.public_id}?scan={token}", headers=headers)
        assert page.status_code == 200
        assert (self.claimed_by() is not None) == binds

    @pytest.mark.parametrize("token", ["forged", "x" * 5000, "%00", "é"])
    def test_what_is_no_token_hinders_nothing(self, token: str, tea: Item, buyer: Account, customer: Customer) -> None:
        client = customer(buyer)
        assert client.get(f"/items/{tea.public_id}", {"scan": token}).status_code == (400 if token == "\0" else 200)
        assert send(Client(), "/register?scan=forged", **NEWCOMER).status_code == 302

    def test_the_sharers_own_scan_is_its_own(self, token: str, tea: Item, sharer: Account, customer: Customer) -> None:
        customer(sharer).get(f"/items/{tea.public_id}?scan={token}")
        assert ScanClaim.objects.get().scan_class == ScanClass.SELF


class TestWhatCameOfShares:
    """The pages' figures are the reports' own, from a scan to the money."""

    def test_the_way_and_the_days_are_the_reports_of_the_api(
        self, share: Share, sharer: Account, customer: Customer
    ) -> None:
        for _ in range(3):
            scan(share)
        sale = sold(share)
        refund(sale, 500)
        for path, report in (
            ("/shares", "/share-report"),
            (f"/shares/{share.public_id}", f"/shares/{share.public_id}/report"),
        ):
            told = Api(sharer).get(report).json()
            page = customer(sharer).get(path)
            said = text_of(page)
            assert f"Scans {told['scans']['human']} Visitors {told['visitors']} Paid orders {told['orders']}" in said
            earned = told["earned"][0] if isinstance(told["earned"], list) else told["earned"]
            assert earned["pending"] == 25
            assert "returned is over £0.25" in said
            drawn = re.search(r'<script id="share-days" type="application/json">(.*?)</script>', page.content.decode())
            assert drawn
            counts = {one["name"]: sum(one["data"]) for one in json.loads(drawn[1])["series"]}
            assert counts == {"Scans": told["scans"]["human"], "Visitors": told["visitors"], "Paid orders": 1}


class TestWhatABroughtCustomerCosts:
    """The scan goes with the order's form; what it has cost stands on the order's page, for the seller only."""

    def test_the_token_in_the_form_is_handed_to_the_order(
        self, share: Share, sharer: Account, seller: Account, buyer: Account, customer: Customer, statements: Any
    ) -> None:
        fund(buyer, 1000)
        client, path = customer(buyer), f"/items/{share.item.public_id}/order?scan={token_of(share)}"

        there = client.post(path, order_form(client.get(path)))["Location"]

        assert touches(Order.objects.get()) == [("last_touch", True)]
        owner = customer(seller)
        with statements() as seen:
            said = text_of(owner.get(there))
        assert len(seen) <= 7, str(seen)
        assert f"{sharer.name} Brought the customer of Tea: 5 % of what is sold. £0.50" in said
        assert sharer.name not in text_of(client.get(there))

    def test_what_a_refund_takes_back_of_it_is_said(
        self, share: Share, sharer: Account, seller: Account, customer: Customer
    ) -> None:
        sale = sold(share)
        refund(sale, 500)
        assert "5 % of what is sold. £0.25" in text_of(customer(seller).get(f"/orders/{sale.public_id}"))
        refund(sale, 500)
        said = text_of(customer(seller).get(f"/orders/{sale.public_id}"))
        assert "All of it was given back" in said
        assert "The platform's fee £0.00" in said
        assert "5 % of what is sold. £0.00" in said
        client = customer(sharer)
        for path in ("/shares", f"/shares/{won(sale).share.public_id}"):
            assert "Taken back buyers got their money back £0.50" in text_of(client.get(path))

    @pytest.mark.parametrize("token", ["forged", "", "x" * 400])
    def test_a_token_that_is_no_good_hinders_no_order(
        self, share: Share, buyer: Account, customer: Customer, token: str
    ) -> None:
        fund(buyer, 1000)
        client, path = customer(buyer), f"/items/{share.item.public_id}/order?scan={token}"
        assert client.post(path, order_form(client.get(path))).status_code == 302
        assert Order.objects.get().status == "paid"
