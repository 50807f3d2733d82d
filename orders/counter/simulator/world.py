"""Stores with tills, and customers with money: made over HTTP, as anybody would."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from orders.counter.simulator.calling import Answer, Caller, Unexpected
from wallets.pay_codes.offline import offline_code

CURRENCY = "GBP"
FUNDS_MINOR = 1_000_000_000
CONFIRMS_ABOVE_MINOR = 100_000
LARGE_MINOR = CONFIRMS_ABOVE_MINOR + 1
WAIT_SECONDS_MAX = 60.0

Signer = Callable[[str, str, str], str]  # provider, external id, account -> the provider's proof


@dataclass(frozen=True, slots=True)
class Trust:
    """Identity providers that the stores take identities of, who says so, and who signs that they are whose."""

    providers: Sequence[str]
    operator: str
    password: str
    sign: Signer


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a customer is at a provider; `is_elsewhere`: its money is on the provider's own server."""

    provider: str
    external_id: str
    is_elsewhere: bool

    def named(self) -> dict[str, str]:
        return {"provider": self.provider, "external_id": self.external_id}


@dataclass
class OfflinePhone:
    """What a phone makes pay codes from while it is offline. Its clock was right by the house's when it got this."""

    key_number: str
    secret: str
    ahead_seconds: float  # Of the house's clock before the machine's.
    made: set[str] = field(default_factory=set)
    tried: list[str] = field(default_factory=list)

    def code(self, *, fast_seconds: float) -> str:
        """What the phone shows when its clock is so fast."""
        at = time.time() + self.ahead_seconds + fast_seconds
        return offline_code(key_number=self.key_number, secret=self.secret, at=datetime.fromtimestamp(at, UTC))


@dataclass
class Customer:
    """A customer with a phone. `token` is good in every thread; connections are the caller's."""

    url: str
    token: str
    identities: Sequence[Identity] = ()
    lock: Lock = field(default_factory=Lock)
    old_codes: list[str] = field(default_factory=list)
    offline: OfflinePhone | None = None

    def phone(self) -> Caller:
        return Caller(self.url, f"Bearer {self.token}")

    def offline_phone(self) -> OfflinePhone:
        """The phone, with a secret to make codes from; the caller has the customer's lock."""
        if self.offline is None:
            enrolled = expect(201, self.phone().post("/pay-code-secrets", {"name": "Simulated"}))
            ahead = datetime.fromisoformat(enrolled["made_at"]).timestamp() - time.time()
            self.offline = OfflinePhone(enrolled["key_number"], enrolled["secret"], ahead)
        return self.offline

    def wealth(self, *, booked_only: bool = False) -> int:
        """What the wallet has, with what is decided and not yet booked."""
        balances = expect(200, self.phone().get("/wallet"))["balances"]
        own = [balance for balance in balances if balance["currency"] == CURRENCY]
        decided = 0 if booked_only else sum(balance["not_yet_booked"] for balance in own)
        return decided + sum(balance["available"] for balance in own)


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


def register(url: str, side: str) -> tuple[Caller, str]:
    """Join as a buyer or seller, and log in; return who calls, and the account's id."""
    name, password = f"sim-{side}-{secrets.token_hex(8)}", secrets.token_urlsafe(16)
    body = {"username": name, "password": password, "kind": "personal", "side": side, "name": name}
    account = expect(201, Caller(url).post("/accounts", body))
    return log_in(url, name, password), account["id"]


def log_in(url: str, name: str, password: str) -> Caller:
    session = expect(201, Caller(url).post("/sessions", {"username": name, "password": password}))
    return Caller(url, f"Bearer {session['token']}")


def make_desks(url: str, *, stores: int, tills: int, trust: Trust | None) -> list[Desk]:
    """Open so many stores, each of a seller of its own, with so many tills each."""
    desks = []
    for store in range(stores):
        seller, _account = register(url, "seller")
        opened = expect(201, seller.post("/stores", {"name": f"Store {store + 1}"}))
        if trust is not None:
            operator = log_in(url, trust.operator, trust.password)
            trusted = {"providers": list(trust.providers)}
            expect(200, operator.send("PUT", f"/stores/{opened['id']}/trusted-providers", trusted))
        for till in range(tills):
            made = expect(201, seller.post(f"/stores/{opened['id']}/terminals", {"name": f"Till {till + 1}"}))
            desks.append(Desk(store, url, made["key"]))
    return desks


def make_customers(url: str, number: int, *, trust: Trust | None) -> list[Customer]:
    """Let so many customers join, bind their identities, and wait until the book has their money."""
    customers = []
    for _ in range(number):
        caller, account = register(url, "buyer")
        top_up = {"amount": FUNDS_MINOR, "currency": CURRENCY}
        expect(201, caller.post("/wallet/top-ups", top_up, key="funds"))
        limit = {"amount": CONFIRMS_ABOVE_MINOR, "currency": CURRENCY}
        expect(200, caller.send("PUT", "/confirmation-limits", limit))
        identities = _bind_identities(caller, account, trust) if trust is not None else []
        customers.append(Customer(url, caller.authorization.removeprefix("Bearer "), identities))
    _await_money(customers)
    return customers


def _bind_identities(caller: Caller, account: str, trust: Trust) -> list[Identity]:
    bound = []
    for provider in trust.providers:
        external_id = f"sim-{secrets.token_hex(8)}"
        proof = trust.sign(provider, external_id, account)
        body = {"provider": provider, "external_id": external_id, "proof": proof}
        identity = expect(201, caller.post("/identities", body))
        bound.append(Identity(provider, external_id, identity["money"] == "provider"))
    return bound


def _await_money(customers: Sequence[Customer]) -> None:
    patience_ends = time.monotonic() + WAIT_SECONDS_MAX
    while not all(customer.wealth(booked_only=True) == FUNDS_MINOR for customer in customers):
        if time.monotonic() > patience_ends:
            raise Unexpected("Nobody books the customers' money: is a worker running?")
        time.sleep(0.2)
