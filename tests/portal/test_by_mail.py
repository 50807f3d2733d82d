"""What a mail leads to, in a browser without scripts."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts.actor import Actor
from accounts.models import Account
from accounts.services import request_email_verification, request_password_reset
from tests.conftest import PASSWORD
from tests.portal.conftest import mailed_path, send, text_of

NEW = "a new password for anna"


@pytest.fixture
def anna(new_account: Any) -> Account:
    return new_account(username="anna", name="Anna", email="anna@example.org")


@pytest.fixture
def reset_path(anna: Account) -> str:
    request_password_reset(username="anna", address="192.0.2.1")
    return mailed_path()


@pytest.fixture
def email_path(anna: Account) -> str:
    request_email_verification(actor=Actor.own(anna), address="192.0.2.1")
    return mailed_path()


class TestAForgottenPassword:
    """From the log-in page by way of the mail back to the log-in page."""

    def test_is_replaced_on_the_page_that_the_mail_leads_to(self, anna: Account, visitor: Client) -> None:
        assert 'href="/password/forgotten"' in visitor.get("/log-in").content.decode()
        asked = send(visitor, "/password/forgotten", username="ANNA")
        assert asked["Location"] == "/password/asked"

        changed = send(visitor, mailed_path(), new=NEW, again=NEW)

        assert changed["Location"] == "/password/changed"
        assert "new password is set" in text_of(visitor.get("/password/changed"))
        assert send(Client(), "/log-in", username="anna", password=PASSWORD).status_code == 401
        assert send(visitor, "/log-in", username="anna", password=NEW).status_code == 302

    def test_the_mail_leads_to_our_own_host_whoever_asks(self, anna: Account, visitor: Client, settings: Any) -> None:
        settings.SITE_URL = "https://shop.example"
        page = visitor.get("/password/forgotten", headers={"host": "evil.example"})
        visitor.post(
            "/password/forgotten",
            {"username": "anna", "csrfmiddlewaretoken": page.context["csrf_token"]},
            headers={"host": "evil.example"},
        )
        mailed_path()

        assert "https://shop.example/password/new/acc_" in mail.outbox[-1].body
        assert "evil" not in mail.outbox[-1].body

    def test_is_asked_for_with_one_answer_whether_there_is_such_an_account(
        self, anna: Account, visitor: Client
    ) -> None:
        known, unknown = (send(visitor, "/password/forgotten", username=name) for name in ("anna", "nobody"))

        assert (known.status_code, known["Location"], known.content) == (
            unknown.status_code,
            unknown["Location"],
            unknown.content,
        )

    def test_asking_too_often_says_for_how_long_to_wait(self, anna: Account, visitor: Client, settings: Any) -> None:
        settings.ADDRESS_MAILS_MAX = 1
        send(visitor, "/password/forgotten", username="anna")

        refused = send(visitor, "/password/forgotten", username="anna")

        assert refused.status_code == 429
        assert int(refused["Retry-After"]) > 0
        assert "Try again in 60 minutes" in text_of(refused)

    def test_looking_at_the_page_uses_nothing_up(self, reset_path: str, visitor: Client) -> None:
        assert [visitor.get(reset_path).status_code for _ in range(3)] == [200, 200, 200]
        assert send(visitor, reset_path, new=NEW, again=NEW).status_code == 302

    def test_a_used_link_leads_to_a_new_one(self, reset_path: str, visitor: Client) -> None:
        send(visitor, reset_path, new=NEW, again=NEW)

        again = visitor.get(reset_path)

        assert again.status_code == 422
        assert "no longer good" in text_of(again)
        assert 'href="/password/forgotten"' in again.content.decode()

    @pytest.mark.parametrize("spoil", [lambda p: p[:-1], lambda p: p + "x", lambda p: "/password/new/x"])
    def test_so_does_a_wrong_one(self, reset_path: str, visitor: Client, spoil: Any) -> None:
        assert "Ask for a new link" in text_of(visitor.get(spoil(reset_path)))

    def test_so_does_one_whose_time_is_up(self, reset_path: str, visitor: Client, settings: Any) -> None:
        settings.PASSWORD_RESET_TIMEOUT = -1
        assert "Ask for a new link" in text_of(visitor.get(reset_path))

    def test_weak_and_mistyped_ones_are_said_beside_the_field(self, reset_path: str, visitor: Client) -> None:
        weak = send(visitor, reset_path, new="12345678", again="12345678")
        other = send(visitor, reset_path, new=NEW, again=f"{NEW}s")

        assert (weak.status_code, other.status_code) == (422, 422)
        assert "too common" in text_of(weak)
        assert "The two are not the same." in text_of(other)
        assert NEW not in other.content.decode()

    def test_without_the_pages_own_token_nothing_is_changed(self, anna: Account, reset_path: str) -> None:
        forged = Client(enforce_csrf_checks=True).post(reset_path, {"new": NEW, "again": NEW})

        assert forged.status_code == 403
        assert "Nothing has happened." in text_of(forged)
        assert Account.objects.get(pk=anna.pk).check_password(PASSWORD)


class TestAnAddress:
    """Proven by a click on a page, not by a mail program that looks at links."""

    def test_is_proven_by_the_form_and_not_by_looking(self, anna: Account, email_path: str, visitor: Client) -> None:
        page = visitor.get(email_path)
        assert "anna@example.org" in text_of(page)
        assert Account.objects.get(pk=anna.pk).email_verified_at is None

        assert send(visitor, email_path)["Location"] == "/email/confirmed"
        assert Account.objects.get(pk=anna.pk).email_verified_at is not None

    def test_another_address_meanwhile_makes_the_link_no_good(
        self, anna: Account, email_path: str, visitor: Client
    ) -> None:
        Account.objects.filter(pk=anna.pk).update(email="new@example.org")

        page = visitor.get(email_path)
        assert page.status_code == 422
        assert "ask for the mail again" in text_of(page)

    def test_so_does_time(self, email_path: str, visitor: Client, settings: Any) -> None:
        settings.EMAIL_VERIFICATION_LIFETIME = timedelta(0)
        assert visitor.get(email_path).status_code == 422


class TestWhatBrowsersAreTold:
    """A token in an address is nobody else's business."""

    @pytest.fixture(params=["/log-in", "/password/forgotten", "/password/asked", "reset", "email", "no good"])
    def page(self, request: Any, visitor: Client, reset_path: str, email_path: str) -> Any:
        named = {"reset": reset_path, "email": email_path, "no good": "/password/new/x"}
        return visitor.get(named.get(request.param, request.param))

    def test_no_referer_says_more_than_the_host(self, page: Any) -> None:
        assert page["Referrer-Policy"] == "strict-origin"

    def test_no_cache_keeps_it(self, page: Any) -> None:
        assert page["Cache-Control"] == "no-store"

    def test_nothing_runs_or_loads_but_our_own_files(self, page: Any) -> None:
        policy = page["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        html = page.content.decode()
        assert " style=" not in html
        assert not re.search(r"<[^>]* on\w+=", html)
        assert "<style" not in html
        assert "http" not in html.replace("http-equiv", "")
