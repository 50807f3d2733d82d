"""Invitation codes on screens and paper: made, scanned, looked at, given back."""

import logging
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account, InvitationCode, Link
from accounts.terms import BEHAVIOUR_KINDS
from tests.accounts.test_linking import invite
from tests.accounts.test_second_factors import enrol
from tests.conftest import PASSWORD
from tests.portal.conftest import csrf_token, hidden_fields, main_of, send, text_of
from tests.qr_reader import read_qr

Customer = Callable[[Account], Client]
TERMS = {"switch": "both", "direction": "both", "mirror": list(BEHAVIOUR_KINDS), "cap": "none", "count": 1}


def codes_on(page: Any) -> list[str]:
    return re.findall(r'class="code-text">([0-9A-Z]{5}-[0-9A-Z]{5})<', page.content.decode())


def confirm(client: Client, preview: Any) -> Any:
    return client.post("/join/confirm", dict(hidden_fields(preview)))


class TestInviting:
    """GET, POST /invite"""

    def test_codes_are_shown_once_as_text_and_as_qr(self, buyer: Account, customer: Customer, settings: Any) -> None:
        settings.SITE_URL = "https://shop.example"
        page = send(customer(buyer), "/invite", **TERMS | {"count": 3})

        shown = codes_on(page)
        assert len(set(shown)) == 3
        pictures = re.findall(r'class="qr" src="([^"]+)"', page.content.decode())
        read = [read_qr(unescape(picture)) for picture in pictures]
        assert read == ["https://shop.example/join#" + code.replace("-", "") for code in shown]
        assert not codes_on(customer(buyer).get("/invite"))
        assert page["Cache-Control"] == "no-store"

    def test_the_terms_are_those_that_were_chosen(self, buyer: Account, customer: Customer) -> None:
        chosen = {"switch": "none", "mirror": ["order.placed"], "cap": "amount", "amount": "12.5", "currency": "GBP"}
        page = send(customer(buyer), "/invite", **TERMS | chosen)

        said = text_of(page)
        assert "Neither may act as the other." in said
        assert "up to 12.50 GBP from" in said
        assert InvitationCode.objects.get().invitation.terms.document() == {
            "mirror": ["order.placed"],
            "direction": "both",
            "switch": "none",
            "spending_cap": {"amount": 1250, "currency": "GBP"},
        }

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"count": 11}, "less than or equal to 10"),
            ({"cap": "amount", "amount": "5"}, "Choose the currency"),
            ({"cap": "amount", "amount": "0.00", "currency": "GBP"}, "above zero"),
            ({"cap": "amount", "amount": "1.5", "currency": "JPY"}, "above zero"),
            ({"switch": "sideways"}, "not one of the available choices"),
        ],
    )
    def test_what_is_wrong_is_said_and_no_code_is_made(
        self, buyer: Account, customer: Customer, wrong: Any, said: str
    ) -> None:
        page = send(customer(buyer), "/invite", **TERMS | wrong)

        assert page.status_code == 422
        assert said in text_of(page)
        assert not InvitationCode.objects.exists()


class TestGivingACodeBack:
    """/join, where a scanned code leads"""

    def test_who_invites_and_to_what_is_seen_before_anything_is_linked(
        self, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        client, code = customer(buyer), invite(seller, switch="inviter_as_invitee")

        preview = send(client, "/join", code=code.lower())

        assert preview.status_code == 200
        assert f"{seller.name} may act as {buyer.name}, but not the other way round." in text_of(preview)
        assert not Link.objects.exists()

        linked = confirm(client, preview)
        assert linked["Location"] == f"/join/{Link.objects.get().public_id}"
        assert f"You are linked with {seller.name}" in text_of(client.get(linked["Location"]))

    def test_who_is_not_logged_in_comes_back_after_logging_in(self, buyer: Account, visitor: Client) -> None:
        asked = visitor.get("/join")
        assert asked["Location"] == "/log-in?next=%2Fjoin"
        assert " action=" not in main_of(visitor.get(asked["Location"]))  # The fragment stays.

        assert send(visitor, asked["Location"], username=buyer.username, password=PASSWORD)["Location"] == "/join"

    def test_a_second_factor_is_asked_for_on_the_way(self, buyer: Account, visitor: Client) -> None:
        phone, _codes = enrol(buyer)
        half_way = send(visitor, "/log-in?next=/join", username=buyer.username, password=PASSWORD)
        assert half_way["Location"] == "/log-in/second-factor?next=%2Fjoin"
        assert visitor.get("/join").status_code == 302

        assert send(visitor, half_way["Location"], otp="000000").status_code == 401
        assert send(visitor, half_way["Location"], otp=phone.code())["Location"] == "/join"
        assert visitor.get("/join").status_code == 200

    def test_wrong_and_used_codes_get_the_same_page(self, buyer: Account, seller: Account, customer: Customer) -> None:
        used, client = invite(seller), customer(buyer)
        confirm(client, send(client, "/join", code=used))

        answers = [send(client, "/join", code=code) for code in (used, "0000000000")]

        assert {answer.status_code for answer in answers} == {404}
        said = [text_of(answer) for answer in answers]
        assert said[0] == said[1]
        assert "ask for a new one" in said[0]

    def test_wrong_ones_are_limited_as_over_the_api(self, buyer: Account, customer: Customer, settings: Any) -> None:
        settings.INVITATION_FAILURES_MAX = 2
        client = customer(buyer)

        answers = [send(client, "/join", code="0000000000") for _ in range(3)]

        assert [answer.status_code for answer in answers] == [404, 404, 429]
        assert int(answers[-1]["Retry-After"]) > 0
        assert "Try again in 15 minutes." in text_of(answers[-1])

    def test_an_own_code_says_what_to_do(self, buyer: Account, customer: Customer) -> None:
        client = customer(buyer)
        refused = confirm(client, send(client, "/join", code=invite(buyer)))

        assert refused.status_code == 422
        assert "log in with the other account" in text_of(refused)

    def test_somebody_elses_link_is_nowhere(
        self, buyer: Account, seller: Account, new_account: Any, customer: Customer
    ) -> None:
        client = customer(buyer)
        confirm(client, send(client, "/join", code=invite(seller)))

        strange = customer(new_account()).get(f"/join/{Link.objects.get().public_id}")
        assert strange.status_code == 404
        assert "nothing here that you can see" in text_of(strange)

    def test_operators_are_sent_to_their_own_pages(self, operator: Account, customer: Customer) -> None:
        page = customer(operator).get("/join")
        assert page.status_code == 403
        assert 'href="/admin/"' in page.content.decode()


class TestWhereCodesAreNot:
    """A code is nowhere but on the page that shows it and in the form that gives it back."""

    def test_neither_in_addresses_nor_in_logs(
        self, buyer: Account, seller: Account, customer: Customer, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            inviting, joining = customer(seller), customer(buyer)
            (shown,) = codes_on(send(inviting, "/invite", **TERMS))
            code = shown.replace("-", "")
            preview = send(joining, "/join", code=code)
            linked = confirm(joining, preview)

        assert "join/confirm" in caplog.text  # The log was listened to.
        assert code not in caplog.text.replace("-", "")
        assert code not in linked["Location"]

    def test_the_form_is_sent_in_a_body(self, buyer: Account, customer: Customer) -> None:
        html = customer(buyer).get("/join").content.decode().split("<main")[1]
        assert '<form method="post" action="/join"' in html


class TestLoggingOut:
    def test_ends_the_session(self, buyer: Account, customer: Customer) -> None:
        client = customer(buyer)
        token = csrf_token(client.get("/join"))

        assert client.post("/log-out", {"csrfmiddlewaretoken": token})["Location"] == "/log-in"
        assert client.get("/join").status_code == 302

    def test_an_open_page_of_before_says_what_to_do(self, buyer: Account, customer: Customer) -> None:
        client = customer(buyer)
        refused = client.post("/join", {"code": "0000000000"})

        assert refused.status_code == 403
        assert 'href="/join"' in refused.content.decode()

    @pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
    def test_logging_in_leads_nowhere_else(self, buyer: Account, visitor: Client, elsewhere: str) -> None:
        page = visitor.get("/log-in")
        fields = {"username": buyer.username, "password": PASSWORD, "next": elsewhere}
        answer = visitor.post(f"/log-in?next={elsewhere}", fields | {"csrfmiddlewaretoken": csrf_token(page)})
        assert answer["Location"] == "/"
