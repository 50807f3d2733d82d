"""Pages about oneself: links and their terms, messages, sessions, second factor, records, closing."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts import sessions
from accounts.actor import Actor
from accounts.models import Account, Link, SecondFactor, Session
from accounts.services import propose_terms, spend_through_link
from accounts.terms import BEHAVIOUR_KINDS
from core.money import Money
from notifications.kinds import kinds
from notifications.models import Message
from notifications.selectors import unread_in
from portal.pages.people import telling
from portal.templatetags.portal import icon
from tests.accounts.test_linking import invite, link
from tests.accounts.test_second_factors import Phone
from tests.conftest import PASSWORD
from tests.notifications.inbox import appointed, happens
from tests.portal.conftest import csrf_token, send, text_of
from tests.shop import fund, offer, place

Customer = Callable[[Account], Client]
TERMS = {"switch": "none", "direction": "both", "mirror": ["order.placed"], "cap": "none"}


def press(client: Client, path: str, at: str, **fields: Any) -> Any:
    """Press a button that does something, on the page where it stands."""
    return client.post(path, {"csrfmiddlewaretoken": csrf_token(client.get(at)), **fields})


class TestLinks:
    """/links"""

    def test_are_listed_with_terms_and_spending_in_as_many_statements_for_many_as_for_one(
        self, buyer: Account, new_account: Any, customer: Customer, statements: Any
    ) -> None:
        client, counts = customer(buyer), []
        for _ in range(2):
            for _ in range(3):
                link(buyer, other := new_account(), spending_cap={"amount": 5000, "currency": "GBP"})
                spend_through_link(owner=other, amount=Money(1250, "GBP"), actor=Actor.own(buyer))
            with statements() as seen:
                page = text_of(client.get("/links"))
            counts.append(len(seen))

        assert counts[0] == counts[1] <= 7, str(seen)
        assert page.count("up to £50.00 · you have paid £12.50") == 6

    def test_other_terms_are_in_force_once_the_other_side_agrees_to_what_it_has_seen(
        self, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        made = link(buyer, seller)
        path, asking, answering = f"/links/{made.public_id}", customer(buyer), customer(seller)
        assert send(asking, f"{path}/change", **TERMS)["Location"] == path
        page = answering.get(path)
        assert f"{buyer.name} proposes other terms" in text_of(page)
        seen = page.content.decode().split('name="seen" value="')[1].split('"')[0]

        propose_terms(link=made.public_id, changes={"switch": "both"}, actor=Actor.own(buyer))
        press(answering, f"{path}/accept", path, seen=seen)
        assert "The proposal is another one by now" in text_of(answering.get(path))
        send(asking, f"{path}/change", **TERMS)
        own = press(asking, f"{path}/accept", path, seen=seen)
        assert "proposed this yourself" in text_of(asking.get(own["Location"]))
        press(answering, f"{path}/accept", path, seen=seen)

        made.refresh_from_db()
        assert (made.switch, made.mirror, made.proposed_terms) == ("none", ["order.placed"], None)

    def test_one_is_ended_by_either_side_after_a_look_at_what_that_means(
        self, buyer: Account, seller: Account, new_account: Any, customer: Customer
    ) -> None:
        made = link(buyer, seller)
        path, client = f"/links/{made.public_id}/end", customer(seller)
        assert customer(new_account()).get(path).status_code == 404

        assert "neither pays from the other's wallet" in text_of(client.get(path))
        assert Link.objects.get().ended_at is None
        token = csrf_token(client.get(path))
        ended = [client.post(path, {"csrfmiddlewaretoken": token}) for _ in range(2)]

        assert [answer.status_code for answer in ended] == [302, 404]
        assert f"ended by {seller.name}" in text_of(client.get("/links?state=ended"))

    def test_codes_that_are_open_are_withdrawn_from_there(
        self, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        client, code = customer(buyer), invite(buyer)
        number = buyer.invitations.get().public_id
        assert "One code, 0 used" in text_of(client.get("/links"))
        press(client, f"/links/invitations/{number}/withdraw", "/links")

        assert "One code" not in text_of(client.get("/links"))
        assert send(customer(seller), "/join", code=code).status_code == 404


class TestInbox:
    """/inbox"""

    def test_says_every_kind_in_words(self) -> None:
        assert set(telling._SAYINGS) == set(kinds())
        assert all("<svg" in icon(saying.icon) for saying in telling._SAYINGS.values())

    def test_is_read_one_by_one_or_all_up_to_what_was_seen_and_only_the_own(
        self, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        happens(appointed(buyer, 1), appointed(buyer, 2), appointed(buyer, 3), appointed(seller, 4))
        newest, *_rest, oldest = Message.objects.filter(account=buyer).order_by("-id")
        client = customer(buyer)
        assert "3 unread" in text_of(client.get("/inbox"))

        read = press(client, f"/inbox/{oldest.public_id}/read", "/inbox", next="/inbox?show=unread")
        assert read["Location"] == "/inbox?show=unread"
        assert unread_in([buyer]) == {buyer.pk: 2}
        strange = Message.objects.get(account=seller).public_id
        assert press(client, f"/inbox/{strange}/read", "/inbox").status_code == 404
        happens(appointed(buyer, 5))
        press(client, "/inbox/read", "/inbox?show=unread", up_to=newest.public_id)

        assert unread_in([buyer, seller]) == {buyer.pk: 1, seller.pk: 1}

    def test_goes_on_page_by_page_in_as_many_statements_each(
        self, buyer: Account, customer: Customer, settings: Any, statements: Any
    ) -> None:
        settings.MESSAGES_PER_PAGE = 2
        happens(*(appointed(buyer, number) for number in range(5)))
        client, path, seen, counts = customer(buyer), "/inbox", 0, []
        while path:
            with statements() as asked:
                page = client.get(path).content.decode()
            counts.append(len(asked))
            seen += page.count('class="inbox-one')
            path = page.split('rel="next" href="')[1].split('"')[0] if 'rel="next"' in page else ""

        assert seen == 5
        assert len(counts) == 3
        assert max(counts) <= 5, counts


class TestSessions:
    """/settings/sessions"""

    def test_shows_browsers_and_programs_and_ends_one_or_all_others(
        self, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        client = customer(buyer)
        phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Mobile Safari/604.1"
        opened = [sessions.open_session(account=buyer, device=device).session for device in (phone, "curl/8.5.0", "")]
        strange = sessions.open_session(account=seller).session
        page = text_of(client.get("/settings/sessions"))
        assert "Safari on iPhone" in page
        assert "curl 8.5.0" in page
        assert page.count("this one") == 1

        press(client, f"/settings/sessions/{opened[0].public_id}/end", "/settings/sessions")
        refused = press(client, f"/settings/sessions/{strange.public_id}/end", "/settings/sessions")
        assert refused.status_code == 404
        assert Session.objects.filter(login_account=buyer, ended_at=None).count() == 3
        press(client, "/settings/sessions/end-others", "/settings/sessions")

        assert "2 other sessions have ended" in text_of(client.get("/settings/sessions"))
        assert list(Session.objects.filter(ended_at=None).order_by("id").values_list("login_account", flat=True)) == [
            buyer.pk,
            seller.pk,
        ]


class TestSecurity:
    """/settings/security"""

    def test_a_second_factor_is_set_up_with_a_first_code_and_removed_with_a_recovery_code(
        self, buyer: Account, customer: Customer
    ) -> None:
        client = customer(buyer)
        begun = press(client, "/settings/second-factor/begin", "/settings/security")
        secret = "".join(begun.content.decode().split('class="code-inline">')[1].split("</span>")[0].split())
        token = csrf_token(begun)
        wrong = client.post("/settings/second-factor/confirm", {"csrfmiddlewaretoken": token, "otp": "000000"})
        assert wrong.status_code == 422
        assert secret not in wrong.content.decode()
        right = client.post(
            "/settings/second-factor/confirm", {"csrfmiddlewaretoken": token, "otp": Phone(secret).code()}
        )
        codes = [part.split("<")[0] for part in right.content.decode().split("<li><code>")[1:]]
        assert len(set(codes)) == 10
        assert SecondFactor.objects.get().confirmed_at is not None

        removed = send(client, "/settings/second-factor/remove", otp=codes[0])
        assert removed["Location"] == "/settings/security"
        assert not SecondFactor.objects.exists()

    def test_a_password_needs_the_one_before(self, buyer: Account, customer: Customer) -> None:
        client, better = customer(buyer), "a much better one 41"
        wrong = send(client, "/settings/password", old="guessed", new=better, again=better)
        assert wrong.status_code == 401
        assert send(client, "/settings/password", old=PASSWORD, new=better, again=better).status_code == 302

        buyer.refresh_from_db()
        assert buyer.check_password(better)


class TestRecords:
    """/settings/records"""

    def test_say_who_acted_for_whom_and_who_else_is_shown_it(
        self, buyer: Account, seller: Account, customer: Customer, statements: Any
    ) -> None:
        link(buyer, seller, direction="to_inviter")
        item = offer(seller, title="Green tea")
        client = customer(seller)
        client.get(f"/items/{item.public_id}")
        own = text_of(client.get("/settings/records"))
        with statements() as seen:
            linked = text_of(customer(buyer).get("/settings/records?origin=linked"))

        assert "Looked at “Green tea”" in own
        assert f"Who else is shown what you do {buyer.name}" in own
        assert f"Put “Green tea” on sale {seller.name} linked" in linked
        assert "Nobody. Only linked accounts" in linked
        assert len(seen) <= 30, str(seen)  # The log-in with it.

    def test_are_taken_away_whole_and_only_by_the_own_log_in(
        self, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        link(buyer, seller)
        client = customer(buyer)
        answer = client.get("/settings/export")
        exported = json.loads(b"".join(answer.streaming_content))
        assert exported["account"][0]["id"] == buyer.public_id
        press(client, "/accounts/switch", "/accounts", account=seller.public_id)

        assert client.get("/settings/export").status_code == 403


class TestClosing:
    """/settings/close"""

    def test_says_what_is_left_to_settle_and_closes_nothing(
        self, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        place(buyer, offer(seller))
        fund(buyer, 100)
        client = customer(buyer)
        assert "Orders are under way." in text_of(client.get("/settings/close"))

        refused = send(client, "/settings/close", password=PASSWORD, sure="on")

        assert refused.status_code == 409
        assert "There is money in your wallet." in text_of(refused)
        buyer.refresh_from_db()
        assert buyer.is_active

    def test_closes_for_good_and_erases_where_that_is_wanted(self, buyer: Account, customer: Customer) -> None:
        client = customer(buyer)
        assert send(client, "/settings/close", password="wrong", sure="on").status_code == 401
        assert send(client, "/settings/close", password=PASSWORD).status_code == 422

        closed = send(client, "/settings/close", password=PASSWORD, sure="on", erase="on")

        assert "The account is closed" in text_of(closed)
        buyer.refresh_from_db()
        assert (buyer.is_active, buyer.name) == (False, "Erased account")
        assert client.get("/settings")["Location"] == "/log-in?next=%2Fsettings"


@pytest.mark.parametrize("kind", BEHAVIOUR_KINDS)
def test_every_kind_of_record_can_be_chosen(kind: str, buyer: Account, customer: Customer) -> None:
    assert customer(buyer).get(f"/settings/records?kind={kind}").status_code == 200
