"""Paying from a wallet that the session's login does not own: within the link's cap, counted exactly."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import QuerySet

from accounts import services as accounts
from accounts.actor import Actor
from accounts.models import Account, Behaviour, LinkSpending
from core import clock
from core.money import Money
from orders import services
from orders.models import Order
from tests.accounts.test_linking import link
from tests.conftest import make_account
from tests.money_facts import book
from tests.shop import fund, offer, place
from tests.wallets.shop import wallet_of

TEN = {"amount": 1000, "currency": "GBP"}


def cap(minor: int, currency: str = "GBP") -> dict[str, Any]:
    return {"amount": minor, "currency": currency}


@pytest.fixture
def lab(new_account: Callable[..., Account]) -> Account:
    """An enterprise that buys, with 1,000.00 GBP."""
    account = new_account(kind="enterprise", side="buyer")
    fund(account, 100_000)
    return account


def pay(caller: Any, order: Order, body: dict[str, Any], key: str, **headers: str) -> Any:
    return caller.post(f"/orders/{order.public_id}/pay", body, key=key, **headers)


class TestWhoseLoginPays:
    """Three ways to reach somebody else's wallet, and one cap that counts them all."""

    def test_only_the_owners_own_login_without_a_cap(self, api, buyer, lab, seller):
        link(lab, buyer)
        item = offer(seller)
        person, own = api(buyer), api(lab)
        order = place(lab, item).orders[0]

        as_lab = pay(person, order, TEN, "k1", acting_account=lab.public_id)
        named = pay(person, place(buyer, item).orders[0], TEN | {"wallet": lab.public_id}, "k2")
        person.token = person.post("/session/switch", {"account": lab.public_id}).json()["token"]
        switched = pay(person, order, TEN, "k3")

        for refused in (as_lab, named, switched):
            assert (refused.status_code, refused.json()["code"]) == (409, "spending_cap_exceeded")
        assert pay(own, order, TEN, "k4").status_code == 200

    def test_the_cap_counts_every_way(self, api, buyer, lab, seller):
        link(lab, buyer, spending_cap=cap(3000))
        item, person = offer(seller), api(buyer)
        orders = [place(lab, item).orders[0] for _ in range(3)]

        assert pay(person, orders[0], TEN, "k1", acting_account=lab.public_id).status_code == 200
        named = pay(person, place(buyer, item).orders[0], TEN | {"wallet": lab.public_id}, "k2")
        assert (named.status_code, named.json()["payer"]["id"]) == (200, lab.public_id)
        assert named.json()["buyer"]["id"] == buyer.public_id
        person.token = person.post("/session/switch", {"account": lab.public_id}).json()["token"]
        assert pay(person, orders[1], TEN, "k3").status_code == 200

        assert pay(person, orders[2], TEN, "k4").json()["code"] == "spending_cap_exceeded"
        assert LinkSpending.objects.get().spent_minor == 3000  # What was refused is not counted.

    def test_wallet_needs_only_the_cap(self, api, buyer, lab, seller):
        link(lab, buyer, switch="none", spending_cap="unlimited")
        order = place(buyer, offer(seller)).orders[0]

        assert pay(api(buyer), order, TEN | {"wallet": lab.public_id}, "k").status_code == 200

    def test_in_other_currencies_nothing_may_be_paid(self, api, buyer, lab, seller):
        link(lab, buyer, spending_cap=cap(10_000, "EUR"))
        order = place(buyer, offer(seller)).orders[0]

        answer = pay(api(buyer), order, TEN | {"wallet": lab.public_id}, "k")
        assert answer.json()["code"] == "spending_cap_exceeded"

    def test_a_session_pays_from_its_own_logins_wallet_whoever_it_acts_as(self, api, rich, lab, seller):
        link(lab, rich)
        order = place(lab, offer(seller)).orders[0]

        answer = pay(api(rich), order, TEN | {"wallet": rich.public_id}, "k", acting_account=lab.public_id)

        assert (answer.status_code, answer.json()["payer"]["id"]) == (200, rich.public_id)
        assert not LinkSpending.objects.exists()

    def test_each_side_has_a_count_of_its_own(self, api, rich, lab, seller):
        link(lab, rich, spending_cap=cap(1000))
        item = offer(seller)

        there = pay(api(rich), place(rich, item).orders[0], TEN | {"wallet": lab.public_id}, "k1")
        back = pay(api(lab), place(lab, item).orders[0], TEN | {"wallet": rich.public_id}, "k2")

        assert (there.status_code, back.status_code) == (200, 200)

    def test_nothing_after_the_link_has_ended(self, api, buyer, lab, seller):
        made = link(lab, buyer, spending_cap="unlimited")
        order = place(buyer, offer(seller)).orders[0]
        accounts.end_link(link=made.public_id, actor=Actor.own(lab), now=clock.now())

        answer = pay(api(buyer), order, TEN | {"wallet": lab.public_id}, "k")
        assert (answer.status_code, answer.json()["code"]) == (404, "account_not_linked")

    def test_nothing_from_the_wallet_of_an_account_that_an_operator_has_shut_out(self, api, buyer, lab, seller):
        link(lab, buyer, spending_cap="unlimited")
        order = place(buyer, offer(seller)).orders[0]
        accounts.deactivate_account(account=lab)

        for extra in ({}, {"provider": "local"}):
            answer = pay(api(buyer), order, TEN | {"wallet": lab.public_id} | extra, f"k{extra}")
            assert (answer.status_code, answer.json()["code"]) == (404, "account_not_linked")

    def test_the_rows_say_who_really_paid(self, api, buyer, lab, seller):
        made = link(lab, buyer, spending_cap="unlimited")
        order = place(lab, offer(seller)).orders[0]
        pay(api(buyer), order, TEN, "k", acting_account=lab.public_id)

        order.refresh_from_db()
        assert (order.payer, order.paid_by, order.paid_through) == (lab, buyer, made)

    def test_paying_through_a_link_takes_at_most_12_statements(self, api, buyer, lab, seller, statements):
        link(lab, buyer, spending_cap="unlimited")
        caller, order = api(buyer), place(buyer, offer(seller)).orders[0]

        with statements() as seen:
            assert pay(caller, order, TEN | {"wallet": lab.public_id}, "k").status_code == 200

        assert len(seen) <= 13, str(seen)


class TestGivingBack:
    """Refunds go to whoever paid, and give the cap back."""

    def test_a_refund_gives_it_back(self, api, buyer, lab, seller):
        link(lab, buyer, spending_cap=cap(1000))
        item, person = offer(seller), api(buyer)
        order = place(buyer, item).orders[0]
        pay(person, order, TEN | {"wallet": lab.public_id}, "k1")
        second = place(buyer, item).orders[0]
        assert pay(person, second, TEN | {"wallet": lab.public_id}, "k2").status_code == 409

        api(seller).post(f"/orders/{order.public_id}/refunds", {"amount": 400, "reason": "late"}, key="r")
        assert LinkSpending.objects.get().spent_minor == 600
        api(seller).post(f"/orders/{order.public_id}/cancel", {}, key="c")
        assert LinkSpending.objects.get().spent_minor == 0

        assert pay(person, second, TEN | {"wallet": lab.public_id}, "k3").status_code == 200
        book()
        assert wallet_of(lab).posted_minor == 100_000 - 1000

    def test_also_after_the_link_has_ended(self, api, buyer, lab, seller):
        made = link(lab, buyer, spending_cap=cap(1000))
        order = place(buyer, offer(seller)).orders[0]
        pay(api(buyer), order, TEN | {"wallet": lab.public_id}, "k1")
        accounts.end_link(link=made.public_id, actor=Actor.own(lab), now=clock.now())

        api(seller).post(f"/orders/{order.public_id}/cancel", {}, key="c")

        assert LinkSpending.objects.get().spent_minor == 0


class TestAtTheSameMoment:
    """Payments of one cap at the same moment cannot pass it together."""

    def spend_together(self, race: Any) -> list[Any]:
        person, lab, seller = make_account(), make_account(kind="enterprise"), make_account(side="seller")
        fund(lab, 100_000)
        book()
        link(lab, person, spending_cap=cap(2000))
        item = offer(seller)
        orders = [place(person, item).orders[0] for _ in range(6)]

        def spend(order: Order) -> Callable[[], Any]:
            return lambda: services.pay_order(
                order=order.public_id,
                amount=Money(order.total_minor, order.currency),
                payer=lab,
                actor=Actor.own(person),
                now=clock.now(),
            )

        return race(*map(spend, orders))

    def test_the_cap_holds(self, committed_db, race):
        outcomes = self.spend_together(race)

        assert sum(isinstance(outcome, Order) for outcome in outcomes) == 2
        assert LinkSpending.objects.get().spent_minor == 2000

    def test_control_a_count_that_is_read_and_written_back_lets_too_many_through(self, committed_db, race, monkeypatch):
        monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_: self.all())

        def read_then_write(found: Any, owner: Account, amount: Any) -> Any:
            row = LinkSpending.objects.filter(link=found, owner=owner, currency=amount.currency).first()
            spent = (row.spent_minor if row else 0) + amount.minor
            LinkSpending.objects.update_or_create(
                link=found, owner=owner, currency=amount.currency, defaults={"spent_minor": spent}
            )
            return Money(spent, amount.currency)

        monkeypatch.setattr("accounts.services.spending._count", read_then_write)

        outcomes = self.spend_together(race)

        assert sum(isinstance(outcome, Order) for outcome in outcomes) > 2


class TestWhatIsRecorded:
    """Orders, publishing, browsing and searching; for the acting account, and for linked ones by the terms."""

    def test_each_storage_shows_what_its_terms_say(self, api, buyer, seller, new_account):
        lab = new_account(kind="enterprise", side="seller")
        made = link(lab, buyer, direction="to_inviter", mirror=["order.placed", "search.performed"])
        item, person = offer(seller), api(buyer)
        person.get("/items", {"search": "tea"})
        person.get(f"/items/{item.public_id}")
        order = person.post("/orders", {"lines": [{"item": item.public_id, "quantity": 1}]}, key="k").json()
        api(lab).post("/items", {"title": "Assay", "price": TEN, "kind": "service"})

        own = api(buyer).get("/behaviours", {"origin": "own"}).json()["results"]
        seen_by_lab = api(lab).get("/behaviours").json()["results"]

        assert [row["kind"] for row in own] == ["order.placed", "item.viewed", "search.performed", "account.linked"]
        assert own[0]["object"] == order["orders"][0]["id"]
        assert own[2]["data"] == {"search": "tea"}
        assert [(row["kind"], row["origin"]) for row in seen_by_lab] == [
            ("item.published", "own"),
            ("order.placed", "linked"),
            ("search.performed", "linked"),
            ("account.linked", "own"),
        ]
        assert seen_by_lab[1]["link"] == made.public_id
        assert seen_by_lab[1]["login_account"]["id"] == buyer.public_id
        assert api(buyer).get("/behaviours", {"origin": "linked"}).json()["results"] == []

    def test_filters(self, api, buyer, seller):
        item = offer(seller)
        api(buyer).get(f"/items/{item.public_id}")
        later = (clock.now()).isoformat().replace("+00:00", "Z")
        api(buyer).get(f"/items/{item.public_id}")

        assert len(api(buyer).get("/behaviours", {"kind": "item.viewed"}).json()["results"]) == 2
        assert len(api(buyer).get("/behaviours", {"since": later}).json()["results"]) == 1
        assert api(buyer).get("/behaviours", {"kind": "order.eaten"}).status_code == 422

    def test_the_real_actor_stands_on_every_row(self, api, buyer, lab, seller):
        link(lab, buyer)
        item = offer(seller)

        api(buyer).get(f"/items/{item.public_id}", acting_account=lab.public_id)

        (row,) = Behaviour.objects.filter(kind="item.viewed", account=lab)
        assert (row.login_account, row.acting_account) == (buyer, lab)

    def test_strangers_and_visitors_leave_nothing(self, api, seller):
        api().get(f"/items/{offer(seller).public_id}")
        api().get("/items", {"search": "tea"})

        assert not Behaviour.objects.exclude(kind="item.published").exists()

    def test_looking_costs_one_insert_more(self, api, buyer, seller, new_account, statements):
        for _ in range(3):
            link(buyer, new_account())
        path = f"/items/{offer(seller).public_id}"

        caller = api(buyer)
        with statements() as seen:
            caller.get(path)

        written = [
            query["sql"]
            for query in seen.captured_queries
            if "INSERT" in query["sql"] or "EXECUTE record" in query["sql"]
        ]
        assert len(written) == 1, str(seen)
        assert len(seen) <= 4, str(seen)  # Who it is, the item, the time, and one insert for all four storages.
