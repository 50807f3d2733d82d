"""Log-in, the session's own paths, and every way in which a session ends."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.utils import timezone

from accounts import services, sessions
from accounts.actor import Actor
from accounts.errors import OwnLoginRequired
from accounts.models import Account, Session
from core.models import AttemptCount
from tests.conftest import PASSWORD, Api, make_account


def log_in(username: str, password: str = PASSWORD, **headers: str):
    return Api(None).post("/sessions", {"username": username, "password": password}, **headers)


class TestLogIn:
    """POST /sessions"""

    def test_the_answer_has_the_token_and_the_session(self, buyer, api):
        answer = log_in(buyer.username.upper(), user_agent="Till 7")

        assert answer.status_code == 201
        assert answer["Acting-Account"] == buyer.public_id
        assert answer["Cache-Control"] == "no-store"
        me = {"id": buyer.public_id, "name": buyer.name}
        session = Session.objects.get()
        assert answer.json()["session"] == {
            "id": session.public_id,
            "login_account": me,
            "acting_account": me,
            "linked_accounts": [],
            "expires_at": session.expires_at.isoformat().replace("+00:00", "Z"),
            "reason": None,
        }
        assert session.device == "Till 7"
        assert api(token=answer.json()["token"]).get("/session").json() == answer.json()["session"]

    def test_the_token_is_kept_nowhere(self, buyer):
        token = log_in(buyer.username).json()["token"]

        assert len(token) >= 43  # 256 bits
        assert token not in str(Session.objects.values())

    @pytest.mark.parametrize("what", ["wrong password", "unknown name", "closed account", "no password"])
    def test_nobody_learns_which_part_was_wrong(self, buyer, what):
        if what == "closed account":
            Account.objects.update(is_active=False)
        if what == "no password":
            Account.objects.update(password="!")
        username = "nobody" if what == "unknown name" else buyer.username
        password = "wrong" if what == "wrong password" else PASSWORD

        with (
            patch("accounts.services.logging_in.make_password") as hashed,
            patch("accounts.services.logging_in.check_password") as checked,
        ):
            checked.side_effect = lambda given, _encoded: given == PASSWORD
            answer = log_in(username, password)

        assert (answer.status_code, answer.json()["code"]) == (401, "credentials_invalid")
        assert answer.json()["detail"] == "User name and password do not belong together."
        assert hashed.call_count + checked.call_count == 1  # The same work, and so the same time.
        assert not Session.objects.exists()

    def test_operators_log_in_like_people(self, operator):
        answer = log_in(operator.username)

        account = Api(None, token=answer.json()["token"]).get("/account").json()
        assert (account["id"], account["side"]) == (operator.public_id, None)

    @pytest.mark.parametrize("body", [{}, {"username": "x"}, {"username": ["x"], "password": {}}])
    def test_a_body_without_both_is_refused(self, db, body):
        assert Api(None).post("/sessions", body).status_code == 422


class TestLockOut:
    """Ten wrong ones per account and address; then even right ones wait, or guessing could go on."""

    @pytest.fixture(autouse=True)
    def fast_hashes(self):
        with patch("accounts.services.logging_in.check_password", lambda given, _encoded: given == PASSWORD):
            yield

    def test_the_eleventh_try_is_refused_even_if_right(self, buyer):
        for _ in range(10):
            assert log_in(buyer.username, "wrong").status_code == 401

        refused = log_in(buyer.username)

        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
        assert 890 <= int(refused["Retry-After"]) <= 900

    def test_another_spelling_is_the_same_account(self, buyer):
        for _ in range(10):
            log_in(buyer.username, "wrong")

        assert log_in(buyer.username.upper()).status_code == 429

    def test_other_people_and_other_addresses_are_not_locked_out(self, buyer, seller, settings):
        settings.TRUSTED_PROXY_COUNT = 1
        for _ in range(10):
            log_in(buyer.username, "wrong", x_forwarded_for="203.0.113.1")

        assert log_in(buyer.username, x_forwarded_for="203.0.113.1").status_code == 429
        assert log_in(seller.username, x_forwarded_for="203.0.113.1").status_code == 201
        assert log_in(buyer.username, x_forwarded_for="203.0.113.2").status_code == 201

    def test_right_ones_are_not_counted(self, buyer):
        for _ in range(9):
            log_in(buyer.username, "wrong")
        for _ in range(12):
            assert log_in(buyer.username).status_code == 201

        assert log_in(buyer.username, "wrong").status_code == 401
        assert log_in(buyer.username, "wrong").status_code == 429

    def test_it_ends_with_the_window(self, buyer):
        for _ in range(10):
            log_in(buyer.username, "wrong")
        AttemptCount.objects.update(window_ends_at=timezone.now() - timedelta(seconds=1))

        assert log_in(buyer.username).status_code == 201

    def test_unknown_names_are_locked_out_alike(self, db):
        with patch("accounts.services.logging_in.make_password"):
            answers = [log_in("nobody", "wrong").status_code for _ in range(11)]

        assert answers == [401] * 10 + [429]

    def test_parallel_wrong_ones_do_not_pass_the_limit_together(self, committed_db, race):
        account = make_account()

        answers = race(*[lambda: log_in(account.username, "wrong").status_code for _ in range(16)])

        assert sorted(answers) == [401] * 10 + [429] * 6

    def test_parallel_right_ones_are_all_let_in(self, committed_db, race):
        account = make_account()

        answers = race(*[lambda: log_in(account.username).status_code for _ in range(16)])

        assert answers == [201] * 16
        assert AttemptCount.objects.get().counted == 0


class TestSessionPaths:
    """Looking at sessions and ending them."""

    def test_the_list_shows_the_living_ones_newest_first(self, buyer, seller, api):
        old = sessions.open_session(account=buyer)
        sessions.end_session(public_id=sessions.open_session(account=buyer).session.public_id, owner=buyer)
        sessions.open_session(account=seller)
        caller = api(buyer)

        listed = caller.get("/sessions").json()

        assert [row["current"] for row in listed["results"]] == [True, False]
        assert listed["results"][1]["id"] == old.session.public_id
        assert listed["next"] is None

    def test_logging_out_ends_this_one(self, buyer, api):
        here, there = api(buyer), api(buyer)

        assert here.delete("/session").status_code == 204

        refused = here.get("/session")
        assert (refused.status_code, refused.json()["code"]) == (401, "session_ended")
        assert there.get("/session").status_code == 200

    def test_another_one_is_ended_by_its_id(self, buyer, api):
        here, there = api(buyer), api(buyer)
        id_ = there.get("/session").json()["id"]

        assert here.delete(f"/sessions/{id_}").status_code == 204
        assert here.delete(f"/sessions/{id_}").status_code == 204
        assert there.get("/account").json()["code"] == "session_ended"

    def test_somebody_elses_is_not_there(self, buyer, seller, api):
        id_ = api(seller).get("/session").json()["id"]

        assert api(buyer).delete(f"/sessions/{id_}").status_code == 404
        assert Session.objects.filter(public_id=id_, ended_at=None).exists()

    def test_logging_out_everywhere_ends_all(self, buyer, seller, api):
        here, there, other = api(buyer), api(buyer), api(seller)

        assert here.delete("/sessions").status_code == 204
        assert [caller.get("/session").status_code for caller in (here, there, other)] == [401, 401, 200]

    def test_an_expired_session_has_ended(self, buyer, api):
        caller = api(buyer)
        Session.objects.update(expires_at=timezone.now())

        assert caller.get("/session").json()["code"] == "session_ended"

    def test_a_closed_account_has_no_sessions(self, buyer, api):
        caller = api(buyer)
        Account.objects.update(is_active=False)

        assert (caller.get("/account").status_code, caller.get("/account").json()["code"]) == (401, "session_ended")


class TestAuthentication:
    """Every request says who it is, and every answer who acted."""

    def test_one_statement_finds_session_and_accounts(self, buyer, api, statements):
        caller = api(buyer)

        with statements() as seen:
            answer = caller.get("/account")

        assert answer["Acting-Account"] == buyer.public_id
        assert len(seen) == 1, str(seen)

    def test_being_seen_is_noted_outside_any_transaction(self, committed_db, buyer, api):
        caller = api(buyer)
        long_ago = timezone.now() - timedelta(minutes=6)
        Session.objects.update(last_seen_at=long_ago)

        assert caller.get("/account").status_code == 200
        assert Session.objects.get().last_seen_at > long_ago

    def test_being_seen_is_noted_every_few_minutes(self, buyer, api):
        caller = api(buyer)
        long_ago = timezone.now() - timedelta(minutes=6)
        Session.objects.update(last_seen_at=long_ago)

        caller.get("/account")

        assert Session.objects.get().last_seen_at > long_ago

    @pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Bearer x", "Bearer x y", "Basic eDp5", "\xe4"])
    def test_who_does_not_say_who_it_is_must_log_in(self, db, api, authorization):
        answer = api().get("/account", authorization=authorization)

        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
        assert answer["WWW-Authenticate"] == "Bearer"
        assert answer["Content-Type"] == "application/problem+json"

    def test_acting_as_oneself_is_fine(self, buyer, api):
        assert api(buyer).get("/account", acting_account=buyer.public_id).status_code == 200

    @pytest.mark.parametrize("header", ["somebody", "", "acc_", "'", "acc_" + "0" * 26, "x" * 5000, "\xe4"])
    def test_acting_as_anybody_else_is_refused(self, buyer, api, header):
        answer = api(buyer).get("/account", acting_account=header)

        assert (answer.status_code, answer.json()["code"]) == (404, "account_not_linked")
        assert answer["Acting-Account"] == buyer.public_id

    def test_acting_as_a_stranger_is_refused(self, buyer, seller, api):
        answer = api(buyer).get("/account", acting_account=seller.public_id)

        assert (answer.status_code, answer.json()["code"]) == (404, "account_not_linked")


class TestOwnAccount:
    """What an account may change about itself."""

    def test_name_and_email_change(self, buyer, api):
        caller = api(buyer)

        answer = caller.patch("/account", {"name": "New", "email": "new@example.org"})

        assert (answer.status_code, answer.json()["name"], answer.json()["email"]) == (200, "New", "new@example.org")
        assert caller.patch("/account", {"email": ""}).json()["name"] == "New"
        assert caller.patch("/account", {"username": "root"}).json()["code"] == "unknown_field"
        assert caller.patch("/account", {"name": ""}).status_code == 422

    def test_a_new_password_ends_the_other_sessions(self, buyer, api):
        here, there = api(buyer), api(buyer)

        answer = here.post("/account/password", {"old": PASSWORD, "new": "a much better one"})

        assert answer.status_code == 204
        assert here.get("/account").status_code == 200
        assert there.get("/account").json()["code"] == "session_ended"
        assert log_in(buyer.username).status_code == 401
        assert log_in(buyer.username, "a much better one").status_code == 201

    def test_the_old_password_must_be_right_and_guessing_is_limited(self, buyer, api, settings):
        settings.LOGIN_FAILURES_MAX = 1
        caller = api(buyer)
        wrong = {"old": "wrong", "new": "a much better one"}

        assert caller.post("/account/password", wrong).json()["code"] == "credentials_invalid"
        assert caller.post("/account/password", wrong).status_code == 429
        assert log_in(buyer.username).status_code == 429

    def test_a_weak_new_password_is_refused(self, buyer, api):
        answer = api(buyer).post("/account/password", {"old": PASSWORD, "new": "password1"})

        assert (answer.status_code, answer.json()["code"]) == (422, "password_too_weak")
        assert answer.json()["errors"][0]["field"] == "new"

    def test_through_a_link_nothing_changes(self, buyer, seller):
        through = Actor(login=buyer, acting=seller)

        with pytest.raises(OwnLoginRequired):
            services.update_account(name="Mine now", actor=through)
        with pytest.raises(OwnLoginRequired):
            services.change_password(old=PASSWORD, new="a much better one", address="::1", actor=through)
