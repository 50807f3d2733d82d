"""
A store, its agents and the people who brought each other, over HTTP, to the cent.

A store opens by its coordinates. Three agents look after its areas; its seller and its buyer were each brought by
somebody, the buyer by a referral of a referral. It sells, gives a part back, loses an agent to another, and sells
again; what everybody has at the end is what the plan says of each sale as of its own moment.
"""

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from billing.services.catching_up import catch_up
from core.registry import book_checks
from tests.conftest import Api, make_account
from tests.distribution.areas import COUNTRY, SQUARES, load
from tests.distribution.money import DOCUMENT

PASSWORD = "quiet-river-stone"
SURVEY = {"title": "Survey of a mile", "kind": "service", "price": {"amount": 100_000, "currency": "GBP"}}
THOUSAND = {"amount": 100_000, "currency": "GBP"}
IN_WESTFORD = {"name": "Westford office", "latitude": 0.25, "longitude": 0.5}
RATES = [{"level": 2, "bps": 3000}, {"level": 1, "bps": 1500}, {"level": 0, "bps": 500}]

_keys = count(1)


class Person:
    """Somebody who registers, perhaps with another's code, and acts for itself."""

    def __init__(self, name: str, *, side: str = "buyer", brought_by: "Person | None" = None) -> None:
        code = {"referral_code": brought_by.code} if brought_by else {}
        body = {"username": name, "password": PASSWORD, "kind": "personal", "side": side, "name": name.title()}
        registered = Api(None).post("/accounts", body | code)
        assert registered.status_code == 201, registered.content
        self.id, self.code = registered.json()["id"], registered.json()["referral_code"]
        self.api = Api(None, Api(None).post("/sessions", {"username": name, "password": PASSWORD}).json()["token"])

    def post(self, path: str, body: Any, status: int = 201) -> Any:
        return ok(self.api.post(path, body, key=f"journey {next(_keys)}"), status)

    def pending(self) -> int:
        return sum(row["pending"] for row in ok(self.api.get("/wallet"))["balances"])

    def statement(self) -> list[tuple[str, str, int]]:
        rows = ok(self.api.get("/earnings"))["results"]
        return [(row["order"], row["role"], row["amount"]) for row in rows]


def ok(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return answer.json()


@pytest.mark.usefixtures("db")
class TestAStoreAndEverybodyBehindIt:
    """What each party has is what the plan says, before and after a refund and a new agent."""

    def test_is_shared_to_the_cent(self, tmp_path: Path) -> None:
        clerk, second = Api(make_account(operator=True)), Api(make_account(operator=True))
        load(tmp_path, COUNTRY, SQUARES)
        drafted = ok(clerk.post("/distribution/plans", DOCUMENT | {"agents": RATES}), 201)
        ok(second.post(f"/distribution/plans/{drafted['id']}/activate", {}))
        grandmother = Person("grandmother")
        mother = Person("mother", brought_by=grandmother)
        buyer = Person("buyer", brought_by=mother)
        merchants_friend = Person("friend")
        seller = Person("seller", side="seller", brought_by=merchants_friend)
        agents = {code: Person(f"agent-{code.lower()}") for code in ("11", "1", "XX")}
        seats = {
            code: ok(clerk.post("/agents", {"account": agent.id, "area": f"XX:{code}"}), 201)
            for code, agent in agents.items()
        }
        store = seller.post("/stores", IN_WESTFORD)
        catch_up()
        placed = ok(Api(None).get(f"/stores/{store['id']}"))["placement"]
        assert (placed["area"]["code"] if isinstance(placed["area"], dict) else placed["area"], placed["evidence"]) in (
            ("XX:11", "polygon"),
            ("11", "polygon"),
        )
        chain = ok(clerk.get("/distribution/chains", {"store": store["id"], "account": buyer.id}))
        assert [(link["tier"], link["account"]["id"]) for link in chain["agents"]] == [
            (2, agents["11"].id), (1, agents["1"].id), (0, agents["XX"].id),
        ]  # fmt: skip
        assert [link["account"]["id"] for link in chain["referrers"]] == [mother.id, grandmother.id]
        buyer.post("/wallet/top-ups", {"amount": 300_000, "currency": "GBP"})
        item = seller.post("/items", {**SURVEY, "store": store["id"]})["id"]
        catch_up()

        first = self.sell(buyer, item)
        seller.post(f"/orders/{first}/refunds", {"amount": 50_000, "reason": "Half a mile."})
        catch_up()
        catch_up()
        next_agent = Person("agent-11-next")
        ok(clerk.post(f"/agents/{seats['11']['id']}/replace", {"account": next_agent.id}), 201)
        item_later = self.sell(buyer, item)

        # The first sale's fee of 50.00 gave a pool of 25.00, half of which is left; the second gave it whole.
        # Who is cut last has what the others' cents leave.
        assert agents["11"].statement() == [(first, "agent", 375)]
        assert next_agent.statement() == [(item_later, "agent", 750)]
        assert (agents["1"].pending(), agents["XX"].pending()) == (188 + 375, 63 + 125)
        assert (mother.pending(), grandmother.pending()) == (250 + 500, 125 + 250)
        assert (merchants_friend.pending(), buyer.pending()) == (62 + 125, 124 + 250)
        for order in (first, item_later):
            money = ok(clerk.get(f"/orders/{order}/money"))
            assert (money["balanced"], money["booked"]) == (True, True)
            assert sum(share["amount"] for share in money["shares"]) + money["refunded"] == money["paid"]
        assert [finding for check in book_checks() for finding in check.run()] == []

    def sell(self, buyer: Person, item: str) -> str:
        order = buyer.post("/orders", {"lines": [{"item": item, "quantity": 1}]})["orders"][0]["id"]
        buyer.post(f"/orders/{order}/pay", THOUSAND, 200)
        catch_up()
        catch_up()
        return order
