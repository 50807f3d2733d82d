"""Anybody shares an item, once for each page and place; a share keeps what it was promised."""

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction

from accounts.actor import Actor
from accounts.errors import SessionEnded
from accounts.models import Account
from accounts.services import erase_account
from catalog.errors import ItemUnknown, StoreUnknown
from catalog.models import Item
from catalog.services import change_item, close_store, open_store
from core import clock
from events.delivery import deliver_due
from events.models import EventRecord
from notifications.models import Message
from sharing.api.share_outputs import share_documents
from sharing.codes import share_id_of
from sharing.errors import ShareRevokedAlready
from sharing.models import Share, ShareProgram
from sharing.services import (
    WantedShare,
    end_program,
    make_share,
    make_shares,
    revoke_share,
    sharing,
    take_down_share,
)
from sharing.shares import get_share, share_url
from tests.conftest import PASSWORD, Statements
from tests.sharing.programs import give, share
from tests.shop import offer


@pytest.fixture
def item(seller: Account) -> Item:
    shared = offer(seller)
    give(shared, hosts=("blog.example",))
    return shared


def deliver(consumer: str) -> None:
    with transaction.atomic():
        deliver_due(consumer)


def take_down(one: Share, operator: Account, reason: str = "Spam.") -> Share:
    return take_down_share(share=one.public_id, reason=reason, actor=Actor.own(operator), now=clock.now())


class TestOverHTTP:
    """POST, GET and DELETE /shares"""

    def test_a_share_says_where_it_leads_and_on_what_terms(self, api: Any, item: Item, buyer: Account) -> None:
        made = api(buyer).post("/shares", {"item": item.public_id})

        assert made.status_code == 201, made.content
        document, row = made.json(), Share.objects.get()
        assert share_id_of(document["code"]) == row.pk
        site = settings.SITE_URL
        assert document == {
            "id": row.public_id,
            "item": item.public_id,
            "title": "Tea",
            "seller": {"id": item.seller.public_id, "name": item.seller.name},
            "sharer": {"id": buyer.public_id, "name": buyer.name},
            "code": document["code"],
            "url": f"{site}/s/{document['code']}",
            "qr_svg": f"{site}/api/v1/shares/{row.public_id}/qr.svg",
            "qr_png": f"{site}/api/v1/shares/{row.public_id}/qr.png",
            "terms": {
                "version": 1,
                "rate_bps": 500,
                "amount": None,
                "window_days": 30,
                "model": "last_touch",
                "lock_days": None,
                "budget": None,
                "budget_left": True,
            },
            "activity_url": f"{site}/items/{item.public_id}",
            "store": None,
            "state": "live",
            "made_at": document["made_at"],
            "revoked_at": None,
            "revoke_reason": "",
        }
        assert api(buyer).get(f"/shares/{row.public_id}").json() == document
        assert api(buyer).get("/shares").json()["results"] == [document]
        assert api(buyer).get("/shares", {"item": "itm_" + "0" * 26}).json()["results"] == []

    def test_it_leads_to_a_page_on_a_registered_host(self, api: Any, item: Item, buyer: Account) -> None:
        made = api(buyer).post("/shares", {"item": item.public_id, "activity_url": "HTTPS://Blog.Example:443/tea?a=1"})
        assert made.json()["activity_url"] == "https://blog.example/tea?a=1"
        refused = api(buyer).post("/shares", {"item": item.public_id, "activity_url": "https://other.example/"})
        assert (refused.status_code, refused.json()["code"]) == (422, "activity_url_not_allowed")

    def test_without_a_program_there_is_nothing_to_share(self, api: Any, buyer: Account, seller: Account) -> None:
        plain = offer(seller)
        refused = api(buyer).post("/shares", {"item": plain.public_id})
        assert (refused.status_code, refused.json()["code"]) == (409, "no_share_program")

    def test_what_the_sharer_cannot_see_is_unknown(self, api: Any, buyer: Account, seller: Account) -> None:
        draft = offer(seller, status="draft")
        give(draft)
        for named in (draft.public_id, "itm_" + "0" * 26):
            refused = api(buyer).post("/shares", {"item": named})
            assert (refused.status_code, refused.json()["code"]) == (422, "item_unknown")
        assert api(seller).post("/shares", {"item": draft.public_id}).status_code == 201  # Posters before the opening.
        change_item(item=draft.public_id, changes={"status": "removed"}, actor=Actor.own(seller), now=clock.now())
        assert api(seller).post("/shares", {"item": draft.public_id}).json()["code"] == "no_share_program"

    def test_it_is_revoked_by_its_sharer_only(self, api: Any, item: Item, buyer: Account, new_account: Any) -> None:
        one = share(buyer, item)
        path = f"/shares/{one.public_id}"
        for other in (new_account(), item.seller):
            assert api(other).delete(path).status_code == api(other).get(path).status_code == 404
        assert api(buyer).delete(path).status_code == api(buyer).delete(path).status_code == 204
        seen = api(buyer).get(path).json()
        assert (seen["state"], bool(seen["revoked_at"])) == ("revoked", True)

    def test_a_list_takes_as_many_statements_as_one(
        self, api: Any, item: Item, buyer: Account, seller: Account, statements: Any
    ) -> None:
        caller, counts = api(buyer), []
        for _ in range(2):
            share(buyer, item)
            share(buyer, item, activity_url="https://blog.example/tea")
            with statements() as seen:
                caller.get("/shares")
            counts.append(len(seen))
            item = offer(seller)
            give(item, hosts=("blog.example",))
        assert counts[0] == counts[1] <= 5


class TestTheSameShare:
    """The same item, version, page and place once more is the same share; anything else is another one."""

    def test_is_made_once(self, item: Item, buyer: Account) -> None:
        one = share(buyer, item)
        assert share(buyer, item, activity_url=f"{settings.SITE_URL}/items/{item.public_id}") == one
        page = share(buyer, item, activity_url="https://blog.example")
        assert page != one
        assert share(buyer, item, activity_url="https://BLOG.example/") == page

    def test_another_sharer_place_or_version_makes_another(
        self, item: Item, buyer: Account, seller: Account, new_account: Any
    ) -> None:
        store = open_store(name="Shop", actor=Actor.own(seller), now=clock.now()).public_id
        ones = [share(buyer, item), share(new_account(), item), share(buyer, item, store=store)]
        give(item, rate_bps=600)
        ones += [share(buyer, item), share(buyer, item, store=store)]
        assert len({one.pk for one in ones}) == 5
        assert [one.program.rate_bps for one in ones] == [500, 500, 500, 600, 600]

    def test_a_revoked_one_is_not_the_same(self, item: Item, buyer: Account) -> None:
        one = share(buyer, item)
        revoke_share(share=one.public_id, actor=Actor.own(buyer), now=clock.now())
        assert share(buyer, item) != one

    def test_a_poster_hangs_in_a_store_of_the_sharer_or_the_seller(
        self, api: Any, item: Item, seller: Account, new_account: Any
    ) -> None:
        cafe, stranger = new_account(side="seller"), new_account(side="seller")
        stores = {
            who: open_store(name="Shop", actor=Actor.own(who), now=clock.now()) for who in (cafe, seller, stranger)
        }
        for who in (cafe, seller):
            body = {"item": item.public_id, "store": stores[who].public_id}
            assert api(cafe).post("/shares", body).json()["store"] == stores[who].public_id
        refused = api(cafe).post("/shares", {"item": item.public_id, "store": stores[stranger].public_id})
        assert (refused.status_code, refused.json()["code"]) == (422, "store_unknown")
        close_store(store=stores[cafe].public_id, actor=Actor.own(cafe), now=clock.now())
        refused = api(cafe).post("/shares", {"item": item.public_id, "store": stores[cafe].public_id})
        assert (refused.status_code, refused.json()["code"]) == (409, "store_closed")

    def test_the_database_lets_nobody_rewrite_one(self, item: Item, buyer: Account, new_account: Any) -> None:
        one = share(buyer, item)
        revoke_share(share=one.public_id, actor=Actor.own(buyer), now=clock.now())
        row = Share.objects.filter(pk=one.pk)
        for change in (
            lambda: row.update(sharer=new_account()),
            lambda: row.update(activity_url="https://evil.example/"),
            lambda: row.update(revoked_at=None, revoked_by=None),
            row.delete,
        ):
            with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
                change()


class TestManyAtOnce:
    """A batch of shares is what each would have been alone, or nothing."""

    @pytest.fixture
    def wanted(self, item: Item, seller: Account, new_account: Callable[..., Account]) -> list[WantedShare]:
        """Two sharers, each with our page, a blog's and a poster in a shop; one thing twice."""
        shop = open_store(name="Shop", actor=Actor.own(seller), now=clock.now()).public_id
        ways = [
            {},
            {"activity_url": "https://blog.example/"},
            {"store": shop},
            {"activity_url": "https://blog.example"},
        ]
        actors = [Actor.own(new_account()) for _ in range(2)]
        return [WantedShare(item=item.public_id, actor=actor, **way) for way in ways for actor in actors]

    def test_are_made_as_each_alone(self, wanted: list[WantedShare]) -> None:
        alone = [
            make_share(item=one.item, activity_url=one.activity_url, store=one.store, actor=one.actor, now=clock.now())
            for one in wanted[:3]
        ]
        together = make_shares(wanted=wanted, now=clock.now())

        assert together[:3] == alone
        assert together[6:] == together[2:4]
        said = [(one.sharer, one.activity_url, one.store and one.store.public_id) for one in together]
        assert said == [
            (one.actor.acting, "https://blog.example/" if one.activity_url else "", one.store) for one in wanted
        ]
        assert Share.objects.count() == 6
        found = [get_share(one.public_id, visible_to=one.sharer) for one in together]
        assert list(share_documents(together)) == list(share_documents(found))

    def test_take_as_many_statements_as_one(
        self, wanted: list[WantedShare], statements: Callable[[], Statements]
    ) -> None:
        with statements() as one:
            make_shares(wanted=wanted[4:5], now=clock.now())
        with statements() as many:
            make_shares(wanted=wanted, now=clock.now())
        assert len(many) == len(one), str(many)

    def test_are_none_where_one_is_refused(self, wanted: list[WantedShare], buyer: Account) -> None:
        for one, refusal in (
            (WantedShare(item="itm_unknown", actor=Actor.own(buyer)), ItemUnknown),
            (WantedShare(item=wanted[0].item, store="sto_unknown", actor=Actor.own(buyer)), StoreUnknown),
        ):
            with pytest.raises(refusal):
                make_shares(wanted=[*wanted, one], now=clock.now())
        Account.objects.filter(pk=wanted[0].actor.acting.pk).update(is_active=False)
        with pytest.raises(SessionEnded):
            make_shares(wanted=wanted, now=clock.now())
        assert not Share.objects.exists()

    def test_two_batches_the_other_way_round_make_each_once(
        self, committed_db: None, seller: Account, buyer: Account, race: Any
    ) -> None:
        wanted = []
        for _ in range(30):
            shared = offer(seller)
            give(shared)
            wanted.append(WantedShare(item=shared.public_id, actor=Actor.own(buyer)))
        there, back = race(*[lambda turn=turn: make_shares(wanted=wanted[::turn], now=clock.now()) for turn in (1, -1)])
        assert there == back[::-1]
        assert Share.objects.count() == 30


class TestAtTheSameMoment:
    """Two who ask for the same share get the same one."""

    def test_it_is_made_once(self, committed_db: None, buyer: Account, seller: Account, race: Any) -> None:
        item = offer(seller)
        give(item)
        outcomes = race(*[lambda: share(buyer, item)] * 4)
        assert outcomes == [Share.objects.get()] * 4

    def test_control_a_look_before_the_leap_makes_two(
        self, committed_db: None, buyer: Account, seller: Account, race: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        item = offer(seller)
        give(item)
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX share_once")
        looked = threading.Barrier(2)

        def look_and_make(drafts: Sequence[Share]) -> Sequence[Share]:
            assert not Share.objects.exists()
            looked.wait(timeout=10)
            for draft in drafts:
                draft.save()
            return drafts

        monkeypatch.setattr(sharing, "_same_or_made", look_and_make)
        assert len({outcome.pk for outcome in race(*[lambda: share(buyer, item)] * 2)}) == 2


class TestTakingDown:
    """An operator revokes anybody's share, and says why to whoever made it."""

    def test_the_sharer_is_told_and_reads_why(self, api: Any, item: Item, buyer: Account, operator: Account) -> None:
        one = share(buyer, item)
        take_down(one, operator, "Printed on money.")
        deliver("messages")

        (told,) = Message.objects.filter(account=buyer)
        assert (told.kind, told.data) == ("share.taken_down", {"share": one.public_id, "item": item.public_id})
        seen = api(buyer).get(f"/shares/{one.public_id}").json()
        assert (seen["state"], seen["revoke_reason"]) == ("revoked", "Printed on money.")
        with pytest.raises(ShareRevokedAlready):
            take_down(one, operator)

    def test_nobody_is_told_of_what_one_did_oneself(self, item: Item, buyer: Account) -> None:
        revoke_share(share=share(buyer, item).public_id, actor=Actor.own(buyer), now=clock.now())
        assert not EventRecord.objects.filter(type="share.taken_down").exists()


class TestClosing:
    """With an account its programs end and its shares are revoked; its data says so, and names nobody."""

    def close(self, account: Account, api: Any) -> None:
        closed = api(account).post("/account/close", {"password": PASSWORD})
        assert closed.status_code == 204, closed.content
        deliver("closed_sharers")

    def test_a_sellers_programs_end(self, api: Any, item: Item, seller: Account, buyer: Account) -> None:
        give(item, rate_bps=600)
        one = share(buyer, item)
        self.close(seller, api)
        assert not ShareProgram.objects.filter(ended_at=None).exists()
        assert api(buyer).get(f"/shares/{one.public_id}").json()["state"] == "ended"

    def test_a_sharers_shares_are_revoked_and_nobody_elses(
        self, api: Any, item: Item, buyer: Account, new_account: Any
    ) -> None:
        gone, stays = share(buyer, item), share(new_account(), item)
        self.close(buyer, api)
        assert list(Share.objects.filter(revoked_at=None)) == [stays]
        assert Share.objects.get(pk=gone.pk).revoked_by == buyer

    def test_what_one_has_is_handed_out(self, api: Any, item: Item, seller: Account, buyer: Account) -> None:
        one = share(buyer, item)
        give(item, rate_bps=600)
        end_program(item=item.public_id, actor=Actor.own(seller), now=clock.now())
        export = {
            who: json.loads(b"".join(api(who).get("/account/export").streaming_content)) for who in (buyer, seller)
        }
        assert [kept["url"] for kept in export[buyer]["shares"]] == [share_url(one.pk)]
        assert [kept["rate_bps"] for kept in export[seller]["share_programs"]] == [600, 500]
        assert all(kept["ended_at"] for kept in export[seller]["share_programs"])

    def test_an_erased_sharers_reasons_are_gone(self, api: Any, item: Item, buyer: Account, operator: Account) -> None:
        one = share(buyer, item)
        take_down(one, operator, "Anna Keller did it.")
        self.close(buyer, api)
        erase_account(account=buyer)
        assert Share.objects.get(pk=one.pk).revoke_reason == ""
