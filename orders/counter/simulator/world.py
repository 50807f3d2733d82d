"""Stores with tills, and customers with money: made over HTTP, as anybody would."""

import secrets
import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from orders.counter.simulator.calling import Answer, Caller, Unexpected

CURRENCY = "GBP"
FUNDS_MINOR = 1_000_000_000
WAIT_SECONDS_MAX = 60.0


@dataclass
class Customer:
    """A customer with a phone. `token` is good in every thread; connections are the caller's."""

    url: str
    token: str
    lock: Lock = field(default_factory=Lock)
    old_codes: list[str] = field(default_factory=list)

    def phone(self) -> Caller:
        return Caller(self.url, f"Bearer {self.token}")

    def wealth(self) -> int:
        """What the wallet has, with what is decided and not yet booked."""
        balances = expect(200, self.phone().get("/wallet"))["balances"]
        return sum(b["available"] + b["not_yet_booked"] for b in balances if b["currency"] == CURRENCY)


@dataclass(frozen=True)
class Desk:
    """A till: its store's number and its own key."""

    store: int
    url: str
    key: str

    def caller(self) -> Caller:
        return Caller(self.url, f"Terminal {self.key}")


def expect(status: int, answer: Answer) -> Any:
    """
    Return the body of an answer with this status.

    :raises Unexpected: it has another one.
    """
    if answer.status != status:
        raise Unexpected(f"{answer.status} instead of {status}: {answer.body}")
    return answer.body


def register(url: str, side: str) -> Caller:
    """Join as a buyer or seller, and log in."""
    name, password = f"sim-{side}-{secrets.token_hex(8)}", secrets.token_urlsafe(16)
    body = {"username": name, "password": password, "kind": "personal", "side": side, "name": name}
    nobody = Caller(url)
    expect(201, nobody.post("/accounts", body))
    session = expect(201, nobody.post("/sessions", {"username": name, "password": password}))
    return Caller(url, f"Bearer {session['token']}")


def make_desks(url: str, *, stores: int, tills: int) -> list[Desk]:
    """Open so many stores, each of a seller of its own, with so many tills each."""
    desks = []
    for store in range(stores):
        seller = register(url, "seller")
        opened = expect(201, seller.post("/stores", {"name": f"Store {store + 1}"}))
        for till in range(tills):
            made = expect(201, seller.post(f"/stores/{opened['id']}/terminals", {"name": f"Till {till + 1}"}))
            desks.append(Desk(store, url, made["key"]))
    return desks


def make_customers(url: str, number: int) -> list[Customer]:
    """Let so many customers join, and wait until the book has their money."""
    callers = [register(url, "buyer") for _ in range(number)]
    for caller in callers:
        top_up = {"amount": FUNDS_MINOR, "currency": CURRENCY}
        expect(201, caller.post("/wallet/top-ups", top_up, key="funds"))
    patience_ends = time.monotonic() + WAIT_SECONDS_MAX
    while not all(_is_booked(caller) for caller in callers):
        if time.monotonic() > patience_ends:
            raise Unexpected("Nobody books the customers' money: is a worker running?")
        time.sleep(0.2)
    return [Customer(url, caller.authorization.removeprefix("Bearer ")) for caller in callers]


def _is_booked(caller: Caller) -> bool:
    balances = expect(200, caller.get("/wallet"))["balances"]
    return any(balance["available"] == FUNDS_MINOR for balance in balances)
