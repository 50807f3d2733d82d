"""Who one is: all linked accounts with what waits for each, acting as another, and pages that belong to another."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.actor import Actor
from accounts.models import Account, Session
from accounts.services import update_account
from core import clock
from orders.cart.models import CartLine
from orders.cart.services import put_line
from tests.accounts.test_linking import link
from tests.accounts.test_second_factors import enrol
from tests.conftest import PASSWORD
from tests.notifications.inbox import appointed, happens
from tests.portal.conftest import csrf_token, send, text_of
from tests.shop import fund, offer, paid_order, place

Customer = Callable[[Account], Client]
ORIGIN = "http://testserver"


def press(client: Client, account: Account, at: str = "/accounts", **fields: Any) -> Any:
    """Press "switch" for an account on a page of ours."""
    token = csrf_token(client.get(at))
    return client.post("/accounts/switch", {"csrfmiddlewaretoken": token, "account": account.public_id, **fields})


def acting_in(client: Client) -> str:
    return client.get("/api/v1/session").json()["acting_account"]["id"]


class TestWhoOneIs:
    """GET /accounts, and the same in the popover"""

    def test_shows_every_account_with_what_waits_for_it(
        self, buyer: Account, seller: Account, new_account: Any, customer: Customer
    ) -> None:
        company = new_account(kind="enterprise", name="Keller Laboratory")
        link(buyer, seller)
        link(buyer, company)
        item = offer(seller)
        paid_order(new_account(), item)
        place(buyer, item)
        fund(company, 12_345)
        happens(appointed(company))

        page = text_of(customer(buyer).get("/accounts"))

        assert "1 order to pay" in page
        assert "1 order to hand over" in page
        assert "1 unread message" in page
        assert "£123.45" in page

    def test_in_as_many_statements_for_many_accounts_as_for_one(
        self, buyer: Account, new_account: Any, customer: Customer, statements: Any
    ) -> None:
        client, counts = customer(buyer), []
        client.get("/accounts")
        for _ in range(2):
            for _ in range(3):
                link(buyer, other := new_account(side="seller"))
                paid_order(new_account(), offer(other))
                fund(other, 100)
            with statements() as seen:
                client.get("/accounts/waiting", headers={"HX-Request": "true"})
            counts.append(len(seen))

        assert counts[0] == counts[1] <= 8, str(seen)

    def test_what_the_terms_or_a_second_factor_keep_shut_is_named_and_nothing_is_said_of_it(
        self, buyer: Account, seller: Account, new_account: Any, customer: Customer
    ) -> None:
        guarded = new_account(name="Guarded")
        link(buyer, seller, switch="none")
        link(buyer, guarded)
        enrol(guarded)
        update_account(step_up=True, actor=Actor.own(guarded))
        fund(seller, 11_100)
        fund(guarded, 22_200)

        page = text_of(customer(buyer).get("/accounts"))

        assert "You may not act as this account" in page
        assert "asks for a second factor" in page
        assert "£111.00" not in page
        assert "£222.00" not in page

    def test_the_popover_is_a_part_of_a_page_and_no_page(self, buyer: Account, customer: Customer) -> None:
        client = customer(buyer)
        part = client.get("/accounts/waiting", headers={"HX-Request": "true", "HX-Current-URL": f"{ORIGIN}/shares"})

        assert "<html" not in part.content.decode()
        assert client.get("/accounts/waiting")["Location"] == "/accounts"


class TestSwitching:
    """POST /accounts/switch"""

    def test_the_session_acts_as_the_other_under_a_new_cookie_and_the_page_stays(
        self, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        link(buyer, seller)
        client = customer(buyer)
        old = client.cookies[settings.SESSION_COOKIE_NAME].value
        tokens = client.cookies[settings.CSRF_COOKIE_NAME].value

        answer = press(client, seller, next="/inbox?show=unread")

        assert answer["Location"] == "/inbox?show=unread"
        assert acting_in(client) == seller.public_id
        assert client.cookies[settings.SESSION_COOKIE_NAME].value != old
        assert client.cookies[settings.CSRF_COOKIE_NAME].value != tokens
        assert f"You now act as {seller.name}." in text_of(client.get("/inbox"))
        assert Session.objects.count() == 1

    @pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/admin/", "/nowhere", "/log-in"])
    def test_a_page_that_is_not_for_the_other_leads_to_its_own_first_one(
        self, buyer: Account, seller: Account, customer: Customer, elsewhere: str
    ) -> None:
        link(seller, buyer)
        client = customer(seller)

        assert press(client, buyer, next=elsewhere)["Location"] == "/"

    def test_a_page_of_the_one_is_left_and_one_of_both_stays(
        self, buyer: Account, seller: Account, new_account: Any, customer: Customer
    ) -> None:
        link(buyer, seller)
        item = offer(seller)
        own, strange = paid_order(buyer, item), paid_order(buyer, offer(new_account(side="seller")))
        client = customer(buyer)

        left = press(client, seller, next=f"/orders/{strange.public_id}")["Location"]
        press(client, buyer)
        stays = press(client, seller, next=f"/orders/{own.public_id}")["Location"]

        assert left != f"/orders/{strange.public_id}"
        assert stays == f"/orders/{own.public_id}"

    def test_who_is_not_linked_or_may_not_is_not_switched_to(
        self, buyer: Account, seller: Account, new_account: Any, customer: Customer
    ) -> None:
        link(buyer, seller, switch="invitee_as_inviter")
        client = customer(buyer)

        for other, said in ((new_account(), "You are not linked"), (seller, "does not let you act as it")):
            refused = press(client, other)
            assert said in text_of(client.get(refused["Location"]))
        assert acting_in(client) == buyer.public_id

    def test_twice_is_as_once(self, buyer: Account, seller: Account, customer: Customer) -> None:
        link(buyer, seller)
        client = customer(buyer)

        assert [press(client, seller).status_code for _ in range(2)] == [302, 302]
        assert acting_in(client) == seller.public_id

    def test_the_cart_goes_along_where_that_is_wanted(
        self, buyer: Account, seller: Account, new_account: Any, customer: Customer
    ) -> None:
        link(buyer, company := new_account(kind="enterprise"))
        put_line(item=offer(seller).public_id, quantity=2, actor=Actor.own(buyer), now=clock.now())
        client = customer(buyer)

        assert "Take the cart along (1 item)" in text_of(client.get("/accounts"))
        press(client, company, cart="yes")

        assert CartLine.objects.get().cart_id == company.pk

    def test_a_second_factor_is_asked_for_on_the_way_and_once(
        self, buyer: Account, seller: Account, visitor: Client
    ) -> None:
        link(buyer, seller)
        enrol(seller)
        update_account(step_up=True, actor=Actor.own(seller))
        phone, recovery = enrol(buyer)
        half_way = send(visitor, "/log-in", username=buyer.username, password=PASSWORD)
        send(visitor, half_way["Location"], otp=phone.code())
        Session.objects.update(second_factor_at=None)

        asked = press(visitor, seller, next="/inbox")
        page = visitor.get(asked["Location"])
        assert f"{seller.name} asks for a second factor" in text_of(page)
        fields = {"csrfmiddlewaretoken": csrf_token(page), "account": seller.public_id, "next": "/inbox"}
        wrong = visitor.post("/accounts/second-factor", {**fields, "otp": "000000"})
        assert (wrong.status_code, acting_in(visitor)) == (422, buyer.public_id)
        right = visitor.post("/accounts/second-factor", {**fields, "otp": recovery[0]})

        assert right["Location"] == "/inbox"
        assert acting_in(visitor) == seller.public_id


class TestPagesOfAnotherAccount:
    """A page that the acting account may not see, and a linked one may."""

    def test_offers_to_switch_and_to_go_on(
        self, buyer: Account, seller: Account, new_account: Any, customer: Customer
    ) -> None:
        link(buyer, company := new_account(kind="enterprise", name="Keller Laboratory"))
        order = paid_order(company, offer(seller))
        client, path = customer(buyer), f"/orders/{order.public_id}"

        page = client.get(path)
        assert page.status_code == 404
        assert "Switch to Keller Laboratory and go on" in text_of(page)

        switched = press(client, company, at=path, next=path)
        assert switched["Location"] == path
        assert "Ordered and paid" in text_of(client.get(path))

    def test_says_nothing_to_those_who_are_not_linked_or_may_not_act_as_it(
        self, buyer: Account, seller: Account, new_account: Any, customer: Customer
    ) -> None:
        owner = new_account(name="Keller Laboratory")
        link(buyer, owner, switch="invitee_as_inviter")
        order = paid_order(owner, offer(seller)).public_id
        nowhere = "ord_" + "0" * 26

        pages = [
            text_of(customer(account).get(f"/orders/{number}")).replace(account.name, "")
            for account in (buyer, new_account())
            for number in (order, nowhere)
        ]

        assert len(set(pages)) == 1
        assert "Keller Laboratory" not in pages[0]

    def test_a_page_for_the_other_side_is_offered_to_the_linked_one_of_that_side(
        self, buyer: Account, seller: Account, new_account: Any, customer: Customer
    ) -> None:
        item = offer(new_account(side="seller"))
        path = f"/items/{item.public_id}/order?quantity=2"
        assert "Buyers pay here" in text_of(alone := customer(seller).get(path))
        link(seller, buyer)
        client = customer(seller)

        page = client.get(path)
        assert (alone.status_code, page.status_code) == (403, 403)
        assert f"Switch to {buyer.name} and go on" in text_of(page)
        assert press(client, buyer, at=path, next=path)["Location"] == path
        assert client.get(path).status_code == 200

    def test_what_only_the_own_log_in_does_offers_to_be_oneself_again(
        self, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        link(buyer, seller)
        client = customer(buyer)
        press(client, seller)

        page = client.get("/settings/security")

        assert page.status_code == 403
        assert f"Switch to {buyer.name} and go on" in text_of(page)

    def test_what_was_typed_is_there_after_the_switch_and_nothing_was_sent(
        self, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        """The other tab has switched meanwhile: the form's own token is of before."""
        made = link(buyer, seller)
        client, path = customer(buyer), f"/links/{made.public_id}/change"
        page = client.get(path)
        press(client, seller)

        typed = {"switch": "none", "direction": "both", "mirror": ["order.placed"], "cap": "none"}
        sent = client.post(path, {**typed, "csrfmiddlewaretoken": csrf_token(page)}, headers={"Origin": ORIGIN})
        assert sent["Location"] == path
        assert "Switch to" in text_of(client.get(path))
        press(client, buyer, at=path, next=path)
        filled = client.get(path).content.decode()

        assert '<option value="none" selected>Neither</option>' in filled
        assert filled.count("checked") == 1
        made.refresh_from_db()
        assert made.proposed_terms is None
        assert "What you typed before" not in text_of(client.get(path))  # Once.

    def test_a_form_from_elsewhere_is_not_kept(self, buyer: Account, seller: Account, customer: Customer) -> None:
        made = link(buyer, seller)
        client, path = customer(buyer), f"/links/{made.public_id}/change"
        client.get(path)

        forged = client.post(path, {"switch": "none"}, headers={"Origin": "https://evil.example"})

        assert forged.status_code == 403
        assert "What you typed before" not in text_of(client.get(path))


class TestSessionsThatEnd:
    """A form sent after the session has ended comes back filled, once, for the same log-in."""

    @pytest.fixture
    def too_late(self, buyer: Account, customer: Customer) -> tuple[Client, str]:
        """A browser that has sent its profile after its session was ended from elsewhere, and where it was led."""
        client = customer(buyer)
        page = client.get("/settings")
        Session.objects.update(ended_at=clock.now())
        typed = {"name": "Anna the Second", "email": "anna@example.org", "csrfmiddlewaretoken": csrf_token(page)}
        return client, client.post("/settings", typed)["Location"]

    def test_what_was_typed_stands_in_the_form_again_after_logging_in(
        self, buyer: Account, too_late: tuple[Client, str]
    ) -> None:
        client, log_in = too_late
        assert log_in == "/log-in?next=%2Fsettings"
        assert send(client, log_in, username=buyer.username, password=PASSWORD)["Location"] == "/settings"

        page = client.get("/settings")

        assert 'value="Anna the Second"' in page.content.decode()
        assert "Nothing has been sent" in text_of(page)
        buyer.refresh_from_db()
        assert buyer.name != "Anna the Second"

    def test_somebody_else_at_the_same_browser_sees_nothing_of_it(
        self, new_account: Any, too_late: tuple[Client, str]
    ) -> None:
        client, log_in = too_late
        other = new_account()
        send(client, log_in, username=other.username, password=PASSWORD)

        assert "Anna the Second" not in client.get("/settings").content.decode()

    def test_it_is_forgotten_after_a_while(self, buyer: Account, too_late: tuple[Client, str], settings: Any) -> None:
        client, log_in = too_late
        settings.TYPED_LIFETIME *= 0
        send(client, log_in, username=buyer.username, password=PASSWORD)

        assert "Anna the Second" not in client.get("/settings").content.decode()

    def test_passwords_are_never_kept(self, buyer: Account, customer: Customer) -> None:
        client = customer(buyer)
        page = client.get("/settings/password")
        Session.objects.update(ended_at=clock.now())
        secret = {"old": PASSWORD, "new": "another good one 17", "again": "another good one 17"}
        client.post("/settings/password", {**secret, "csrfmiddlewaretoken": csrf_token(page)})

        assert "typed" not in str(dict(client.session.items()))

    def test_a_payment_comes_back_to_be_pressed_again(
        self, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        order = place(buyer, offer(seller)).orders[0]
        fund(buyer, order.total_minor)
        client, path = customer(buyer), f"/orders/{order.public_id}"
        page = client.get(path)
        fields = {"wallet": buyer.public_id, "amount": 1000, "currency": "GBP", "key": "pressed-once"}
        Session.objects.update(ended_at=clock.now())
        asked = client.post(path, {**fields, "csrfmiddlewaretoken": csrf_token(page)})
        back = send(client, asked["Location"], username=buyer.username, password=PASSWORD)["Location"]

        page = client.get(back)
        order.refresh_from_db()
        assert order.paid_minor == 0
        assert 'value="pressed-once"' in page.content.decode()
        client.post(back, {**fields, "csrfmiddlewaretoken": csrf_token(page)})
        order.refresh_from_db()
        assert order.paid_minor == 1000


class TestOperators:
    def test_are_shown_where_their_pages_are(self, operator: Account, visitor: Client) -> None:
        begun = send(visitor, "/log-in", username=operator.username, password=PASSWORD)
        assert begun["Location"] == "/admin/"

        page = visitor.get("/accounts")

        assert page.status_code == 403
        assert "You are logged in as an operator" in text_of(page)
        assert all(f'href="{path}"' in page.content.decode() for path in ("/admin/", "/admin/accounts/account/", "/"))
