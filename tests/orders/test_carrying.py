"""A cart carried over at a switch: found as a person, ordered and paid as the enterprise."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts import services as accounts
from accounts import sessions
from accounts.actor import Actor
from accounts.errors import SessionEnded
from accounts.models import Account, Session
from accounts.services import switching
from core import clock
from core.errors import Refusal
from orders.cart import services
from orders.cart.models import Cart, CartLine
from tests.accounts.test_linking import link
from tests.accounts.test_switching import SWITCH, SWITCH_STATEMENTS_MAX
from tests.conftest import PASSWORD, make_account
from tests.money_facts import book
from tests.orders.test_cart import held, put
from tests.shop import fund, offer

STATEMENTS_OF_CARRYING_MAX = 6


@pytest.fixture
def lab(new_account: Callable[..., Account]) -> Account:
    """An enterprise that buys, with 1,000.00 GBP."""
    account = new_account(kind="enterprise", side="buyer")
    fund(account, 100_000)
    return account


def switch(caller: Any, to: Account, **body: Any) -> Any:
    answer = caller.post(SWITCH, {"account": to.public_id, **body})
    if answer.status_code == 200:
        caller.token = answer.json()["token"]
    return answer


class TestCarryingOver:
    """POST /session/switch {carry_cart}"""

    def test_found_as_a_person_ordered_and_paid_as_the_enterprise(self, api, buyer, lab, seller):
        link(lab, buyer, spending_cap={"amount": 5000, "currency": "GBP"})
        person, tea, cup = api(buyer), offer(seller), offer(seller, title="Cup", price_minor=250)
        put(person, tea, 2)
        put(person, cup, 4)

        switched = switch(person, lab, carry_cart=True)
        assert switched.json()["carried"] == [
            {"item": tea.public_id, "quantity": 2},
            {"item": cup.public_id, "quantity": 4},
        ]
        checkout = person.post("/cart/order", {}, key="order").json()
        amount = {"amount": checkout["payable"], "currency": "GBP"}
        paid = person.post(f"/checkouts/{checkout['id']}/pay", amount, key="pay")
        book()

        assert (paid.status_code, paid.json()["status"], paid.json()["total"]) == (200, "paid", 3000)
        (order,) = paid.json()["orders"]
        assert order["buyer"]["id"] == order["payer"]["id"] == lab.public_id
        assert held(person) == held(api(buyer)) == []
        assert api(lab).get("/wallet").json()["balances"][0]["posted"] == 97_000

    def test_without_a_cap_only_the_owners_own_login_pays(self, api, buyer, lab, item):
        link(lab, buyer)
        person = api(buyer)
        put(person, item)
        switch(person, lab, carry_cart=True)
        order = person.post("/cart/order", {}, key="order").json()["orders"][0]
        pay = (f"/orders/{order['id']}/pay", {"amount": 1000, "currency": "GBP"})

        assert person.post(*pay, key="pay").json()["code"] == "spending_cap_exceeded"
        assert api(lab).post(*pay, key="pay").status_code == 200

    def test_what_both_hold_is_added_up(self, api, buyer, lab, seller):
        link(lab, buyer)
        tea, cup, pot = offer(seller), offer(seller), offer(seller)
        for account, item, quantity in ((lab, tea, 1), (lab, pot, 1), (buyer, tea, 2), (buyer, cup, 3)):
            put(api(account), item, quantity)

        person = api(buyer)
        switched = switch(person, lab, carry_cart=True)

        assert [line["quantity"] for line in switched.json()["carried"]] == [2, 3]
        assert sorted(held(person)) == sorted([(tea.public_id, 3), (pot.public_id, 1), (cup.public_id, 3)])
        assert held(api(buyer)) == []

    def test_only_where_it_is_asked_for(self, api, buyer, lab, item):
        link(lab, buyer)
        for body in ({}, {"carry_cart": False}):
            person = api(buyer)
            put(person, item)
            assert "carried" not in switch(person, lab, **body).json()
            assert held(person) == []
            assert held(api(buyer)) == [(item.public_id, 1)]

    def test_there_and_back_and_again_moves_each_line_once(self, api, buyer, lab, item):
        link(lab, buyer)
        person = api(buyer)
        put(person, item)

        moved = [len(switch(person, to, carry_cart=True).json()["carried"]) for to in (lab, lab, buyer, buyer, lab)]

        assert moved == [1, 0, 1, 0, 1]
        assert held(person) == [(item.public_id, 1)]

    def test_from_whom_one_call_acts_as(self, api, buyer, lab, new_account, item):
        branch = new_account(kind="enterprise")
        link(buyer, lab)
        link(buyer, branch)
        put(api(lab), item)

        answer = api(buyer).post(
            SWITCH, {"account": branch.public_id, "carry_cart": True}, acting_account=lab.public_id
        )

        assert answer.json()["carried"] == [{"item": item.public_id, "quantity": 1}]
        assert held(api(branch)) == [(item.public_id, 1)]

    def test_in_a_browser_too(self, api, buyer, lab, item, browser):
        link(lab, buyer)
        put(api(buyer), item)
        client: Client = browser(buyer)

        body = {"account": lab.public_id, "carry_cart": True}
        answer = client.post(f"/api/v1{SWITCH}", body, content_type="application/json")

        assert answer.json()["carried"] == [{"item": item.public_id, "quantity": 1}]
        assert [line["item"] for line in client.get("/api/v1/cart").json()["lines"]] == [item.public_id]

    @pytest.mark.parametrize("is_browser", [False, True])
    def test_what_does_not_fit_keeps_everything_as_it_was(self, api, buyer, lab, seller, settings, browser, is_browser):
        link(lab, buyer)
        mine, theirs = offer(seller), offer(seller)
        person = browser(buyer) if is_browser else api(buyer)
        put(api(buyer), mine)
        put(api(lab), theirs, settings.CART_QUANTITY_MAX)
        put(api(buyer), theirs)
        path, body = f"{'/api/v1' * is_browser}{SWITCH}", {"account": lab.public_id, "carry_cart": True}

        too_many = person.post(path, body, content_type="application/json")
        settings.CART_LINES_MAX, settings.CART_QUANTITY_MAX = 1, settings.CART_QUANTITY_MAX * 2
        too_long = person.post(path, body, content_type="application/json")

        for refused in (too_many, too_long):
            assert (refused.status_code, refused.json()["code"]) == (409, "not_carried")
            assert refused.json()["reason"] == "cart_full"
        assert person.get(path.replace(SWITCH, "/account")).json()["id"] == buyer.public_id
        assert held(api(buyer)) == [(mine.public_id, 1), (theirs.public_id, 1)]

    def test_a_seller_has_no_cart_to_carry_to(self, api, buyer, seller, item):
        link(buyer, seller)
        person = api(buyer)
        put(person, item)

        refused = switch(person, seller, carry_cart=True)

        assert (refused.status_code, refused.json()["code"]) == (409, "not_carried")
        assert refused.json()["reason"] == "not_a_buyer"
        assert held(person) == [(item.public_id, 1)]
        assert switch(person, seller).status_code == 200
        assert switch(person, buyer, carry_cart=True).json()["carried"] == []

    @pytest.mark.parametrize(
        ("terms", "code"), [({"switch": "none"}, "switch_not_allowed"), (None, "account_not_linked")]
    )
    def test_only_where_the_switch_is_allowed(self, api, buyer, lab, item, terms, code):
        if terms:
            link(lab, buyer, **terms)
        put(api(buyer), item)

        assert switch(api(buyer), lab, carry_cart=True).json()["code"] == code
        assert held(api(buyer)) == [(item.public_id, 1)]

    def test_costs_a_few_statements_more_and_none_where_nothing_is_asked_for(self, api, buyer, lab, seller, statements):
        link(lab, buyer)
        person, shared = api(buyer), offer(seller)
        put(api(lab), shared)
        for item in (shared, offer(seller), offer(seller)):
            put(person, item)

        other = api(buyer)

        with statements() as bare:
            switch(other, lab)
        with statements() as carrying:
            switch(person, lab, carry_cart=True)

        assert len(bare) <= SWITCH_STATEMENTS_MAX, str(bare)
        assert len(carrying) - len(bare) <= STATEMENTS_OF_CARRYING_MAX, str(carrying)


def actor_in(opened: sessions.Opened) -> Actor:
    return sessions.actor_of(
        Session.objects.select_related("login_account", "acting_account").get(pk=opened.session.pk)
    )


def switching_to(account: Account, actor: Actor) -> Callable[[], Any]:
    return lambda: accounts.switch_session(to=account.public_id, actor=actor, carry="cart", now=clock.now())


def quantities() -> dict[str, int]:
    """How many of the only item are in whose cart."""
    return dict(CartLine.objects.values_list("cart__owner__public_id", "quantity"))


class TestAtTheSameMoment:
    """However often, and with whatever else, every unit is in one cart or in one order."""

    def world(self) -> tuple[Account, Account, Any]:
        person, enterprise = make_account(), make_account(kind="enterprise")
        item = offer(make_account(side="seller"))
        link(enterprise, person)
        services.put_line(item=item.public_id, quantity=2, actor=Actor.own(person), now=clock.now())
        return person, enterprise, item

    def test_the_same_switch_twice_carries_once(self, committed_db, race):
        person, enterprise, _item = self.world()
        actor = actor_in(sessions.open_session(account=person))

        outcomes = race(switching_to(enterprise, actor), switching_to(enterprise, actor))

        assert sum(isinstance(outcome, SessionEnded) for outcome in outcomes) == 1
        assert quantities() == {enterprise.public_id: 2}

    def test_two_sessions_of_one_account_carry_once(self, committed_db, race):
        person, enterprise, _item = self.world()
        actors = [actor_in(sessions.open_session(account=person)) for _ in range(2)]

        outcomes = race(*(switching_to(enterprise, actor) for actor in actors))

        assert sorted(len(outcome.carried) for outcome in outcomes) == [0, 1]
        assert quantities() == {enterprise.public_id: 2}

    def test_without_the_locks_both_would_say_that_they_moved_it(self, committed_db, race, monkeypatch):
        """The control: both look before one of them has moved the line."""
        person, enterprise, _item = self.world()
        Cart.objects.create(owner=enterprise)
        have_looked = threading.Barrier(2)
        monkeypatch.setattr(services, "_lock", lambda owners: None)
        monkeypatch.setattr(services, "_refuse_too_much", lambda held, moving: have_looked.wait(timeout=10))

        outcomes = race(*[lambda: services.carry_cart(person, enterprise)] * 2)

        assert [len(carried) for carried in outcomes] == [1, 1]

    def test_there_and_back_at_once_loses_nothing(self, committed_db, race):
        person, enterprise, item = self.world()
        services.put_line(item=item.public_id, quantity=5, actor=Actor.own(enterprise), now=clock.now())
        there = actor_in(sessions.open_session(account=person))
        back = actor_in(sessions.open_session(account=enterprise))

        outcomes = race(switching_to(enterprise, there), switching_to(person, back))

        assert not any(isinstance(outcome, Exception) for outcome in outcomes), outcomes
        assert sum(quantities().values()) == 7
        assert len(quantities()) == 1

    def test_an_order_at_the_same_moment_has_it_or_the_other_cart_has(self, committed_db, race):
        person, enterprise, _item = self.world()
        actor = actor_in(sessions.open_session(account=person))

        ordered, switched = race(
            lambda: services.place_cart(actor=Actor.own(person), now=clock.now()), switching_to(enterprise, actor)
        )

        assert isinstance(ordered, Exception) == (quantities() == {enterprise.public_id: 2})
        assert len(switched.carried) == (1 if isinstance(ordered, Exception) else 0)

    @pytest.mark.parametrize("_round", range(3))
    def test_an_account_that_is_erased_keeps_no_cart(self, committed_db, race, _round):
        person, enterprise, item = self.world()
        services.put_line(item=item.public_id, quantity=1, actor=Actor.own(enterprise), now=clock.now())
        CartLine.objects.filter(cart=enterprise.pk).delete()
        actor, own = (actor_in(sessions.open_session(account=one)) for one in (person, enterprise))

        outcomes = race(
            switching_to(enterprise, actor),
            lambda: accounts.close_account(password=PASSWORD, erase=True, address="", actor=own, now=clock.now()),
            lambda: services.put_line(item=item.public_id, quantity=9, actor=own, now=clock.now()),
        )

        assert enterprise.public_id not in quantities()
        failed = [one for one in outcomes if isinstance(one, Exception) and not isinstance(one, Refusal)]
        assert not failed, failed  # No deadlock: all of them take their locks in one order.


class TestDyingInTheMiddle:
    """A switch is one transaction with what it carries."""

    def test_nothing_has_happened(self, buyer, lab, item, api, monkeypatch):
        link(lab, buyer)
        person = api(buyer)
        put(person, item)

        def die(*_arguments: Any) -> None:
            services.carry_cart(buyer, lab)
            raise KeyboardInterrupt

        monkeypatch.setattr(switching.lifecycle, "carry", die)
        with pytest.raises(KeyboardInterrupt):
            switch(person, lab, carry_cart=True)

        assert person.get("/account").json()["id"] == buyer.public_id
        assert held(person) == [(item.public_id, 1)]
