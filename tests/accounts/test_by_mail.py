"""Forgotten passwords and proven addresses: tokens that come by mail, once, for a while, and to nobody else."""

import re
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.core import mail
from post_office.models import Email

from accounts.models import Account
from accounts.tasks import send_mails
from tests.accounts.test_linking import link
from tests.conftest import PASSWORD, Api

NEW = "another-quiet-river"


@pytest.fixture
def anna(new_account: Any) -> Account:
    return new_account(email="anna@example.org")


def token_in(text: str) -> str:
    found = re.search(r"^    (\S+)$", text, re.MULTILINE)
    assert found, text
    return found[1]


def mailed() -> str:
    """Send what waits, and return the token of the newest mail."""
    send_mails()
    return token_in(mail.outbox[-1].body)


def forget(account: Account) -> Any:
    return Api(None).post("/password-resets", {"username": account.username.upper()})


def log_in(account: Account, password: str) -> int:
    return Api(None).post("/sessions", {"username": account.username, "password": password}).status_code


class TestForgottenPasswords:
    def test_a_mailed_token_sets_a_new_one_and_ends_every_session(self, anna, api):
        caller = api(anna)
        assert forget(anna).status_code == 202
        token = mailed()
        assert mail.outbox[-1].to == ["anna@example.org"]

        assert api().post("/password-resets/confirm", {"token": token, "new": NEW}).status_code == 204

        assert (log_in(anna, PASSWORD), log_in(anna, NEW)) == (401, 201)
        assert caller.get("/account").json()["code"] == "session_ended"

    def test_nobody_learns_whether_there_is_such_an_account(self, anna, buyer, api):
        Account.objects.filter(pk=buyer.pk).update(is_active=False)
        answers = [forget(anna), forget(buyer), api().post("/password-resets", {"username": "nobody"})]

        assert {(answer.status_code, answer.content) for answer in answers} == {(202, b"")}
        assert Email.objects.count() == 1

    def test_a_token_works_once(self, anna, api):
        forget(anna)
        body = {"token": mailed(), "new": NEW}

        assert [api().post("/password-resets/confirm", body).status_code for _ in range(2)] == [204, 422]

    @pytest.mark.parametrize("spoil", [lambda t: t[:-1], lambda t: t.split(":")[1], lambda t: "x", lambda t: ":" * 5])
    def test_other_tokens_are_none(self, anna, api, spoil):
        forget(anna)

        answer = api().post("/password-resets/confirm", {"token": spoil(mailed()), "new": NEW})
        assert (answer.status_code, answer.json()["code"]) == (422, "token_invalid")

    def test_it_ends_after_half_an_hour(self, anna, api, settings):
        forget(anna)
        token = mailed()
        settings.PASSWORD_RESET_TIMEOUT = -1

        answer = api().post("/password-resets/confirm", {"token": token, "new": NEW})
        assert answer.json()["code"] == "token_invalid"

    def test_a_weak_one_leaves_the_token_valid(self, anna, api):
        forget(anna)
        token = mailed()

        weak = api().post("/password-resets/confirm", {"token": token, "new": "12345678"})
        assert weak.json()["code"] == "password_too_weak"
        assert api().post("/password-resets/confirm", {"token": token, "new": NEW}).status_code == 204

    def test_an_account_gets_five_mails_an_hour_and_nobody_learns_it(self, anna):
        assert {forget(anna).status_code for _ in range(7)} == {202}
        assert Email.objects.count() == 5

    def test_an_address_asks_thirty_times(self, anna, settings):
        settings.ADDRESS_MAILS_MAX = 2

        assert [forget(anna).status_code for _ in range(3)] == [202, 202, 429]


class TestProvingAnAddress:
    def test_a_mailed_token_proves_it(self, anna, api):
        assert api(anna).post("/email-verifications", {}).status_code == 202

        answer = api().post("/email-verifications/confirm", {"token": mailed()})

        assert (answer.status_code, answer.json()["email"]) == (200, "anna@example.org")
        anna.refresh_from_db()
        assert anna.email_verified_at is not None

    def test_another_address_is_not_proven_by_it(self, anna, api):
        api(anna).post("/email-verifications", {})
        token = mailed()
        api(anna).patch("/account", {"email": "new@example.org"})

        assert api().post("/email-verifications/confirm", {"token": token}).json()["code"] == "token_invalid"
        anna.refresh_from_db()
        assert anna.email_verified_at is None

    def test_a_changed_address_is_unproven(self, anna, api):
        api(anna).post("/email-verifications", {})
        api().post("/email-verifications/confirm", {"token": mailed()})
        api(anna).patch("/account", {"email": "new@example.org"})

        anna.refresh_from_db()
        assert anna.email_verified_at is None

    def test_needs_an_address_and_the_own_login(self, buyer, seller, api):
        link(seller, buyer)

        assert api(buyer).post("/email-verifications", {}).json()["code"] == "email_missing"
        through = api(seller).post("/email-verifications", {}, acting_account=buyer.public_id)
        assert through.json()["code"] == "own_login_required"


class TestSending:
    """A mail server that is away costs nobody a mail, and nobody a request."""

    @pytest.mark.parametrize("name", ["{% boom %}", "{{ settings.SECRET_KEY }} & Söhne", "{# gone #}O'Neil"])
    def test_a_name_is_a_name_whatever_it_looks_like(self, anna, name):
        Account.objects.filter(pk=anna.pk).update(name=name)

        assert forget(anna).status_code == 202
        send_mails()

        assert mail.outbox[-1].body.startswith(f"Hello {name},")

    def test_what_could_not_be_sent_is_sent_later(self, anna, settings):
        settings.POST_OFFICE = {**settings.POST_OFFICE, "RETRY_INTERVAL": timedelta(0)}
        with patch("django.core.mail.backends.locmem.EmailBackend.send_messages", side_effect=OSError):
            assert forget(anna).status_code == 202
            send_mails()
        assert mail.outbox == []

        send_mails()

        assert len(mail.outbox) == 1
