"""
One person, several accounts, over HTTP: a laboratory that sells tests, its account for buying, its owner in private.

The laboratory links both, acts as its buyer, buys from another laboratory within what the terms let it spend, and
each storage shows what its terms say; what is ended is over at the next request.
"""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest

from accounts.models import LinkSpending
from tests.conftest import Api
from tests.money_facts import book

PASSWORD = "quiet-river-stone"
ASSAY = {"title": "Assay of gold", "kind": "service", "price": {"amount": 4000, "currency": "GBP"}}
FORTY = {"amount": 4000, "currency": "GBP"}
HUNDRED_AND_NO_MORE = {"amount": 10_000, "currency": "GBP"}

_keys = count(1)


def log_in(username: str) -> Api:
    return Api(None, Api(None).post("/sessions", {"username": username, "password": PASSWORD}).json()["token"])


@dataclass
class Person:
    """Whoever holds the newest token of one log-in."""

    username: str
    kind: str
    side: str
    api: Api = field(init=False)

    def __post_init__(self) -> None:
        registering = {"username": self.username, "password": PASSWORD, "kind": self.kind, "side": self.side}
        registered = Api(None).post("/accounts", registering | {"name": self.username.title()})
        assert registered.status_code == 201, registered.content
        self.id = registered.json()["id"]
        self.api = log_in(self.username)

    def post(self, path: str, body: Any, status: int = 201) -> Any:
        answer = self.api.post(path, body, key=f"{self.username} {next(_keys)}")
        assert answer.status_code == status, answer.content
        return answer.json()

    def get(self, path: str, query: Any = None) -> Any:
        answer = self.api.get(path, query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def link(self, invitee: "Person", **terms: Any) -> str:
        """Make a code, have it looked at, and given back by the other's own log-in; return the link."""
        (code,) = self.post("/link-invitations", {"terms": terms})["codes"]
        assert invitee.post("/links/preview", {"code": code}, 200)["inviter"]["id"] == self.id
        return invitee.post("/links", {"code": code})["id"]

    def switch(self, to: "Person") -> str:
        """Act as another account, under a new token; return the old one."""
        old = self.api.token
        switched = self.post("/session/switch", {"account": to.id}, 200)
        assert switched["session"]["acting_account"]["id"] == to.id
        self.api.token = switched["token"]
        return old

    def stored(self, **query: str) -> list[tuple[str, str, str, str]]:
        """What is in the acting account's storage, oldest first: kind, who logged in, as whom, whence."""
        rows = self.get("/behaviours", query)["results"]
        return [
            (row["kind"], row["login_account"]["id"], row["acting_account"]["id"], row["origin"])
            for row in reversed(rows)
        ]


@dataclass
class Cast:
    """Everybody in the story, linked as the story has it."""

    laboratory: Person
    purchasing: Person
    owner: Person
    other: Person
    item: str
    to_purchasing: str
    to_owner: str


@pytest.fixture
def cast(db: None) -> Cast:
    """The laboratory has linked its buyer (mirroring all, with a cap) and its owner (orders, to itself; no cap)."""
    laboratory = Person("assay-house", "enterprise", "seller")
    purchasing = Person("assay-house-purchasing", "enterprise", "buyer")
    owner = Person("anna", "personal", "buyer")
    other = Person("far-laboratory", "enterprise", "seller")
    item = other.post("/items", ASSAY)["id"]
    for buyer in (purchasing, owner):
        buyer.post("/wallet/top-ups", {"amount": 50_000, "currency": "GBP"})
    book()
    return Cast(
        laboratory,
        purchasing,
        owner,
        other,
        item,
        to_purchasing=laboratory.link(purchasing, spending_cap=HUNDRED_AND_NO_MORE),
        to_owner=laboratory.link(owner, mirror=["order.placed"], direction="to_inviter"),
    )


def place(person: Person, item: str) -> str:
    (order,) = person.post("/orders", {"lines": [{"item": item, "quantity": 1}]})["orders"]
    return order["id"]


class TestTheLaboratory:
    """The story from the first code to the last record."""

    def test_buys_as_its_buyer_within_the_cap(self, cast: Cast) -> None:
        laboratory, purchasing = cast.laboratory, cast.purchasing
        laboratory.post("/orders", {"lines": [{"item": cast.item, "quantity": 1}]}, 403)  # A seller buys nothing.
        old = laboratory.switch(purchasing)
        assert Api(None, old).get("/account").status_code == 401, "The old token is dead at once."

        for _ in range(2):
            order = place(laboratory, cast.item)
            paid = laboratory.post(f"/orders/{order}/pay", FORTY, 200)
            assert (paid["status"], paid["buyer"]["id"], paid["payer"]["id"]) == ("paid", purchasing.id, purchasing.id)
        third = place(laboratory, cast.item)

        refused = laboratory.post(f"/orders/{third}/pay", FORTY, 409)
        assert refused["code"] == "spending_cap_exceeded"
        assert LinkSpending.objects.get().spent_minor == 8000, "What was refused is not counted."
        assert purchasing.post(f"/orders/{third}/pay", FORTY, 200)["status"] == "paid", "Its own log-in needs no cap."

    def test_is_refused_where_the_terms_have_no_cap(self, cast: Cast) -> None:
        laboratory, owner = cast.laboratory, cast.owner
        laboratory.switch(owner)
        order = place(laboratory, cast.item)

        assert laboratory.post(f"/orders/{order}/pay", FORTY, 409)["code"] == "spending_cap_exceeded"

        assert owner.get("/wallet")["balances"][0]["available"] == 50_000
        assert owner.post(f"/orders/{order}/pay", FORTY, 200)["status"] == "paid"

    def test_each_storage_shows_what_its_terms_say(self, cast: Cast) -> None:
        laboratory, purchasing, owner, other = cast.laboratory, cast.purchasing, cast.owner, cast.other
        lab, buyer, anna = laboratory.id, purchasing.id, owner.id
        laboratory.switch(purchasing)
        laboratory.get("/items", {"search": "gold"})
        laboratory.get(f"/items/{cast.item}")
        place(laboratory, cast.item)
        owner.get(f"/items/{cast.item}")
        order = place(owner, cast.item)
        laboratory.switch(laboratory)

        # The buyer's: its own acts, whoever did them, and all of the laboratory's.
        linked = [("account.linked", buyer, buyer, "own"), ("account.linked", buyer, lab, "linked")]
        acted = [
            ("session.switched", lab, buyer, "own"),
            ("search.performed", lab, buyer, "own"),
            ("item.viewed", lab, buyer, "own"),
            ("order.placed", lab, buyer, "own"),
        ]
        back = ("session.switched", lab, lab, "linked")
        anna_joined = ("account.linked", anna, lab, "linked")
        assert sorted(purchasing.stored()) == sorted([*linked, anna_joined, *acted, back])

        # The laboratory's: all of the buyer's, and of the owner's only the order.
        mirrored = [(kind, login, acting, "linked") for kind, login, acting, _origin in acted]
        own = [("account.linked", buyer, lab, "own"), ("account.linked", anna, lab, "own")]
        of_anna = ("order.placed", anna, anna, "linked")
        assert sorted(laboratory.stored()) == sorted(
            [
                *own,
                ("account.linked", buyer, buyer, "linked"),
                *mirrored,
                of_anna,
                ("session.switched", lab, lab, "own"),
            ]
        )
        (seen,) = laboratory.get("/behaviours", {"kind": "order.placed", "origin": "linked"})["results"][:1]
        assert (seen["object"], seen["link"]) == (order, cast.to_owner)

        # The owner's: nothing of anybody else's. And who sold to them all sees only its own.
        assert sorted(owner.stored()) == sorted(
            [("account.linked", anna, anna, "own"), ("item.viewed", anna, anna, "own"), (*of_anna[:3], "own")]
        )
        assert other.stored() == [("item.published", other.id, other.id, "own")]

    def test_what_is_ended_is_over_at_the_next_request(self, cast: Cast) -> None:
        laboratory, purchasing = cast.laboratory, cast.purchasing
        laboratory.switch(purchasing)
        order = place(laboratory, cast.item)

        assert purchasing.api.delete(f"/links/{cast.to_purchasing}").status_code == 204

        refused = laboratory.api.post(f"/orders/{order}/pay", FORTY, key="too late")
        assert (refused.status_code, refused.json()["code"]) == (401, "session_ended")
        again = log_in(laboratory.username)
        gone = again.get("/account", acting_account=purchasing.id)
        assert (gone.status_code, gone.json()["code"]) == (404, "account_not_linked")
        assert again.get("/account", acting_account=cast.owner.id).status_code == 200, "The other link lives on."

    def test_what_was_mirrored_is_its_storages_owners_to_remove(self, cast: Cast) -> None:
        laboratory, purchasing = cast.laboratory, cast.purchasing
        purchasing.get(f"/items/{cast.item}")
        place(cast.owner, cast.item)
        path = f"/links/{cast.to_purchasing}/mirrored"
        assert laboratory.api.delete(path).status_code == 404, "As long as it lives, the link's terms say what is kept."
        laboratory.api.delete(f"/links/{cast.to_purchasing}")
        before = purchasing.stored()

        assert laboratory.api.delete(path).status_code == 204

        left = laboratory.stored(origin="linked")
        assert [kind for kind, *_ in left] == ["order.placed"], "What came through the other link stays."
        assert ("account.linked", purchasing.id, laboratory.id, "own") in laboratory.stored()
        assert purchasing.stored() == before, "The other side's storage is the other side's."
