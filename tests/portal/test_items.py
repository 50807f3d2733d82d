"""From an item to an order of it: the pages, with the way in for who has no account yet."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from accounts.actor import Actor
from accounts.models import Account, Behaviour
from catalog.models import Item
from catalog.services import open_store
from core import clock
from orders.models import Order
from tests.conftest import PASSWORD
from tests.portal.conftest import csrf_token, hidden_fields_in, main_of, send, text_of
from tests.portal.test_paying import twin_of
from tests.shop import fund, held, offer

Customer = Callable[[Account], Client]
NEWCOMER = {"name": "Nora", "username": "nora", "new": PASSWORD, "again": PASSWORD, "side": "buyer", "kind": "personal"}


@pytest.fixture
def tea(seller: Account) -> Item:
    store = open_store(name="Corner", address="1 High Street", actor=Actor.own(seller), now=clock.now())
    return offer(seller, title="Tea <b>", description="Two\n\nparagraphs", stock=12, store=store.public_id)


def path_of(item: Item) -> str:
    return f"/items/{item.public_id}"


def link_to(wanted: str, page: Any) -> str:
    """Where the page's first link to an address that begins so leads."""
    found = re.search(f'href="({re.escape(wanted)}[^"]*)"', page.content.decode())
    assert found, page.content.decode()
    return unescape(found[1])


def order_form(page: Any, **changed: Any) -> dict[str, Any]:
    """What the page's own form sends as it stands; the header has one to log out with."""
    return {**dict(hidden_fields_in(page.content.decode().split("<main")[1])), **changed}


class TestAnItemsPage:
    """GET /items/<id>, without a log-in"""

    def test_says_what_it_is_and_who_sells_it_where(self, visitor: Client, tea: Item, seller: Account) -> None:
        page = visitor.get(path_of(tea))

        assert page.status_code == 200
        said = text_of(page)
        assert f"Tea <b> Sold by {seller.name} Corner , 1 High Street £10.00" in said
        assert "<p>Two</p>" in page.content.decode()
        assert "Make an account" in said
        assert not page.cookies

    def test_costs_two_statements(self, visitor: Client, tea: Item, seller: Account, statements: Any) -> None:
        for number in range(6):
            offer(seller, title=f"Cup {number}")
        with statements() as seen:
            page = visitor.get(path_of(tea))
        assert len(seen) <= 2, str(seen)
        said = text_of(page)
        assert "Cup 5 £10.00 Cup 4 £10.00 Cup 3 £10.00 Cup 2 £10.00" in said
        assert "Cup 1" not in said

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"status": "paused"}, "not on sale at the moment"),
            ({"stock": 0}, "Sold out."),
            ({"stock": 1}, "Only one left."),
        ],
    )
    def test_says_when_and_how_far_it_can_be_bought(
        self, visitor: Client, tea: Item, changes: dict[str, Any], said: str
    ) -> None:
        Item.objects.filter(pk=tea.pk).update(**changes)
        page = visitor.get(path_of(tea))
        assert page.status_code == 200
        assert said in text_of(page)
        assert (b">Buy<" in page.content) == ("left" in said)

    def test_what_is_removed_and_what_never_was_are_the_same_page_but_for_the_seller(
        self, visitor: Client, tea: Item, seller: Account, customer: Customer
    ) -> None:
        Item.objects.filter(pk=tea.pk).update(status="removed")
        pages = [visitor.get(path) for path in (path_of(tea), "/items/itm_" + "0" * 26, "/items/x")]
        assert [page.status_code for page in pages] == [404] * 3
        assert len({text_of(page) for page in pages}) == 1
        assert "You have removed this" in text_of(customer(seller).get(path_of(tea)))

    def test_a_look_is_recorded_for_who_is_logged_in(self, tea: Item, buyer: Account, customer: Customer) -> None:
        customer(buyer).get(path_of(tea))
        assert Behaviour.objects.get(kind="item.viewed").object_id == tea.public_id


class TestOrdering:
    """/items/<id>/order"""

    def test_the_sum_is_seen_before_anything_is_ordered(self, tea: Item, buyer: Account, customer: Customer) -> None:
        said = text_of(customer(buyer).get(f"{path_of(tea)}/order?quantity=2"))
        assert "Tea <b> 2 × £10.00 £20.00 Total £20.00" in said
        assert "Order and pay £20.00" in said
        assert not Order.objects.exists()

    def test_one_press_orders_and_pays_however_often_it_comes(
        self, tea: Item, buyer: Account, customer: Customer
    ) -> None:
        fund(buyer, 5000)
        client, path = customer(buyer), f"{path_of(tea)}/order?quantity=2"
        form = order_form(client.get(path))

        answers = [client.post(path, form) for _ in range(3)]

        order = Order.objects.get()
        assert {answer["Location"] for answer in answers} == {f"/orders/{order.public_id}"}
        assert (order.status, held(buyer)) == ("paid", 2000)
        assert "Ordered and paid" in text_of(client.get(answers[0]["Location"]))
        tea.refresh_from_db()
        assert tea.stock == 10

    def test_it_can_be_paid_later(self, tea: Item, buyer: Account, customer: Customer) -> None:
        client, path = customer(buyer), f"{path_of(tea)}/order"
        there = client.post(path, order_form(client.get(path), later="on"))["Location"]
        page = client.get(there)
        assert "Ordered, not paid yet" in text_of(page)
        fund(buyer, 1000)

        answers = [client.post(there, order_form(page)) for _ in range(2)]

        assert [answer["Location"] for answer in answers] == [there] * 2
        assert held(buyer) == 1000
        late = client.post(there, order_form(page, key="another"))
        assert late.status_code == 409
        assert "Ordered and paid" in text_of(late)

    @pytest.mark.parametrize(
        ("minor", "changed", "status", "said"),
        [
            (999, {}, 409, "There is not enough money in this wallet."),
            (1000, {"amount": 999}, 422, "This is not the sum that is to be paid"),
            (1000, {"wallet": "acc_" + "0" * 26}, 404, "This wallet is no longer linked"),
            (1000, {"quantity": 13, "amount": 13_000}, 409, "There are not so many left."),
            (1000, {"quantity": 0}, 422, "greater than or equal to 1"),
            (1000, {"quantity": "many"}, 422, "Enter a whole number."),
            (1000, {"key": ""}, 422, "Order and pay £10.00"),
        ],
    )
    def test_what_is_refused_is_said_and_orders_nothing(
        self, tea: Item, buyer: Account, customer: Customer, minor: int, changed: Any, status: int, said: str
    ) -> None:
        fund(buyer, minor)
        client, path = customer(buyer), f"{path_of(tea)}/order"
        refused = client.post(path, order_form(client.get(path), **changed))
        assert refused.status_code == status
        assert said in text_of(refused)
        assert not Order.objects.exists()
        assert held(buyer) == 0

    def test_a_price_that_changed_meanwhile_is_shown_and_not_paid(
        self, tea: Item, buyer: Account, customer: Customer
    ) -> None:
        fund(buyer, 5000)
        client, path = customer(buyer), f"{path_of(tea)}/order"
        seen = order_form(client.get(path))
        Item.objects.filter(pk=tea.pk).update(price_minor=1100)
        refused = client.post(path, seen)
        assert (refused.status_code, held(buyer)) == (422, 0)
        assert "Order and pay £11.00" in text_of(refused)
        assert order_form(refused)["amount"] == "1100"

    @pytest.mark.parametrize(("status", "answer"), [("paused", 409), ("removed", 404)])
    def test_what_is_not_on_sale_is_not_ordered(
        self, tea: Item, buyer: Account, customer: Customer, status: str, answer: int
    ) -> None:
        client, path = customer(buyer), f"{path_of(tea)}/order"
        form = order_form(client.get(path))
        Item.objects.filter(pk=tea.pk).update(status=status)
        assert (
            client.get(path).status_code == client.post(path, form).status_code == (409 if status == "paused" else 404)
        )

    def test_a_provider_is_charged_for_what_the_wallet_lacks(
        self, tea: Item, buyer: Account, customer: Customer, django_capture_on_commit_callbacks: Any
    ) -> None:
        fund(buyer, 400)
        client, path = customer(buyer), f"{path_of(tea)}/order"
        with django_capture_on_commit_callbacks(execute=True):
            there = client.post(path, order_form(client.get(path), provider="on"))["Location"]
        page = client.get(there)
        assert "Being paid" in text_of(page)
        assert 'http-equiv="refresh"' in page.content.decode()
        payment = Order.objects.get().provider_payments.get()
        assert (payment.top_up.amount_minor, payment.top_up.status) == (600, "succeeded")

    def test_sellers_are_told_that_buyers_order(self, tea: Item, seller: Account, customer: Customer) -> None:
        client = customer(seller)
        assert client.get(f"{path_of(tea)}/order").status_code == 403
        assert b">Buy<" not in client.get(path_of(tea)).content

    def test_what_was_chosen_survives_the_log_in_that_ran_out(
        self, tea: Item, buyer: Account, customer: Customer
    ) -> None:
        client, path = customer(buyer), f"{path_of(tea)}/order"
        form = order_form(client.get(f"{path}?quantity=3&scan=abc"))
        client.cookies.pop("sessionid")

        asked = client.post(path, form)
        back = send(client, asked["Location"], username=buyer.username, password=PASSWORD)

        assert urlsplit(back["Location"]).path == path
        again = order_form(client.get(back["Location"]))
        assert (again["quantity"], again["scan"]) == ("3", "abc")

    def test_the_page_and_the_press_stay_cheap(
        self, tea: Item, buyer: Account, customer: Customer, statements: Any
    ) -> None:
        fund(buyer, 5000)
        client, path = customer(buyer), f"{path_of(tea)}/order"
        with statements() as looked:
            page = client.get(path)
        assert len(looked) <= 6, str(looked)
        with statements() as pressed:
            there = client.post(path, order_form(page))["Location"]
        assert len(pressed) <= 26, str(pressed)
        with statements() as shown:
            client.get(there)
        assert len(shown) <= 6, str(shown)


class TestAnOrdersPage:
    """/orders/<id>"""

    @pytest.fixture
    def order(self, tea: Item, buyer: Account, customer: Customer) -> Order:
        fund(buyer, 5000)
        client, path = customer(buyer), f"{path_of(tea)}/order"
        client.post(path, order_form(client.get(path)))
        return Order.objects.get()

    def test_the_seller_sees_what_it_costs_and_the_buyer_does_not(
        self, order: Order, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        seen = {account: text_of(customer(account).get(f"/orders/{order.public_id}")) for account in (buyer, seller)}
        assert "The platform's fee" in seen[seller]
        assert "fee" not in seen[buyer]
        assert f"Bought by {buyer.name}" in seen[seller]

    def test_others_and_nobody_see_nothing_of_it(self, order: Order, new_account: Any, customer: Customer) -> None:
        pages = [customer(new_account()).get(f"/orders/{number}") for number in (order.public_id, "ord_x")]
        assert [page.status_code for page in pages] == [404, 404]
        assert main_of(pages[0]) == main_of(pages[1])

    def test_what_was_given_back_is_said(
        self, order: Order, buyer: Account, seller: Account, customer: Customer, api: Any
    ) -> None:
        api(seller).post(f"/orders/{order.public_id}/refunds", {"amount": 400, "reason": "Cold."}, key="r1")
        said = text_of(customer(buyer).get(f"/orders/{order.public_id}"))
        assert "Given back −£4.00 Remains £6.00" in said
        assert "Cold." in said


class TestTheWayIn:
    """Log-in and registration keep where somebody was going, on our own site only."""

    def test_who_comes_without_an_account_makes_one_and_goes_on_with_the_order(
        self, tea: Item, visitor: Client
    ) -> None:
        asked = visitor.get(f"{path_of(tea)}/order?quantity=2&scan=abc")
        register = link_to("/register?", visitor.get(asked["Location"]))

        back = send(visitor, register, **NEWCOMER)

        query = {name: value[0] for name, value in parse_qs(urlsplit(back["Location"]).query).items()}
        assert (urlsplit(back["Location"]).path, query) == (f"{path_of(tea)}/order", {"quantity": "2", "scan": "abc"})
        assert visitor.get(back["Location"]).status_code == 200
        assert Account.objects.get(username="nora").side == "buyer"

    def test_a_referral_code_in_the_address_is_kept_over_the_log_in_and_back(
        self, buyer: Account, visitor: Client
    ) -> None:
        page = visitor.get(f"/register?referral_code={buyer.referral_code}&scan=abc")
        for wanted in ("/log-in?", "/register?"):
            link = link_to(wanted, page)
            page = visitor.get(link)
        assert f'value="{buyer.referral_code}"' in page.content.decode()

        send(visitor, link, **NEWCOMER, referral_code=buyer.referral_code)

        assert Account.objects.get(username="nora").referred_by == buyer

    @pytest.mark.parametrize(
        ("wrong", "status", "said"),
        [
            ({"again": "other"}, 422, "The two are not the same."),
            ({"new": "12345678", "again": "12345678"}, 422, "too common"),
            ({"username": "a b"}, 422, "Enter a valid value."),
            ({"username": "TAKEN"}, 422, "Somebody has this user name."),
            ({"referral_code": "NOBODY"}, 422, "Nobody has this code."),
            ({"side": "operator"}, 422, "not one of the available choices"),
        ],
    )
    def test_what_is_wrong_is_said_beside_the_field(
        self, visitor: Client, new_account: Any, wrong: dict[str, str], status: int, said: str
    ) -> None:
        new_account(username="taken")
        page = send(visitor, "/register", **NEWCOMER | wrong)
        assert page.status_code == status
        assert said in text_of(page)
        assert PASSWORD not in page.content.decode()
        assert not Account.objects.filter(username="nora").exists()

    @pytest.mark.parametrize(
        "elsewhere",
        [
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "https:evil.example",
            "javascript:alert('evil')",
            "\t//evil.example",
            "http:///evil.example",
            "https://testserver@evil.example/",
        ],
    )
    def test_nobody_is_sent_to_another_site(self, buyer: Account, visitor: Client, elsewhere: str) -> None:
        for page in ("/log-in", "/register"):
            # The foot's form leads back to this very address, with all that stands in it.
            assert "evil" not in visitor.get(page, {"next": elsewhere}).content.decode().split("<footer")[0]
        log_in = {"username": buyer.username, "password": PASSWORD}
        for form, query in ((log_in, {"next": elsewhere}), ({**log_in, "next": elsewhere}, {})):
            token = csrf_token(visitor.get("/log-in"))
            answer = visitor.post("/log-in", {**form, "csrfmiddlewaretoken": token}, query_params=query)
            assert answer["Location"] == "/"
            visitor.cookies.clear()

    def test_who_registers_is_not_either(self, visitor: Client) -> None:
        assert send(visitor, "/register?next=//evil.example", **NEWCOMER)["Location"] == "/"


class TestPressesAtTheSameMoment:
    """Against a database that commits: who presses again before the answer is there has one order, and sees it."""

    @pytest.fixture
    def path(self, committed_db: Any, seller: Account) -> str:
        return f"{path_of(offer(seller))}/order"

    @pytest.fixture
    def browser(self, path: str, buyer: Account) -> Client:
        fund(buyer, 9000)
        client = Client(enforce_csrf_checks=True)
        send(client, "/log-in", username=buyer.username, password=PASSWORD)
        return client

    def test_make_one_order(self, path: str, browser: Client, buyer: Account, race: Any) -> None:
        form = order_form(browser.get(path))

        answers = race(*[lambda: twin_of(browser).post(path, form)] * 3)

        assert {answer["Location"] for answer in answers} == {f"/orders/{Order.objects.get().public_id}"}
        assert held(buyer) == 1000

    def test_of_two_pages_make_two(self, path: str, browser: Client, buyer: Account, race: Any) -> None:
        """The control: it is the page's own key that makes them one."""
        forms = [order_form(browser.get(path)) for _ in range(2)]

        answers = race(*[lambda form=form: twin_of(browser).post(path, form) for form in forms])

        assert len({answer["Location"] for answer in answers}) == Order.objects.count() == 2
        assert held(buyer) == 2000


class TestWhatBrowsersAreTold:
    """On every page that a scan comes by."""

    @pytest.fixture(params=["/register?scan=abc", "/log-in?scan=abc", "item", "order", "shares"])
    def page(self, request: Any, tea: Item, buyer: Account, customer: Customer, visitor: Client) -> Any:
        named = {"item": f"{path_of(tea)}?scan=abc", "order": f"{path_of(tea)}/order?scan=abc", "shares": "/shares"}
        client = customer(buyer) if request.param in ("order", "shares") else visitor
        return client.get(named.get(request.param, request.param))

    def test_the_token_is_told_to_nobody_and_kept_nowhere(self, page: Any) -> None:
        assert page["Referrer-Policy"] == "strict-origin"
        assert page["Cache-Control"] == "no-store"
        assert "abc" not in str(page.cookies)

    def test_nothing_runs_or_loads_but_our_own_files(self, page: Any) -> None:
        policy, html = page["Content-Security-Policy"], page.content.decode()
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script(?! src=\"/static/)|<style|<[^>]* (on\w+|style)=|(src|href)=.https?:", html)
