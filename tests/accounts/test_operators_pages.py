"""What operators see of accounts, and the few things that they do."""

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from accounts import services, sessions
from accounts.actor import Actor
from accounts.behaviours import record_behaviour
from accounts.link_graph import links_around
from accounts.models import Account, Behaviour, ExternalIdentity, Invitation, InvitationCode, Link, Session
from accounts.terms import Terms
from tests.conftest import Api, make_account

ACCOUNTS = "/admin/accounts"
FACTS = (Link, Invitation, Session, Behaviour, ExternalIdentity)
REASON = "Her phone was stolen; she called."


@pytest.fixture
def pages(operator: Account, browser: Callable[[Account], Client]) -> Client:
    """An operator's browser."""
    return browser(operator)


def link(inviter: Account, invitee: Account, **terms: object) -> Link:
    return Link.objects.create(
        inviter=inviter, invitee=invitee, linked_at=timezone.now(), **Terms.of_document(terms).columns()
    )


def text(pages: Client, path: str, **query: Any) -> str:
    answer = pages.get(f"{ACCOUNTS}{path}", query)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def everything(buyer: Account, seller: Account) -> None:
    """A row of each kind that these pages show."""
    made = link(buyer, seller)
    services.invite(count=2, terms=Terms(), actor=Actor.own(buyer), now=timezone.now())
    ExternalIdentity.objects.create(
        account=buyer, provider="demo-id", external_id=f"anna-{buyer.pk}", bound_at=timezone.now()
    )
    record_behaviour("item.viewed", by=Actor.own(seller), object_id=made.public_id, now=timezone.now())
    sessions.open_session(account=buyer, device="Till 7")


class TestFacts:
    """Rows are for reading, whoever reads them."""

    @pytest.mark.parametrize("model", FACTS, ids=lambda model: model.__name__)
    def test_nothing_is_added_changed_or_deleted_by_hand(self, pages, buyer, seller, model):
        everything(buyer, seller)
        row, path = model.objects.order_by("-pk")[0], f"{ACCOUNTS}/{model._meta.model_name}"

        assert pages.get(f"{path}/{row.pk}/change/").status_code == 200
        assert pages.get(f"{path}/add/").status_code == 403
        assert pages.post(f"{path}/add/", {"inviter": buyer.pk, "invitee": seller.pk}).status_code == 403
        assert pages.post(f"{path}/{row.pk}/change/", {"reason": "mine"}).status_code == 403
        assert pages.post(f"{path}/{row.pk}/delete/", {"post": "yes"}).status_code == 403

    @pytest.mark.parametrize("model", FACTS, ids=lambda model: model.__name__)
    def test_an_account_finds_its_own_and_nobody_elses(self, pages, buyer, seller, new_account, model):
        everything(buyer, seller)
        path = f"{ACCOUNTS}/{model._meta.model_name}/"

        assert list(pages.get(path, {"q": buyer.public_id}).context["cl"].result_list)
        for other in (new_account().public_id, "acc_nobody", "nonsense", "é" * 300):
            assert list(pages.get(path, {"q": other}).context["cl"].result_list) == []

    @pytest.mark.parametrize("model", FACTS, ids=lambda model: model.__name__)
    def test_a_longer_list_takes_no_more_statements(self, pages, buyer, seller, new_account, statements, model):
        everything(buyer, seller)
        path = f"{ACCOUNTS}/{model._meta.model_name}/"
        pages.get(path)
        with statements() as few:
            pages.get(path)
        for _ in range(4):
            everything(new_account(), new_account())
        with statements() as many:
            pages.get(path)
        assert len(many) == len(few) <= 8, str(many)

    def test_invitations_show_no_code(self, pages, buyer):
        invited = services.invite(count=2, terms=Terms(), actor=Actor.own(buyer), now=timezone.now())

        shown = text(pages, "/invitation/") + text(pages, f"/invitation/{invited.invitation.pk}/change/")

        assert "0 of 2" in shown
        for secret in [*invited.codes, *InvitationCode.objects.values_list("digest", flat=True)]:
            assert secret not in shown

    def test_an_identity_is_found_as_its_provider_names_it(self, pages, buyer, seller):
        everything(buyer, seller)
        assert buyer.name in text(pages, "/externalidentity/", q=f"demo-id:anna-{buyer.pk}")
        assert buyer.name not in text(pages, "/externalidentity/", q="demo-id:anna")


class TestTheAccountsPage:
    """One page for each account, with what hangs on it."""

    @pytest.mark.parametrize("term", ["public_id", "username", "email", "EMAIL"])
    def test_it_is_found(self, pages, new_account, term):
        account = new_account(email="Anna.Keller@example.org")
        query = account.email.upper() if term == "EMAIL" else getattr(account, term)
        assert account.public_id in text(pages, "/account/", q=query)

    def test_it_shows_what_hangs_on_it(self, pages, buyer, seller):
        everything(buyer, seller)
        shown = text(pages, f"/account/{buyer.pk}/change/")
        for expected in (buyer.public_id, seller.name, "Till 7", f"anna-{buyer.pk}", "item.viewed", "pays nothing"):
            assert expected in shown
        assert f"/admin/orders/order/?q={buyer.public_id}" in shown
        assert f"/admin/ledger/ledgeraccount/?q={buyer.public_id}" in shown

    def test_every_session_is_ended_at_once(self, pages, buyer):
        callers = [Api(buyer), Api(buyer)]
        path = f"{ACCOUNTS}/account/{buyer.pk}/end-sessions/"

        pages.get(path)
        assert callers[0].get("/account").status_code == 200
        pages.post(path)

        assert [caller.get("/account").status_code for caller in callers] == [401, 401]
        assert LogEntry.objects.get().change_message == "2 sessions have ended."

    def test_it_is_shut_and_opened_again(self, pages, operator, buyer):
        pages.post(f"{ACCOUNTS}/account/{buyer.pk}/shut/")
        assert not Account.objects.get(pk=buyer.pk).is_active
        pages.post(f"{ACCOUNTS}/account/{buyer.pk}/reopen/")
        assert Account.objects.get(pk=buyer.pk).is_active
        pages.post(f"{ACCOUNTS}/account/{operator.pk}/shut/")
        assert Account.objects.get(pk=operator.pk).is_active

    @pytest.mark.parametrize("page", ["end-sessions", "shut", "reopen", "stand-in", "graph"])
    def test_who_may_only_look_does_nothing_of_it(self, browser, new_account, buyer, page):
        clerk = new_account(operator=True, is_superuser=False)
        clerk.user_permissions.add(Permission.objects.get(codename="view_account"))
        pages = browser(clerk)

        assert "Stand in" not in text(pages, f"/account/{buyer.pk}/change/")
        assert pages.post(f"{ACCOUNTS}/account/{buyer.pk}/{page}/", {"reason": REASON}).status_code == 403

    @pytest.mark.parametrize("key", ["0", "x", "9" * 30])
    def test_no_account_has_no_page(self, pages, key):
        assert pages.get(f"{ACCOUNTS}/account/{key}/change/").status_code in (302, 404)


class TestStandingIn:
    """The page asks for a reason, says what follows, and shows the token once."""

    def test_the_token_acts_as_the_customer(self, pages, operator, buyer):
        answer = pages.post(f"{ACCOUNTS}/account/{buyer.pk}/stand-in/", {"reason": REASON})

        token = re.search(r'id="token">([^<]+)<', answer.content.decode())
        assert token is not None
        assert answer["Cache-Control"].startswith("max-age=0")
        session = Api(None, token=token[1]).get("/session").json()
        assert (session["login_account"]["id"], session["acting_account"]["id"]) == (
            operator.public_id,
            buyer.public_id,
        )
        assert session["reason"] == REASON
        assert LogEntry.objects.get().change_message == f"Stood in for: {REASON}"

    def test_it_is_no_log_in_for_pages(self, pages, buyer, settings):
        """Pages call services without the gate that the API has."""
        answer = pages.post(f"{ACCOUNTS}/account/{buyer.pk}/stand-in/", {"reason": REASON})
        token = re.search(r'id="token">([^<]+)<', answer.content.decode())
        assert token is not None
        client = Client()
        client.cookies[settings.SESSION_COOKIE_NAME] = token[1]
        assert client.get("/admin/").status_code == 302

    def test_without_a_reason_nothing_happens(self, pages, buyer):
        assert pages.post(f"{ACCOUNTS}/account/{buyer.pk}/stand-in/", {"reason": " "}).status_code == 200
        assert not Session.objects.exclude(reason="").exists()

    def test_nor_as_another_operator(self, pages, new_account):
        other = new_account(operator=True)
        pages.post(f"{ACCOUNTS}/account/{other.pk}/stand-in/", {"reason": REASON})
        assert not Session.objects.exclude(reason="").exists()

    def test_logging_out_of_the_pages_ends_it(self, pages, buyer):
        pages.post(f"{ACCOUNTS}/account/{buyer.pk}/stand-in/", {"reason": REASON})
        pages.post("/admin/logout/")
        assert not Session.objects.filter(ended_at=None).exists()


class TestEndingALink:
    """Staff end a link with a reason, and make none."""

    def test_both_sides_see_who_ended_it_and_why(self, pages, operator, buyer, seller):
        made = link(buyer, seller)

        pages.post(f"{ACCOUNTS}/link/{made.pk}/end/", {"reason": REASON, "_form_submitted": "on"}, follow=True)

        made.refresh_from_db()
        assert (made.ended_by, made.end_reason) == (operator, REASON)
        for side in (buyer, seller):
            own = Api(side)
            assert own.get("/links").json()["results"] == []
            (ended,) = own.get("/links", {"state": "ended"}).json()["results"]
            assert (ended["ended_by"]["id"], ended["end_reason"]) == (operator.public_id, REASON)
            rows = own.get("/behaviours", {"kind": "account.unlinked", "origin": "own"}).json()["results"]
            assert [row["login_account"]["id"] for row in rows] == [operator.public_id]
        assert LogEntry.objects.get().change_message == f"Ended: {REASON}"

    def test_without_a_reason_it_lives_on(self, pages, buyer, seller):
        made = link(buyer, seller)
        pages.post(f"{ACCOUNTS}/link/{made.pk}/end/", {"reason": "", "_form_submitted": "on"})
        made.refresh_from_db()
        assert made.ended_at is None

    def test_who_may_only_look_cannot(self, browser, new_account, buyer, seller):
        made = link(buyer, seller)
        clerk = new_account(operator=True, is_superuser=False)
        clerk.user_permissions.add(Permission.objects.get(codename="view_link"))
        browser(clerk).post(f"{ACCOUNTS}/link/{made.pk}/end/", {"reason": REASON, "_form_submitted": "on"})
        made.refresh_from_db()
        assert made.ended_at is None

    def test_over_http_too(self, operator, buyer, seller):
        made, path = link(buyer, seller), "/links/{}/end"
        switched = Api(None, token=Api(buyer).post("/session/switch", {"account": seller.public_id}).json()["token"])

        assert Api(buyer).post(path.format(made.public_id), {"reason": REASON}).status_code == 403
        assert Api(operator).post(path.format("lnk_nothing"), {"reason": REASON}).status_code == 404
        assert Api(operator).post(path.format(made.public_id), {}).status_code == 422
        answer = Api(operator).post(path.format(made.public_id), {"reason": REASON})

        assert (answer.status_code, answer.json()["end_reason"]) == (200, REASON)
        assert switched.get("/account").json()["code"] == "session_ended"
        assert Api(operator).post(path.format(made.public_id), {"reason": REASON}).status_code == 404

    def test_staff_make_none_over_http(self, operator, buyer):
        invited = services.invite(count=1, terms=Terms(), actor=Actor.own(buyer), now=timezone.now())
        assert Api(operator).post("/links", {"code": invited.codes[0]}).status_code == 403
        assert Api(operator).post("/link-invitations", {}).status_code == 403

    def test_no_page_makes_one(self, pages, buyer, seller):
        """Every page below accounts, posted to with all that a link is made of."""
        made = link(buyer, make_account())
        form = {"inviter": buyer.pk, "invitee": seller.pk, "reason": REASON, "direction": "both", "switch": "both"}
        form |= {"cap_kind": "none", "mirror": "[]", "linked_at_0": "2026-01-01", "linked_at_1": "00:00", "_save": "1"}
        paths = [path for path in admin_paths() if path.startswith("accounts/")]
        assert len(paths) > 30
        for path in paths:
            key = str(buyer.pk if path.startswith("accounts/account/") else made.pk)
            pages.post("/admin/" + re.sub(r"<[^>]+>", key, path), form)
        assert list(Link.objects.all()) == [made]
        assert InvitationCode not in admin.site._registry


def admin_paths() -> list[str]:
    """Every path of the operators' pages, as it is written."""
    found: list[str] = []

    def walk(patterns: list, before: str) -> None:
        for pattern in patterns:
            path = before + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                walk(pattern.url_patterns, path)
            else:
                found.append(path)

    walk([p for p in get_resolver().url_patterns if str(p.pattern) == "admin/"], "")
    return [path.removeprefix("admin/") for path in found]


class TestTheGraph:
    """The links around an account, drawn on the server."""

    def test_it_goes_as_far_as_asked(self, db):
        chain = [make_account() for _ in range(6)]
        for one, other in pairwise(chain):
            link(one, other)

        def reached(depth: int) -> list[Account]:
            return [node.account for node in links_around(chain[0], depth=depth, with_ended=False).nodes]

        assert reached(1) == chain[:2]
        assert reached(3) == chain[:4]
        assert reached(99) == chain[:4]  # LINK_GRAPH_DEPTH_MAX

    def test_ended_links_are_drawn_only_when_asked_for(self, buyer, seller):
        made = link(buyer, seller)
        Link.objects.filter(pk=made.pk).update(ended_at=timezone.now())
        assert links_around(buyer, depth=1, with_ended=False).edges == []
        assert [edge.link for edge in links_around(buyer, depth=1, with_ended=True).edges] == [made]

    def test_a_ring_is_drawn_once(self, db):
        ring = [make_account() for _ in range(3)]
        for one, other in zip(ring, [*ring[1:], ring[0]], strict=True):
            link(one, other)
        drawn = links_around(ring[0], depth=3, with_ended=False)
        assert len(drawn.nodes) == 3
        assert sorted(edge.crossing for edge in drawn.edges) == [False, False, True]

    def test_no_more_is_drawn_than_the_setting_says(self, db, settings, statements):
        settings.LINK_GRAPH_ACCOUNTS_MAX = 5
        hub = make_account()
        others = [make_account() for _ in range(8)]
        for other in others:
            link(hub, other)
        with statements() as seen:
            drawn = links_around(hub, depth=3, with_ended=False)
        assert [node.account for node in drawn.nodes] == [hub, *reversed(others[-4:])]  # The newest.
        assert drawn.left_out
        assert len(seen) == 3, str(seen)  # Two steps reach somebody, and what was spent.

    @pytest.mark.parametrize("count", [0, 1, 3, 12, 40])
    def test_nothing_lies_on_anything_else(self, db, count):
        hub = make_account()
        for _ in range(count):
            link(hub, make_account())
        drawn = links_around(hub, depth=2, with_ended=False)
        rows = sorted(node.y for node in drawn.nodes)
        assert len(rows) == count + 1
        assert all(below - above >= 60 for above, below in pairwise(rows))
        assert max(rows) + 48 <= drawn.height

    @pytest.mark.parametrize("seen_from", ["inviter", "invitee"])
    def test_directions_are_the_same_from_either_side(self, buyer, seller, seen_from):
        link(buyer, seller, switch="inviter_as_invitee", direction="to_inviter")
        (edge,) = links_around(buyer if seen_from == "inviter" else seller, depth=1, with_ended=False).edges
        acts = {(edge.near.account, edge.far.account)} if edge.near_acts_as_far else set()
        acts |= {(edge.far.account, edge.near.account)} if edge.far_acts_as_near else set()
        assert acts == {(buyer, seller)}
        assert (edge.near_sees_far, edge.far_sees_near) == ((True, False) if seen_from == "inviter" else (False, True))

    def test_the_page_draws_without_scripts_and_says_the_same_in_words(self, pages, buyer, seller):
        made = link(buyer, seller, switch="inviter_as_invitee", spending_cap={"amount": 5000, "currency": "GBP"})
        made.spendings.create(owner=buyer, currency="GBP", spent_minor=123)

        shown = text(pages, f"/account/{buyer.pk}/graph/", depth=1)

        drawing = re.search(r'<svg class="graph" width="\d+" height="\d+" viewBox.*?</svg>', shown, re.DOTALL)
        assert drawing is not None
        tree = ElementTree.fromstring(drawing[0])  # Well-formed, and so no name breaks out of it.
        links = [node.get("href") for node in tree.iter("a")]
        assert links == [
            f"/admin/accounts/account/{buyer.pk}/change/",
            f"/admin/accounts/account/{seller.pk}/graph/?depth=1",
        ]
        assert "script" not in drawing[0]
        assert "up to 50.00 GBP" in drawing[0]
        assert f"{buyer.name} may act as {seller.name}" in shown
        assert "pays up to 50.00 GBP; paid 1.23 GBP" in shown

    def test_names_are_text(self, pages, buyer, new_account):
        link(buyer, new_account(name="<script>alert(1)</script>&"))
        assert "<script>alert" not in text(pages, f"/account/{buyer.pk}/graph/")

    @pytest.mark.parametrize("depth", ["0", "-1", "x", "9" * 40, "²"])
    def test_any_depth_is_a_page(self, pages, buyer, depth):
        text(pages, f"/account/{buyer.pk}/graph/", depth=depth)


class TestBehaviours:
    """Read by account and time, however many there are."""

    def test_who_really_acted_is_shown(self, pages, operator, seller):
        own = sessions.open_session(account=operator)
        services.stand_in(customer=seller, reason=REASON, actor=sessions.actor_of(own.session), now=timezone.now())
        act = Behaviour.objects.get()

        shown = text(pages, f"/behaviour/{act.pk}/change/")

        assert operator.name in shown
        assert seller.name in shown
        assert REASON in shown

    def test_a_list_counts_no_further_than_it_must(self, pages, buyer, statements):
        record_behaviour("item.viewed", by=Actor.own(buyer), now=timezone.now())
        for query in ({}, {"q": buyer.public_id}):
            with statements() as seen:
                pages.get(f"{ACCOUNTS}/behaviour/", query)
            counted = [row["sql"] for row in seen.captured_queries if "COUNT(" in row["sql"]]
            assert counted
            assert all("LIMIT 5001" in sql for sql in counted if "behaviour" in sql)

    def test_one_kind_of_everybody_looks_a_day_back(self, pages, buyer):
        record_behaviour("item.viewed", by=Actor.own(buyer), now=timezone.now())
        Behaviour.objects.update(recorded_at=timezone.now() - timedelta(days=2))

        def listed(**query: str) -> int:
            return len(pages.get(f"{ACCOUNTS}/behaviour/", query).context["cl"].result_list)

        assert listed(kind="item.viewed") == 0
        assert listed(kind="item.viewed", q=buyer.public_id) == 1
        assert listed(kind="order.placed", q=buyer.public_id) == 0
        assert (listed(days="1"), listed(days="7")) == (0, 1)
