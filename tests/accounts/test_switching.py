"""One session, several accounts: switched under a new credential, or named for a single call."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts import services, sessions
from accounts.errors import SessionEnded
from accounts.models import Account, Behaviour, Session
from core import clock
from tests.accounts.test_linking import link
from tests.conftest import Api, make_account

SWITCH = "/session/switch"
SWITCH_STATEMENTS_MAX = 8


class TestSwitching:
    """POST /session/switch"""

    def test_the_session_acts_as_the_linked_account_under_a_new_token(self, buyer, seller, api):
        link(buyer, seller)
        caller = api(buyer)
        before = caller.get("/session").json()

        answer = caller.post(SWITCH, {"account": seller.public_id})

        assert answer.status_code == 200
        assert answer["Acting-Account"] == seller.public_id
        token, session = answer.json()["token"], answer.json()["session"]
        assert session["id"] == before["id"]
        assert session["login_account"]["id"] == buyer.public_id
        assert session["acting_account"]["id"] == seller.public_id
        assert session["expires_at"] == before["expires_at"]
        assert [account["id"] for account in session["linked_accounts"]] == [seller.public_id]
        old = caller.get("/account")
        assert (old.status_code, old.json()["code"]) == (401, "not_authenticated")
        assert api(token=token).get("/account").json()["id"] == seller.public_id

    def test_and_back(self, buyer, seller, api):
        link(buyer, seller)
        caller = api(buyer)
        for target in (seller, buyer, seller, buyer):
            caller.token = caller.post(SWITCH, {"account": target.public_id}).json()["token"]
            assert caller.get("/account").json()["id"] == target.public_id

        assert Session.objects.count() == 1

    def test_rights_are_those_of_the_acting_account_only(self, buyer, seller, api):
        link(buyer, seller)
        caller = api(buyer)
        caller.token = caller.post(SWITCH, {"account": seller.public_id}).json()["token"]

        assert caller.post("/orders", {"lines": []}, key="k").status_code == 403  # A buyer's call.
        assert caller.post("/stores", {"name": "Lab"}).status_code == 201

    @pytest.mark.parametrize("to", ["acc_01J9ZK3Q6V8M2N4P6R8T0V2X4Z", "x", "seller"])
    def test_only_to_linked_accounts(self, buyer, seller, api, to):
        caller = api(buyer)

        answer = caller.post(SWITCH, {"account": seller.public_id if to == "seller" else to})

        assert (answer.status_code, answer.json()["code"]) == (404, "account_not_linked")
        assert caller.get("/account").status_code == 200  # The old credential lives on.

    def test_only_directly_linked_with_the_login_account(self, buyer, seller, new_account, api):
        """A is linked with B, and B with C: that does not make A linked with C."""
        far = new_account()
        link(buyer, seller)
        link(seller, far)
        caller = api(buyer)
        caller.token = caller.post(SWITCH, {"account": seller.public_id}).json()["token"]

        assert caller.post(SWITCH, {"account": far.public_id}).json()["code"] == "account_not_linked"
        assert caller.get("/account", acting_account=far.public_id).json()["code"] == "account_not_linked"

    @pytest.mark.parametrize(
        ("terms", "inviter_may", "invitee_may"),
        [
            ("both", True, True),
            ("none", False, False),
            ("inviter_as_invitee", True, False),
            ("invitee_as_inviter", False, True),
        ],
    )
    def test_only_as_the_terms_allow(self, buyer, seller, api, terms, inviter_may, invitee_may):
        link(buyer, seller, switch=terms)

        for login, other, may in ((buyer, seller, inviter_may), (seller, buyer, invitee_may)):
            answers = [
                api(login).get("/account", acting_account=other.public_id),
                api(login).post(SWITCH, {"account": other.public_id}),
            ]
            assert {answer.status_code for answer in answers} == {200 if may else 403}
            assert may or {answer.json()["code"] for answer in answers} == {"switch_not_allowed"}

    def test_not_to_a_closed_account(self, buyer, seller, api):
        link(buyer, seller)
        caller = api(buyer)
        caller.token = caller.post(SWITCH, {"account": seller.public_id}).json()["token"]
        services.deactivate_account(account=seller)

        assert caller.get("/account").json()["code"] == "session_ended"
        assert api(buyer).post(SWITCH, {"account": seller.public_id}).json()["code"] == "account_not_linked"

    def test_costs_few_statements(self, buyer, seller, api, statements):
        link(buyer, seller)
        caller = api(buyer)

        with statements() as seen:
            caller.post(SWITCH, {"account": seller.public_id})

        assert len(seen) <= SWITCH_STATEMENTS_MAX, str(seen)

    def test_a_session_on_other_requests_costs_one(self, buyer, seller, api, statements):
        link(buyer, seller)
        caller = api(buyer)
        caller.token = caller.post(SWITCH, {"account": seller.public_id}).json()["token"]

        with statements() as seen:
            caller.get("/account")

        assert len(seen) == 1, str(seen)

    def test_is_written_down_for_both(self, buyer, seller, api):
        link(buyer, seller)
        api(buyer).post(SWITCH, {"account": seller.public_id})

        written = Behaviour.objects.filter(kind="session.switched").order_by("id")
        assert [(row.account_id, row.login_account_id, row.acting_account_id) for row in written] == [
            (seller.pk, buyer.pk, seller.pk),
            (buyer.pk, buyer.pk, seller.pk),
        ]


class TestActingForOneCall:
    """Acting-Account: acc_…"""

    def test_one_call_acts_as_the_linked_account(self, buyer, seller, api):
        link(buyer, seller)
        caller = api(buyer)

        answer = caller.get("/account", acting_account=seller.public_id)

        assert (answer.status_code, answer.json()["id"]) == (200, seller.public_id)
        assert answer["Acting-Account"] == seller.public_id
        assert caller.get("/account")["Acting-Account"] == buyer.public_id

    def test_a_switched_session_may_act_as_its_own_login_for_a_call(self, buyer, seller, api):
        link(buyer, seller)
        caller = api(buyer)
        caller.token = caller.post(SWITCH, {"account": seller.public_id}).json()["token"]

        assert caller.get("/account", acting_account=buyer.public_id).json()["id"] == buyer.public_id

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("PATCH", "/account", {"name": "x"}),
            ("POST", "/account/password", {"old": "a", "new": "b"}),
            ("POST", "/link-invitations", {}),
            ("GET", "/link-invitations", None),
            ("DELETE", "/link-invitations/inv_x", None),
            ("POST", "/links", {"code": "x"}),
            ("POST", "/links/preview", {"code": "x"}),
            ("PATCH", "/links/lnk_x", {"terms": {}}),
            ("POST", "/links/lnk_x/accept", {}),
        ],
    )
    def test_what_only_the_own_login_may_do(self, buyer, seller, api, method, path, body):
        link(seller, buyer)

        answer = api(seller).send(method, path, body, acting_account=buyer.public_id)

        assert (answer.status_code, answer.json()["code"]) == (403, "own_login_required")

    def test_ending_a_link_is_allowed(self, buyer, seller, api):
        made = link(seller, buyer)

        assert api(seller).delete(f"/links/{made.public_id}", acting_account=buyer.public_id).status_code == 204


class TestInABrowser:
    """A switch changes the cookie and the CSRF token, and keeps what the pages kept."""

    def test_the_cookie_and_the_csrf_token_change(self, buyer, seller, browser):
        link(buyer, seller)
        client: Client = browser(buyer)
        client.get("/api/v1/session")
        old = client.cookies[settings.SESSION_COOKIE_NAME].value

        answer = client.post(f"/api/v1{SWITCH}", {"account": seller.public_id}, content_type="application/json")

        assert answer.status_code == 200, answer.content
        new = client.cookies[settings.SESSION_COOKIE_NAME].value
        assert new not in ("", old)
        assert answer.cookies[settings.CSRF_COOKIE_NAME].value
        assert client.get("/api/v1/account").json()["id"] == seller.public_id
        assert Api(None, token=old).get("/account").status_code == 401

    def test_a_refused_switch_leaves_the_browser_logged_in(self, buyer, seller, browser):
        client: Client = browser(buyer)

        answer = client.post(f"/api/v1{SWITCH}", {"account": seller.public_id}, content_type="application/json")

        assert answer.status_code == 404
        assert client.get("/api/v1/account").json()["id"] == buyer.public_id


class TestRaces:
    """What meets a switch at the same moment."""

    def test_of_two_switches_of_one_session_one_finds_it_ended(self, committed_db, new_account, race):
        buyer, one, other = (make_account() for _ in range(3))
        link(buyer, one)
        link(buyer, other)
        session = sessions.open_session(account=buyer).session
        actor = sessions.actor_of(Session.objects.select_related("login_account", "acting_account").get())

        def switch(to: Account) -> Callable[[], Any]:
            return lambda: services.switch_session(to=to.public_id, actor=actor, now=clock.now())

        outcomes = race(switch(one), switch(other))

        assert sum(isinstance(outcome, SessionEnded) for outcome in outcomes) == 1
        (switched,) = [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
        session.refresh_from_db()
        assert session.acting_account == switched.session.acting_account

    @pytest.mark.parametrize("_round", range(5))
    def test_no_session_survives_the_end_of_its_link(self, committed_db, new_account, race, _round):
        buyer, seller = make_account(), make_account(side="seller")
        made = link(buyer, seller)
        opened = sessions.open_session(account=buyer)
        actor = sessions.actor_of(opened.session)

        race(
            lambda: services.switch_session(to=seller.public_id, actor=actor, now=clock.now()),
            lambda: services.end_link(link=made.public_id, actor=sessions.actor_of(opened.session), now=clock.now()),
        )

        session = Session.objects.get()
        assert session.acting_account == buyer or session.ended_at is not None
