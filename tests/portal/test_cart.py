"""The cart and the checkout: several sellers, what has changed meanwhile, and paying it as one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from catalog.models import Item
from orders.cart.models import CartLine
from orders.models import Checkout, Order
from tests.accounts.test_linking import link
from tests.conftest import PASSWORD
from tests.portal.conftest import csrf_token, send, text_of
from tests.portal.test_items import order_form
from tests.portal.test_paying import twin_of
from tests.shop import fund, held, offer

Customer = Callable[[Account], Client]

CART_STATEMENTS_MAX = 4
CHECKOUT_STATEMENTS_MAX = 7
PRESS_STATEMENTS_MAX = 32


@pytest.fixture
def tea(seller: Account) -> Item:
    return offer(seller, title="Tea", stock=5)


@pytest.fixture
def cup(new_account: Any) -> Item:
    return offer(new_account(side="seller", name="Potter"), title="Cup", price_minor=250)


def press(client: Client, path: str, **fields: Any) -> Any:
    """Send a form of the cart's page, with the token that stands in it."""
    return client.post(path, {"csrfmiddlewaretoken": csrf_token(client.get("/cart")), **fields})


def add(client: Client, item: Item, quantity: int = 1) -> None:
    form = order_form(client.get(f"/items/{item.public_id}"), quantity=quantity)
    client.post(f"/items/{item.public_id}/cart", form)


def in_cart(account: Account) -> list[tuple[str, int]]:
    return list(CartLine.objects.filter(cart=account.pk).order_by("id").values_list("item__title", "quantity"))


class TestPuttingIn:
    """POST /items/<id>/cart, from the item's page and from the list of what is on sale"""

    def test_each_press_adds_and_the_same_one_only_once(self, tea: Item, buyer: Account, customer: Customer) -> None:
        client = customer(buyer)
        form = order_form(client.get(f"/items/{tea.public_id}"), quantity=2)

        answers = [client.post(f"/items/{tea.public_id}/cart", form) for _ in range(2)]
        add(client, tea, 1)

        assert {answer["Location"] for answer in answers} == {"/cart"}
        assert in_cart(buyer) == [("Tea", 3)]
        assert "“Tea” is in your cart." in text_of(client.get("/cart"))

    def test_from_the_list_it_is_one(self, tea: Item, buyer: Account, customer: Customer) -> None:
        client = customer(buyer)
        answer = client.post(f"/items/{tea.public_id}/cart", order_form(client.get("/")))
        assert answer.status_code == 302
        assert in_cart(buyer) == [("Tea", 1)]

    def test_buying_at_once_leaves_the_cart_alone(self, tea: Item, buyer: Account, customer: Customer) -> None:
        client = customer(buyer)
        form = order_form(client.get(f"/items/{tea.public_id}?scan=abc"), quantity=2, now="on")
        answer = client.post(f"/items/{tea.public_id}/cart", form)
        assert answer["Location"] == f"/items/{tea.public_id}/order?quantity=2&scan=abc"
        assert in_cart(buyer) == []

    def test_a_log_in_on_the_way_loses_nothing(self, tea: Item, buyer: Account, visitor: Client) -> None:
        asked = visitor.get(f"/items/{tea.public_id}/cart?quantity=3")
        back = send(visitor, asked["Location"], username=buyer.username, password=PASSWORD)
        form = order_form(visitor.get(back["Location"]))
        assert visitor.get(back["Location"]).context["form"]["quantity"].value() == "3"
        visitor.post(f"/items/{tea.public_id}/cart", {**form, "quantity": 3})
        assert in_cart(buyer) == [("Tea", 3)]

    @pytest.mark.parametrize(
        ("changes", "quantity", "status", "said"),
        [
            ({}, 0, 422, "greater than or equal to 1"),
            ({"status": "paused"}, 1, 409, "This is not on sale any more."),
            ({"status": "removed"}, 1, 404, "There is nothing"),
        ],
    )
    def test_what_is_refused_is_said(
        self, tea: Item, buyer: Account, customer: Customer, changes: Any, quantity: int, status: int, said: str
    ) -> None:
        client = customer(buyer)
        form = order_form(client.get(f"/items/{tea.public_id}"), quantity=quantity)
        Item.objects.filter(pk=tea.pk).update(**changes)
        answer = client.post(f"/items/{tea.public_id}/cart", form)
        assert answer.status_code == status
        assert said in text_of(answer) or status == 404
        assert in_cart(buyer) == []


class TestTheCart:
    """/cart"""

    def test_shows_several_sellers_and_one_sum(
        self, tea: Item, cup: Item, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        client = customer(buyer)
        add(client, tea, 2)
        add(client, cup, 3)
        said = text_of(client.get("/cart"))
        assert said.index(seller.name) < said.index("Potter")
        assert "5 things £27.50 From 2 sellers, paid as one." in said

    def test_things_in_two_currencies_are_two_sums(
        self, tea: Item, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        client = customer(buyer)
        add(client, tea)
        add(client, offer(seller, title="Matcha", price_minor=900, currency="JPY"))
        page = client.get("/cart")
        assert page.content.decode().count("Check out</a>") == 2
        assert "Things in different currencies are ordered and paid separately." in text_of(page)

    def test_how_many_is_changed_and_what_is_wrong_is_said_there(
        self, tea: Item, buyer: Account, customer: Customer
    ) -> None:
        client = customer(buyer)
        add(client, tea)
        path = f"/cart/lines/{tea.public_id}"
        assert press(client, path, quantity=4)["Location"] == "/cart"
        assert in_cart(buyer) == [("Tea", 4)]
        for wrong, said in ((0, "greater than or equal to 1"), ("x", "Enter a whole number.")):
            answer = press(client, path, quantity=wrong)
            assert (answer.status_code, said in text_of(answer)) == (422, True)
        Item.objects.update(status="paused")
        assert press(client, path, quantity=1).status_code == 409

    def test_what_is_taken_out_can_be_put_back(self, tea: Item, buyer: Account, customer: Customer) -> None:
        client = customer(buyer)
        add(client, tea, 2)
        remove = f"/cart/lines/{tea.public_id}/remove"

        answers = [press(client, remove, quantity=2) for _ in range(2)]

        assert [answer["Location"] for answer in answers] == [f"/cart?removed={tea.public_id}&quantity=2", "/cart"]
        page = client.get(answers[0]["Location"])
        assert "“Tea” is out of your cart. Undo" in text_of(page)
        press(client, f"/cart/lines/{tea.public_id}", **{k: v for k, v in order_form(page).items() if k == "quantity"})
        assert in_cart(buyer) == [("Tea", 2)]

    def test_what_has_changed_meanwhile_is_said_plainly(
        self, tea: Item, cup: Item, buyer: Account, seller: Account, customer: Customer
    ) -> None:
        client, gone = customer(buyer), offer(seller, title="Pot")
        for item in (tea, cup, gone):
            add(client, item, 3)
        Item.objects.filter(pk=tea.pk).update(price_minor=1100, stock=2)
        Item.objects.filter(pk=gone.pk).update(status="removed")

        said = text_of(client.get("/cart"))

        assert "It was £10.00 when you put it in and is £11.00 now." in said
        assert "Only 2 are left. Until you change how many, this is not in the sum." in said
        assert "Not on sale any more Pot" in said
        assert "3 things £7.50" in said
        Item.objects.filter(pk=tea.pk).update(stock=0)
        assert "Sold out It is not in the sum." in text_of(client.get("/cart"))

    def test_empty_it_says_what_to_do(self, buyer: Account, customer: Customer) -> None:
        assert "Your cart is empty" in text_of(customer(buyer).get("/cart"))

    def test_it_is_for_buyers_and_each_sees_their_own(
        self, tea: Item, buyer: Account, seller: Account, new_account: Any, customer: Customer, visitor: Client
    ) -> None:
        add(customer(buyer), tea)
        assert "Tea" not in text_of(customer(new_account()).get("/cart"))
        assert customer(seller).get("/cart").status_code == 403
        assert visitor.get("/cart")["Location"] == "/log-in?next=%2Fcart"

    def test_it_costs_the_same_however_much_is_in_it(
        self, buyer: Account, seller: Account, customer: Customer, statements: Any
    ) -> None:
        client = customer(buyer)
        for number in range(6):
            add(client, offer(seller, title=f"Cup {number}"))
        client.get("/cart")  # The message is said once.
        with statements() as seen:
            page = client.get("/cart")
        assert len(seen) <= CART_STATEMENTS_MAX, str(seen)
        assert len(page.content) < 30_000


class TestCheckingOut:
    """/checkout"""

    PATH = "/checkout?currency=GBP"

    @pytest.fixture
    def client(self, tea: Item, cup: Item, buyer: Account, customer: Customer) -> Client:
        client = customer(buyer)
        add(client, tea, 2)
        add(client, cup, 1)
        return client

    def test_one_press_orders_of_every_seller_and_pays_all(self, client: Client, buyer: Account) -> None:
        fund(buyer, 3000)
        form = order_form(client.get(self.PATH))

        answers = [client.post(self.PATH, form) for _ in range(3)]

        checkout = Checkout.objects.get()
        assert {answer["Location"] for answer in answers} == {f"/checkouts/{checkout.public_id}"}
        assert sorted(Order.objects.values_list("status", "total_minor")) == [("paid", 250), ("paid", 2000)]
        assert held(buyer) == 2250
        assert in_cart(buyer) == []
        assert "£22.50 paid" in text_of(client.get(answers[0]["Location"]))

    def test_the_sum_and_what_the_wallet_has_are_seen_before(self, client: Client, buyer: Account) -> None:
        fund(buyer, 2000)
        said = text_of(client.get(self.PATH))
        assert "Order and pay £22.50" in said
        assert "£20.00 available: £2.50 too little" in said
        assert "Charge the missing £2.50 (the cash desk)" in said
        assert "2 orders, one for each seller, paid together or not at all." in said

    def test_a_provider_adds_what_the_wallet_lacks(
        self, client: Client, buyer: Account, django_capture_on_commit_callbacks: Any
    ) -> None:
        fund(buyer, 2000)
        with django_capture_on_commit_callbacks(execute=True):
            there = client.post(self.PATH, order_form(client.get(self.PATH), provider="on"))["Location"]
        assert "Being paid" in text_of(client.get(there))
        assert Checkout.objects.get().provider_payments.get().top_up.amount_minor == 250

    def test_too_little_orders_nothing_and_keeps_the_cart(self, client: Client, buyer: Account) -> None:
        answer = client.post(self.PATH, order_form(client.get(self.PATH)))
        assert answer.status_code == 409
        assert "There is not enough money in this wallet." in text_of(answer)
        assert not Order.objects.exists()
        assert len(in_cart(buyer)) == 2

    @pytest.mark.parametrize("changes", [{"price_minor": 990}, {"stock": 1}, {"status": "paused"}])
    def test_what_is_not_what_was_seen_is_shown_again_and_not_ordered(
        self, client: Client, tea: Item, buyer: Account, changes: Any
    ) -> None:
        fund(buyer, 9000)
        form = order_form(client.get(self.PATH))
        Item.objects.filter(pk=tea.pk).update(**changes)
        answer = client.post(self.PATH, form)
        assert answer.status_code == 422
        assert "This is not the sum that is to be paid (any more)." in text_of(answer)
        assert not Order.objects.exists()
        assert order_form(answer)["seen"] != form["seen"]

    def test_two_changes_that_make_up_for_each_other_are_seen(
        self, client: Client, tea: Item, cup: Item, buyer: Account
    ) -> None:
        """The same sum of other things is not what somebody said yes to."""
        fund(buyer, 9000)
        form = order_form(client.get(self.PATH))
        Item.objects.filter(pk=tea.pk).update(price_minor=900)
        Item.objects.filter(pk=cup.pk).update(price_minor=450)
        assert client.post(self.PATH, form).status_code == 422
        assert not Order.objects.exists()

    def test_what_cannot_be_ordered_stays_in_the_cart(self, client: Client, tea: Item, buyer: Account) -> None:
        fund(buyer, 9000)
        Item.objects.filter(pk=tea.pk).update(stock=0)
        page = client.get(self.PATH)
        assert "One thing stays in your cart" in text_of(page)
        client.post(self.PATH, order_form(page))
        assert in_cart(buyer) == [("Tea", 2)]

    def test_a_linked_wallet_pays_and_says_nothing_of_what_it_has(
        self, client: Client, buyer: Account, new_account: Any
    ) -> None:
        firm = new_account(kind="enterprise", name="Firm")
        link(firm, buyer, spending_cap="unlimited")
        fund(firm, 5000)
        page = client.get(self.PATH)
        assert "Firm linked If the wallet has too little" in text_of(page)
        client.post(self.PATH, order_form(page, wallet=firm.public_id))
        assert (held(firm), held(buyer)) == (2250, 0)

    def test_an_empty_cart_leads_back_to_it(self, buyer: Account, customer: Customer) -> None:
        assert customer(buyer).get(self.PATH)["Location"] == "/cart"

    def test_others_do_not_see_what_came_of_it(
        self, client: Client, buyer: Account, new_account: Any, customer: Customer
    ) -> None:
        fund(buyer, 3000)
        there = client.post(self.PATH, order_form(client.get(self.PATH)))["Location"]
        assert customer(new_account()).get(there).status_code == 404

    def test_the_page_and_the_press_stay_cheap(self, client: Client, buyer: Account, statements: Any) -> None:
        fund(buyer, 3000)
        client.get(self.PATH)
        with statements() as looked:
            page = client.get(self.PATH)
        assert len(looked) <= CHECKOUT_STATEMENTS_MAX, str(looked)
        with statements() as pressed:
            client.post(self.PATH, order_form(page))
        assert len(pressed) <= PRESS_STATEMENTS_MAX, str(pressed)


class TestPressesAtTheSameMoment:
    """Against a database that commits: two presses of one checkout are one, whatever they meet at."""

    def test_make_one_checkout(self, committed_db: Any, seller: Account, buyer: Account, race: Any) -> None:
        fund(buyer, 9000)
        client = Client(enforce_csrf_checks=True)
        send(client, "/log-in", username=buyer.username, password=PASSWORD)
        add(client, offer(seller))
        form = order_form(client.get(TestCheckingOut.PATH))

        answers = race(*[lambda: twin_of(client).post(TestCheckingOut.PATH, form)] * 3)

        assert {answer["Location"] for answer in answers} == {f"/checkouts/{Checkout.objects.get().public_id}"}
        assert held(buyer) == 1000
