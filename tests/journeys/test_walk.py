"""One customer's whole way over HTTP, through a running house: web, workers, beat, and the book behind them."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.house import Answer, House, wait_for

PASSWORD = "quiet-river-stone"
DEMO_PASSWORD = "open-every-door"
HOLD_SECONDS = 8 * 24 * 60 * 60  # The hold period of earnings, and a day.


class Person:
    """Somebody with a token."""

    def __init__(self, house: House, username: str, password: str) -> None:
        self._house = house
        self._keys = 0
        opened = house.call("POST", "/api/v1/sessions", {"username": username, "password": password})
        assert opened.status == 201, opened.body
        self._token = opened.json()["token"]
        self._username = username

    def get(self, path: str) -> Any:
        answer = self._call("GET", path)
        assert answer.status == 200, answer.body
        return answer.json()

    def post(self, path: str, body: Any, *, status: int = 201, key: str | None = None) -> Any:
        self._keys += 1
        answer = self._call("POST", path, body, idempotency_key=key or f"{self._username} {self._keys}")
        assert answer.status == status, answer.body
        return answer.json()

    def balance(self, currency: str = "GBP") -> dict[str, Any]:
        return next((b for b in self.get("/wallet")["balances"] if b["currency"] == currency), {})

    def _call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return self._house.call(method, f"/api/v1{path}", body, authorization=f"Bearer {self._token}", **headers)


@pytest.fixture
def register(house: House) -> Callable[..., Person]:
    def registered(username: str, *, side: str, kind: str = "personal") -> Person:
        body = {"username": username, "password": PASSWORD, "kind": kind, "side": side, "name": username.title()}
        answer = house.call("POST", "/api/v1/accounts", body)
        assert answer.status == 201, answer.body
        return Person(house, username, PASSWORD)

    return registered


def until_booked(person: Person, order: str) -> dict[str, Any]:
    """The order's money once every event of it is booked."""
    wait_for(lambda: person.get(f"/orders/{order}/money")["booked"])
    return person.get(f"/orders/{order}/money")


class TestTheJourney:
    """Register, top up, order from two sellers, pay, refund; release, withdraw; and the book balances."""

    def test_ends_with_every_penny_explained(self, house: House, register: Callable[..., Person]) -> None:
        anna = register("anna-j", side="buyer")
        ben, carla = register("ben-j", side="seller"), register("carla-j", side="seller", kind="enterprise")
        pot = ben.post(
            "/items", {"title": "Teapot", "kind": "goods", "price": {"amount": 1250, "currency": "GBP"}, "stock": 3}
        )
        test = carla.post(
            "/items", {"title": "Leaf analysis", "kind": "service", "price": {"amount": 4000, "currency": "GBP"}}
        )

        top_up = anna.post("/wallet/top-ups", {"amount": 10_000, "currency": "GBP"}, key="once")
        again = anna.post("/wallet/top-ups", {"amount": 10_000, "currency": "GBP"}, key="once")
        wait_for(lambda: anna.balance().get("available") == 10_000)
        lines = [{"item": pot["id"], "quantity": 2}, {"item": test["id"], "quantity": 1}]
        checkout = anna.post("/orders", {"lines": lines})
        pots, analysis = (order["id"] for order in checkout["orders"])
        anna.post(f"/checkouts/{checkout['id']}/pay", {"amount": 6500, "currency": "GBP"}, status=200)
        line = ben.get(f"/orders/{pots}")["lines"][0]["id"]
        ben.post(
            f"/orders/{pots}/refunds",
            {"lines": [{"line": line, "amount": 1250, "restock": True}], "reason": "One lid is chipped."},
        )
        for seller, order in ((ben, pots), (carla, analysis)):
            seller.post(f"/orders/{order}/fulfil", {}, status=200)
            anna.post(f"/orders/{order}/complete", {}, status=200)
        of_pots, of_analysis = until_booked(ben, pots), until_booked(carla, analysis)

        assert again["id"] == top_up["id"]
        assert anna.get(f"/items/{pot['id']}")["stock"] == 2
        for money, refunded in ((of_pots, 1250), (of_analysis, 0)):
            assert money["balanced"] is True
            assert money["refunded"] == refunded
            assert sum(share["amount"] for share in money["shares"]) + refunded == money["paid"]
        assert anna.balance()["available"] == 10_000 - 6500 + 1250

        self._earnings_come_in(house, ben, carla)
        self._the_book_balances(house)

    def _earnings_come_in(self, house: House, ben: Person, carla: Person) -> None:
        """After the hold period they are in the wallets, and can be withdrawn."""
        olivia = Person(house, "olivia", DEMO_PASSWORD)
        olivia.post("/clock/advance", {"seconds": HOLD_SECONDS}, status=200)
        wait_for(lambda: carla.balance().get("available") == 3800)
        wait_for(lambda: ben.balance().get("available") == 1187)  # Half of 23.75; the odd half penny is the platform's.
        carla.post("/wallet/withdrawals", {"amount": 3800, "currency": "GBP"})
        wait_for(lambda: carla.balance()["available"] == 0)

        assert {earning["status"] for earning in carla.get("/earnings")["results"]} == {"released"}

    def _the_book_balances(self, house: House) -> None:
        olivia = Person(house, "olivia", DEMO_PASSWORD)
        balances = olivia.get("/ledger/trial-balance")["currencies"]
        checked = house.manage("verify_books")
        said, errors = checked.communicate()

        assert {balance["difference"] for balance in balances} == {0}
        assert {"GBP", "JPY", "KWD", "CNY"} <= {balance["currency"] for balance in balances}
        assert checked.returncode == 0, said + errors
