"""A cart: one per account, at the prices of now, ordered as it is."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import override_settings

from accounts.actor import Actor
from catalog.errors import ItemNotOnSale
from catalog.models import Item
from core import clock
from core.money import AMOUNT_MINOR_MAX, Money
from orders.cart import services
from orders.cart.errors import CartEmpty, CartFull
from orders.cart.models import Cart, CartLine
from orders.models import Order
from orders.services import PlacedCheckout
from tests.accounts.test_linking import link
from tests.conftest import make_account
from tests.shop import offer

STATEMENTS_OF_A_LOOK_MAX = 2
STATEMENTS_OF_AN_ORDER_MAX = 17


def put(caller: Any, item: Item, quantity: Any = 1, **headers: str) -> Any:
    return caller.put(f"/cart/lines/{item.public_id}", {"quantity": quantity}, **headers)


def order(caller: Any, key: str = "k", **body: Any) -> Any:
    return caller.post("/cart/order", body, key=key)


def held(caller: Any, **headers: str) -> list[tuple[str, int]]:
    return [(line["item"], line["quantity"]) for line in caller.get("/cart", **headers).json()["lines"]]


class TestFilling:
    """PUT, DELETE /cart/lines/{item} and DELETE /cart"""

    def test_a_line_per_item_with_what_it_costs_now(self, api, buyer, seller):
        caller, tea, cup = api(buyer), offer(seller, stock=5), offer(seller, title="Cup", price_minor=250)
        assert caller.get("/cart").json() == {"lines": [], "totals": []}

        put(caller, tea)
        put(caller, cup, 4)
        answer = put(caller, tea, 3)

        assert answer.status_code == 200
        assert answer.json() == caller.get("/cart").json()
        first, second = answer.json()["lines"]
        assert first.pop("put_at")
        assert first == {
            "item": tea.public_id,
            "title": "Tea",
            "seller": {"id": seller.public_id, "name": seller.name},
            "quantity": 3,
            "price": {"amount": 1000, "currency": "GBP"},
            "amount": 3000,
            "availability": "available",
            "left": 5,
        }
        assert (second["item"], second["amount"], second["left"]) == (cup.public_id, 1000, None)
        assert answer.json()["totals"] == [{"currency": "GBP", "amount": 4000}]

    def test_a_line_and_everything_can_be_taken_out(self, api, buyer, seller):
        caller, tea, cup, pot = api(buyer), offer(seller), offer(seller), offer(seller)
        for item in (tea, cup, pot):
            put(caller, item)

        assert caller.delete(f"/cart/lines/{tea.public_id}").status_code == 204
        assert caller.delete(f"/cart/lines/{tea.public_id}").status_code == 404
        assert held(caller) == [(cup.public_id, 1), (pot.public_id, 1)]
        assert caller.delete("/cart").status_code == 204
        assert caller.delete("/cart").status_code == 204
        assert held(caller) == []

    def test_it_is_the_accounts_and_not_the_log_ins(self, api, buyer, seller, new_account):
        lab, tea = new_account(kind="enterprise"), offer(seller)
        link(buyer, lab)
        put(api(buyer), tea, 2, acting_account=lab.public_id)

        assert held(api(buyer)) == []
        assert held(api(lab)) == held(api(buyer), acting_account=lab.public_id) == [(tea.public_id, 2)]

    @pytest.mark.parametrize("fields", [{"status": "draft"}, {"status": "removed"}])
    def test_what_cannot_be_seen_cannot_be_put_in(self, api, buyer, seller, fields):
        assert put(api(buyer), offer(seller, **fields)).status_code == 404
        assert api(buyer).put("/cart/lines/itm_none", {"quantity": 1}).status_code == 404

    def test_what_is_not_on_sale_is_refused(self, api, buyer, seller):
        answer = put(api(buyer), offer(seller, status="paused"))

        assert (answer.status_code, answer.json()["code"]) == (409, "item_not_on_sale")

    @pytest.mark.parametrize(
        ("quantity", "code"), [(0, "min_value"), (-1, "min_value"), (1.0, "invalid"), ("1", "invalid"), (None, "null")]
    )
    def test_faulty_quantities_are_refused(self, api, buyer, item, quantity, code):
        answer = put(api(buyer), item, quantity)

        assert (answer.status_code, answer.json()["code"]) == (422, code)

    def test_it_is_bounded(self, api, buyer, seller, settings):
        assert put(api(buyer), offer(seller), settings.CART_QUANTITY_MAX + 1).json()["code"] == "max_value"
        settings.CART_LINES_MAX = 2
        items = [offer(seller) for _ in range(3)]
        answers = [put(api(buyer), item) for item in items]

        assert [answer.status_code for answer in answers] == [200, 200, 409]
        assert answers[2].json()["code"] == "cart_full"
        assert put(api(buyer), items[0], 5).status_code == 200
        assert held(api(buyer)) == [(items[0].public_id, 5), (items[1].public_id, 1)]

    def test_it_is_for_buyers(self, api, seller, operator, item):
        for account in (seller, operator):
            assert api(account).get("/cart").status_code == 403
            assert put(api(account), item).status_code == 403
            assert order(api(account)).status_code == 403
        assert api().get("/cart").status_code == 401


class TestWhatHasChangedMeanwhile:
    """A cart says what became of its items and drops none."""

    def test_prices_and_titles_are_those_of_now(self, api, buyer, seller, item):
        put(api(buyer), item, 2)
        api(seller).patch(f"/items/{item.public_id}", {"title": "Coffee", "price": {"amount": 7, "currency": "EUR"}})

        cart = api(buyer).get("/cart").json()

        assert (cart["lines"][0]["title"], cart["lines"][0]["amount"]) == ("Coffee", 14)
        assert cart["totals"] == [{"currency": "EUR", "amount": 14}]

    @pytest.mark.parametrize(("status", "is_shown"), [("paused", True), ("removed", False), ("draft", False)])
    def test_what_is_not_on_sale_stays_and_does_not_count(self, api, buyer, seller, item, status, is_shown):
        put(api(buyer), item)
        api(seller).patch(f"/items/{item.public_id}", {"status": status, "title": "Not announced"})

        cart = api(buyer).get("/cart").json()

        (line,) = cart["lines"]
        assert (line["availability"], line["left"]) == ("not_on_sale", None)
        assert line["title"] == ("Not announced" if is_shown else "Tea")
        assert (line["price"] is not None, line["amount"] is not None) == (is_shown, is_shown)
        assert cart["totals"] == []

    def test_what_is_sold_out_says_how_many_are_left(self, api, buyer, seller):
        item = offer(seller, stock=5)
        put(api(buyer), item, 5)
        Item.objects.filter(pk=item.pk).update(stock=4)

        (line,) = api(buyer).get("/cart").json()["lines"]

        assert (line["availability"], line["left"]) == ("out_of_stock", 4)

    def test_of_a_seller_who_is_shut_out_nothing_is_on_sale(self, api, buyer, seller, item):
        put(api(buyer), item)
        type(seller).objects.filter(pk=seller.pk).update(is_active=False)

        assert api(buyer).get("/cart").json()["lines"][0]["availability"] == "not_on_sale"
        assert put(api(buyer), item).json()["code"] == order(api(buyer)).json()["code"] == "item_not_on_sale"

    def test_an_amount_that_no_client_can_read_is_left_out(self, api, buyer, seller):
        put(api(buyer), offer(seller, price_minor=AMOUNT_MINOR_MAX), 2)

        cart = api(buyer).get("/cart").json()

        assert (cart["lines"][0]["amount"], cart["totals"][0]["amount"]) == (None, None)
        assert order(api(buyer)).json()["code"] == "amount_too_large"


class TestOrdering:
    """POST /cart/order"""

    def test_gives_the_same_checkout_as_placing_the_lines(self, api, buyer, seller, other_seller):
        caller, tea, cup = api(buyer), offer(seller, stock=3), offer(other_seller, title="Cup", price_minor=250)
        put(caller, tea, 2)
        put(caller, cup)

        ordered = order(caller)
        placed = caller.post(
            "/orders",
            {"lines": [{"item": tea.public_id, "quantity": 1}, {"item": cup.public_id, "quantity": 1}]},
            key="p",
        )

        assert ordered.status_code == placed.status_code == 201
        assert ordered.json().keys() == placed.json().keys()
        assert (ordered.json()["total"], len(ordered.json()["orders"])) == (2250, 2)
        assert caller.get(f"/checkouts/{ordered.json()['id']}").json() == ordered.json()
        assert held(caller) == []
        assert Item.objects.get(pk=tea.pk).stock == 0

    def test_under_one_key_happens_once(self, api, buyer, item):
        caller = api(buyer)
        put(caller, item)
        first = order(caller)
        put(caller, item)
        again = order(caller)

        assert again.json() == first.json()
        assert again.headers["Idempotent-Replayed"] == "true"
        assert held(caller) == [(item.public_id, 1)]
        assert caller.post("/cart/order", {}).json()["code"] == "idempotency_key_required"

    def test_takes_only_the_lines_that_are_named(self, api, buyer, seller):
        caller, tea, euro = api(buyer), offer(seller), offer(seller, currency="EUR")
        put(caller, tea)
        put(caller, euro)

        refused = order(caller)
        assert (refused.status_code, refused.json()["code"]) == (422, "mixed_currencies")
        assert order(caller, "e", items=[euro.public_id]).json()["currency"] == "EUR"
        assert held(caller) == [(tea.public_id, 1)]
        unknown = order(caller, "u", items=[tea.public_id, euro.public_id])
        assert (unknown.status_code, unknown.json()["code"]) == (422, "not_in_cart")
        assert unknown.json()["errors"][0]["field"] == "items.1"
        assert held(caller) == [(tea.public_id, 1)]

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"status": "paused"}, "item_not_on_sale"),
            ({"status": "draft"}, "item_not_on_sale"),
            ({"stock": 0}, "out_of_stock"),
        ],
    )
    def test_a_refusal_names_the_items_and_leaves_the_cart_as_it_is(self, api, buyer, seller, item, change, code):
        caller, other = api(buyer), offer(seller)
        put(caller, other)
        put(caller, item)
        Item.objects.filter(pk=item.pk).update(**change)

        refused = order(caller)

        assert (refused.status_code, refused.json()["code"]) == (409, code)
        assert refused.json()["items"] == [item.public_id]
        assert held(caller) == [(other.public_id, 1), (item.public_id, 1)]
        assert not Order.objects.exists()

    def test_an_empty_cart_orders_nothing(self, api, buyer):
        assert (order(api(buyer)).status_code, order(api(buyer)).json()["code"]) == (409, "cart_empty")

    @pytest.mark.parametrize("scans", [{"scan": "garbage"}, {"scan": None}, {"scans": ["", "?", None]}])
    def test_a_scan_that_cannot_be_used_never_refuses_an_order(self, api, buyer, item, scans):
        put(api(buyer), item)

        assert order(api(buyer), **scans).status_code == 201

    def test_costs_no_more_statements_with_many_lines(self, api, buyer, seller, statements):
        caller = api(buyer)
        for _ in range(10):
            put(caller, offer(seller, stock=5))

        with statements() as looking:
            caller.get("/cart")
        with statements() as ordering:
            assert order(caller).status_code == 201

        assert len(looking) <= STATEMENTS_OF_A_LOOK_MAX, str(looking)
        assert len(ordering) <= STATEMENTS_OF_AN_ORDER_MAX, str(ordering)


def ordering(buyer: Any) -> Callable[[], PlacedCheckout]:
    return lambda: services.place_cart(actor=Actor.own(buyer), now=clock.now())


class TestRaces:
    """The cart's row is the lock: what is ordered is what is taken out."""

    def test_of_two_orders_one_finds_the_cart_empty(self, committed_db, race):
        buyer, item = make_account(), offer(make_account(side="seller"))
        services.put_line(item=item.public_id, quantity=1, actor=Actor.own(buyer), now=clock.now())

        outcomes = race(ordering(buyer), ordering(buyer))

        assert sorted(type(outcome) for outcome in outcomes if isinstance(outcome, Exception)) == [CartEmpty]
        assert Order.objects.count() == 1

    def test_without_the_lock_both_would_order(self, committed_db, race, monkeypatch):
        """The control: what the test above would see if the row were not locked."""
        buyer, item = make_account(), offer(make_account(side="seller"))
        services.put_line(item=item.public_id, quantity=1, actor=Actor.own(buyer), now=clock.now())
        monkeypatch.setattr(services, "_lock", lambda owners: None)
        monkeypatch.setattr(services, "_chosen", slowly(services._chosen))

        race(ordering(buyer), ordering(buyer))

        assert Order.objects.count() == 2

    def test_the_bound_holds_among_many_hands(self, committed_db, race):
        buyer, seller = make_account(), make_account(side="seller")
        items = [offer(seller).public_id for _ in range(6)]

        def putting(item: str) -> Callable[[], CartLine]:
            return lambda: services.put_line(item=item, quantity=1, actor=Actor.own(buyer), now=clock.now())

        with override_settings(CART_LINES_MAX=3):
            outcomes = race(*map(putting, items))

        assert [type(o) for o in outcomes if isinstance(o, Exception)] == [CartFull] * 3
        assert CartLine.objects.count() == 3

    def test_a_line_raised_meanwhile_is_ordered_as_it_was_or_not_taken_out(self, committed_db, race):
        buyer, item = make_account(), offer(make_account(side="seller"))
        actor = Actor.own(buyer)
        services.put_line(item=item.public_id, quantity=1, actor=actor, now=clock.now())

        race(
            ordering(buyer),
            lambda: services.put_line(item=item.public_id, quantity=5, actor=actor, now=clock.now()),
        )

        ordered = Order.objects.get().lines.get().quantity
        left = list(CartLine.objects.values_list("quantity", flat=True))
        assert (ordered, left) in [(1, [5]), (5, [])]


def slowly(find: Callable[..., Any]) -> Callable[..., Any]:
    """Look, and then wait so long that a twin looks as well."""

    def found(*arguments: Any) -> Any:
        seen = find(*arguments)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.3)")
        return seen

    return found


class TestTheDatabase:
    """The constraints stand behind the service."""

    def test_a_line_per_item_and_never_none_of_it(self, buyer, item):
        cart = Cart.objects.create(owner=buyer)
        fields = {"cart": cart, "item": item, "title": "Tea", "put_at": clock.now()}
        CartLine.objects.create(quantity=1, **fields)

        for quantity, constraint in ((1, "cart_line_once_per_item"), (0, "cart_line_positive")):
            with pytest.raises(Exception, match=constraint), transaction.atomic():
                CartLine.objects.create(quantity=quantity, **fields)


class TestAdding:
    """What a page's button does: so many more than there are."""

    def test_adds_to_what_is_there_and_no_more_than_a_line_may_have(self, api, buyer, item, settings):
        settings.CART_QUANTITY_MAX = 10
        for quantity in (2, 3, 9):
            services.add_to_line(item=item.public_id, quantity=quantity, actor=Actor.own(buyer), now=clock.now())
            assert held(api(buyer)) == [(item.public_id, {2: 2, 3: 5, 9: 10}[quantity])]

    def test_is_refused_where_putting_in_is(self, buyer, seller, settings):
        settings.CART_LINES_MAX = 0
        for offered, refusal in ((offer(seller, status="paused"), ItemNotOnSale), (offer(seller), CartFull)):
            with pytest.raises(refusal):
                services.add_to_line(item=offered.public_id, quantity=1, actor=Actor.own(buyer), now=clock.now())


class TestWhatItCostBefore:
    """A line remembers the price at which it was put in, until its quantity is set again."""

    def test_is_there_only_where_it_costs_something_else_now(self, api, buyer, item):
        put(api(buyer), item)
        assert CartLine.objects.get().price_before is None
        Item.objects.filter(pk=item.pk).update(price_minor=1100)
        assert CartLine.objects.get().price_before == Money(1000, "GBP")

        put(api(buyer), item, 2)

        assert CartLine.objects.get().price_before is None
