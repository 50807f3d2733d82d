"""Browsers: one row decides who is logged in, and every unsafe call needs the CSRF token."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account, Session
from tests.conftest import PASSWORD


def log_in(client: Client, username: str, password: str = PASSWORD):
    return client.post("/admin/login/", {"username": username, "password": password, "next": "/admin/"})


class TestLogInPage:
    """/admin/login/, for operators"""

    def test_an_operator_gets_in_and_the_row_says_so(self, operator):
        client = Client(headers={"User-Agent": "Firefox"})

        answer = log_in(client, operator.username)

        assert (answer.status_code, answer.url) == (302, "/admin/")
        session = Session.objects.get()
        assert (session.login_account, session.acting_account, session.device) == (operator, operator, "Firefox")
        assert client.get("/admin/").status_code == 200
        assert client.get("/admin/login/").status_code == 302
        assert client.cookies["sessionid"]["httponly"]

    def test_a_log_in_takes_a_new_cookie_and_ends_the_old_session(self, operator):
        client = Client()
        log_in(client, operator.username)
        old = client.cookies["sessionid"].value

        log_in(client, operator.username)

        assert client.cookies["sessionid"].value != old
        assert Session.objects.filter(ended_at=None).count() == 1
        assert Client(headers={"Cookie": f"sessionid={old}"}).get("/admin/").status_code == 302

    @pytest.mark.parametrize("who", ["operator", "buyer"])
    def test_wrong_passwords_and_people_who_are_no_operators_are_told_the_same(self, operator, buyer, who):
        account, password = (operator, "wrong") if who == "operator" else (buyer, PASSWORD)

        answer = log_in(Client(), account.username, password)

        assert answer.status_code == 200
        assert b"Please enter the correct username and password for a staff account" in answer.content
        assert not Session.objects.exists()

    def test_wrong_tries_lock_out_as_they_do_over_http(self, operator, api, settings):
        settings.LOGIN_FAILURES_MAX = 2
        log_in(Client(), operator.username, "wrong")
        api().post("/sessions", {"username": operator.username, "password": "wrong"})

        answer = log_in(Client(), operator.username)

        assert b"Too many attempts" in answer.content
        assert not Session.objects.exists()

    def test_where_to_go_next_is_a_place_of_ours(self, operator):
        form = {"username": operator.username, "password": PASSWORD, "next": "https://evil.example/"}

        assert Client().post("/admin/login/", form).url == "/admin/"


class TestLeaving:
    """Every way in which a browser's session ends."""

    def test_logging_out_ends_the_row_too(self, operator, browser):
        client = browser(operator)
        cookie = client.cookies["sessionid"].value

        client.post("/admin/logout/")

        assert Session.objects.get().ended_at is not None
        answer = Client(headers={"Cookie": f"sessionid={cookie}"}).get("/api/v1/account")
        assert answer.json()["code"] == "session_ended"

    @pytest.mark.parametrize(
        "change",
        [{"ended_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(seconds=1)}],
        ids=["ended from elsewhere", "expired"],
    )
    def test_the_row_decides(self, operator, browser, change):
        client = browser(operator)
        Session.objects.update(**change)

        assert client.get("/admin/").status_code == 302
        assert client.get("/api/v1/account").json()["code"] == "session_ended"

    def test_a_closed_account_is_out_at_once(self, operator, browser):
        client = browser(operator)
        Account.objects.update(is_active=False)

        assert client.get("/admin/").status_code == 302

    def test_without_our_row_nobody_is_logged_in(self, operator):
        client = Client()
        client.force_login(operator)

        assert client.get("/admin/").status_code == 302
        assert client.get("/api/v1/account").status_code == 401


class TestApiFromPages:
    """The cookie works for the API, with a CSRF token where something changes."""

    def test_reading_needs_the_cookie_only(self, buyer, browser, statements):
        client = browser(buyer)
        with statements() as seen:
            answer = client.get("/api/v1/account")

        assert (answer.json()["id"], answer["Acting-Account"]) == (buyer.public_id, buyer.public_id)
        assert len(seen) == 1, str(seen)

    def test_writing_needs_the_csrf_token(self, buyer, browser):
        client = browser(buyer)
        client.handler.enforce_csrf_checks = True
        change = {"data": {"name": "Forged"}, "content_type": "application/json"}

        refused = client.patch("/api/v1/account", **change)
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
        assert Account.objects.get().name != "Forged"

        token = re.search(rb'name="csrfmiddlewaretoken" value="(\w+)"', client.get("/admin/login/").content)[1].decode()
        assert client.patch("/api/v1/account", headers={"X-CSRFToken": token}, **change).status_code == 200

    def test_a_bearer_token_goes_before_the_cookie(self, buyer, seller, browser, api):
        token = api(seller).token

        answer = browser(buyer).get("/api/v1/account", headers={"Authorization": f"Bearer {token}"})
        assert answer.json()["id"] == seller.public_id

    def test_a_strange_cookie_is_nobody(self, db):
        assert Client(headers={"Cookie": "sessionid=strange"}).get("/api/v1/account").status_code == 401
        assert Client(headers={"Cookie": "sessionid=strange"}).get("/api/v1/clock").status_code == 200


class TestOperatorsPages:
    """Accounts and sessions in the admin."""

    @pytest.mark.parametrize("term", ["public_id", "username", "USERNAME", "user", "referral_code", ""])
    def test_accounts_are_found(self, operator, browser, new_account, term):
        account = new_account(username="findable")
        query = {"username": "findable", "USERNAME": "FINDABLE", "user": "finda", "": ""}.get(term)
        query = getattr(account, term) if query is None else query

        page = browser(operator).get("/admin/accounts/account/", {"q": query})

        assert account.public_id in page.content.decode()

    def test_pages_show_no_secret(self, operator, buyer, browser, api):
        token = api(buyer).token
        session = Session.objects.get(login_account=buyer)
        client = browser(operator)

        shown = client.get(f"/admin/accounts/session/{session.pk}/change/").content.decode()
        shown += client.get(f"/admin/accounts/account/{buyer.pk}/change/").content.decode()

        assert session.public_id in shown
        assert token not in shown
        assert session.token_digest not in shown
        assert buyer.password not in shown

    def test_sessions_of_an_account_are_listed_without_a_statement_per_row(
        self, operator, buyer, browser, api, statements
    ):
        client = browser(operator)
        query = {"q": buyer.public_id}
        api(buyer)
        client.get("/admin/accounts/session/", query)
        with statements() as one:
            client.get("/admin/accounts/session/", query)
        for _ in range(4):
            api(buyer)
        with statements() as five:
            page = client.get("/admin/accounts/session/", query)

        assert page.content.decode().count("ses_") >= 5
        assert len(five) == len(one), str(five)

    def test_deactivating_logs_out_everywhere_and_can_be_taken_back(self, operator, buyer, browser, api):
        client, caller = browser(operator), api(buyer)
        chosen = {"_selected_action": [buyer.pk, operator.pk]}

        client.post("/admin/accounts/account/", chosen | {"action": "deactivate"})
        assert caller.get("/account").json()["code"] == "session_ended"
        assert not Account.objects.get(pk=buyer.pk).is_active
        assert Account.objects.get(pk=operator.pk).is_active

        client.post("/admin/accounts/account/", chosen | {"action": "reactivate"})
        assert api().post("/sessions", {"username": buyer.username, "password": PASSWORD}).status_code == 201
        assert caller.get("/account").json()["code"] == "session_ended"

    def test_ending_a_session(self, operator, buyer, browser, api):
        caller = api(buyer)
        session = Session.objects.get(login_account=buyer)

        browser(operator).post("/admin/accounts/session/", {"_selected_action": [session.pk], "action": "end"})

        assert caller.get("/account").json()["code"] == "session_ended"

    @pytest.mark.parametrize("page", ["account", "session"])
    def test_nothing_is_added_edited_or_deleted_by_hand(self, operator, browser, page):
        client = browser(operator)
        key = Account.objects.get().pk if page == "account" else Session.objects.get().pk

        assert client.get(f"/admin/accounts/{page}/add/").status_code == 403
        assert client.post(f"/admin/accounts/{page}/{key}/change/", {"name": "x"}).status_code == 403
        assert client.post(f"/admin/accounts/{page}/{key}/delete/", {"post": "yes"}).status_code == 403

    def test_an_operator_changes_the_own_password(self, operator, browser, api):
        client, elsewhere = browser(operator), api(operator)
        form = {"old_password": PASSWORD, "new_password1": "a much better one", "new_password2": "a much better one"}

        assert client.get("/admin/password_change/").status_code == 200
        assert client.post("/admin/password_change/", form | {"old_password": "wrong"}).status_code == 200
        assert client.post("/admin/password_change/", form).status_code == 302

        assert client.get("/admin/").status_code == 200
        assert elsewhere.get("/account").status_code == 401
        assert log_in(Client(), operator.username, "a much better one").status_code == 302


class TestCreateSuperuser:
    """manage.py createsuperuser --noinput"""

    def test_it_makes_an_operator_named_after_the_user_name(self, db, monkeypatch, api):
        from django.core.management import call_command

        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
        call_command("createsuperuser", "--noinput", "--username", "Root", "--email", "root@example.org", verbosity=0)

        account = Account.objects.get()
        assert (account.name, account.is_staff, account.side) == ("Root", True, "")
        token = api().post("/sessions", {"username": "root", "password": PASSWORD}).json()["token"]
        assert api(token=token).post("/clock/advance", {"seconds": 0}).status_code == 200
