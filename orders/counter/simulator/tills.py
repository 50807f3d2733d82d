"""What a till can do, and what it believes of each of its trades; what goes wrong is in faults.py."""

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orders.counter.simulator.calling import Answer, Caller, Unexpected
from orders.counter.simulator.world import CURRENCY, Customer, Desk, Identity, expect

AMOUNT_MINOR_MAX = 5_000
SKEW_SECONDS_MAX = 86_400
ASK_PAUSE_SECONDS = 0.05
ASKS_MAX = 200
CODE_LIFETIME_SECONDS = 61.0  # By then a code has expired, however fast the house's clock goes.
OLD_CODES_MAX = 5
OFFLINE_SLOW_SECONDS_MAX = 15.0  # So far a phone's clock may be wrong, and the code is still good when it arrives.
OFFLINE_FAST_SECONDS_MAX = 29.0
OFFLINE_WRONG_SECONDS = 300.0
NOT_CREATED = "not_created"
OPEN = ("pending", "confirming")
PAID = ("paid", "refunded")


@dataclass
class Belief:
    """
    What a till holds to be true of one of its sequences.

    `is_left`: the till does nothing about it any more: time, or a third party's server, ends it.
    `is_from_wallet`: False where a third party's server was charged.
    """

    sequence: int
    customer: Customer
    amount: int
    status: str = NOT_CREATED
    refunded: int = 0
    trade_no: str = ""
    is_left: bool = False
    is_from_wallet: bool = True
    ends_before: float = 0.0  # By the machine's steady clock.


@dataclass
class Till:
    """One till with a clock that goes wrong: its sequences are moments of that clock, and so come in any order."""

    desk: Desk
    customers: list[Customer]
    rng: random.Random
    fault_rate: float
    ways: "Sequence[tuple[str, Deed]]"
    faults: "Mapping[str, Deed]"
    beliefs: list[Belief] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    dead_codes: int = 0

    def __post_init__(self) -> None:
        self.caller = self.desk.caller()
        self.phones = {id(customer): customer.phone() for customer in self.customers}
        self.pool = ThreadPoolExecutor(max_workers=2)
        self.used: set[int] = set()
        self.surprises: list[str] = []
        self.spare: dict[int, tuple[str, float]] = {}  # Codes that nobody shows until they have expired.

    def run(self, trades: int) -> None:
        """Make so many trades; what is still open at the end of the day is cancelled, or left to time."""
        for _ in range(trades):
            self.make_one()
        for belief in self.beliefs:
            if belief.status in OPEN:
                self.await_end(belief) if belief.is_left else self.cancel(belief)
        self.pool.shutdown()

    def make_one(self) -> None:
        customer = self.rng.choice(self.customers)
        belief = Belief(self.next_sequence(), customer, self.rng.randint(1, AMOUNT_MINOR_MAX))
        self.beliefs.append(belief)
        name, deed = self.draw()
        self.done[name] += 1
        try:
            deed(self, belief)
        except Unexpected as surprise:
            self.surprises.append(f"{belief.sequence}, {name}: {surprise}")

    def draw(self) -> "tuple[str, Deed]":
        """An ordinary trade, half of them by the first of the ways to pay; or one with a fault."""
        if self.rng.random() < self.fault_rate:
            return self.rng.choice(sorted(self.faults.items()))
        return self.ways[0] if self.rng.random() < 0.5 else self.rng.choice(self.ways)

    def next_sequence(self) -> int:
        """A moment of a clock that is wrong, differently each time."""
        while True:
            skewed = time.time() + self.rng.uniform(-SKEW_SECONDS_MAX, SKEW_SECONDS_MAX)
            sequence = int(skewed * 1_000_000)
            if sequence not in self.used:
                self.used.add(sequence)
                return sequence

    # --- What a till asks for -----------------------------------------------------------------

    def body(self, belief: Belief, **how: Any) -> dict[str, Any]:
        line = {"description": "Tea", "quantity": 1, "unit_amount": belief.amount}
        sold = {"sequence": belief.sequence, "lines": [line], "amount": belief.amount, "currency": CURRENCY}
        return {**sold, **how}

    def payment(self, belief: Belief, code: str = "", identity: Identity | None = None) -> dict[str, Any]:
        how: dict[str, Any] = {"identity": identity.named()} if identity else {"pay_code": code}
        return {**how, "amount": belief.amount, "currency": CURRENCY}

    def pay_at_once(self, belief: Belief) -> None:
        """Made and paid in one call."""
        code = self.pay_code(belief.customer)
        body = self.body(belief, pay_code=code)
        began = time.perf_counter()
        answer = self.make(body)
        self.seconds.append(time.perf_counter() - began)
        self.believe(belief, expect(201, answer))
        with belief.customer.lock:
            belief.customer.old_codes = [code, *belief.customer.old_codes][:OLD_CODES_MAX]

    def make(self, body: dict[str, Any]) -> Answer:
        return self.caller.post("/terminal/trades", body)

    def make_pending(self, belief: Belief, **how: Any) -> str:
        """Make a trade that nobody pays yet; return its number."""
        trade = expect(201, self.make(self.body(belief, **how)))
        self.believe(belief, trade)
        return str(trade["trade_no"])

    def pay(self, belief: Belief, code: str) -> Answer:
        return self.caller.post(f"/terminal/trades/{belief.trade_no}/pay", self.payment(belief, code))

    def pay_as(self, belief: Belief, identity: Identity) -> Answer:
        return self.caller.post(f"/terminal/trades/{belief.trade_no}/pay", self.payment(belief, identity=identity))

    def ask(self, belief: Belief) -> dict[str, Any]:
        """Ask until the request has ended; a trade that may still be paid has."""
        for _ in range(ASKS_MAX):
            asked = self.ask_once(belief)
            if asked["outcome"] != "in_progress" or "trade" in asked:
                return asked
            time.sleep(ASK_PAUSE_SECONDS)
        raise Unexpected(f"Sequence {belief.sequence} never ends.")

    def ask_once(self, belief: Belief) -> dict[str, Any]:
        asked: dict[str, Any] = expect(200, self.caller.get(f"/terminal/trades?sequence={belief.sequence}"))
        return asked

    def await_end(self, belief: Belief) -> None:
        """Wait until a trade has ended by itself; what has not by its limit stays open, and is reported so."""
        while True:
            is_over = time.monotonic() > belief.ends_before
            asked = self.ask_once(belief)
            self.believe(belief, asked["trade"])
            if asked["outcome"] == "final" or is_over:
                return
            time.sleep(1.0)

    def cancel(self, belief: Belief) -> None:
        self.cancelled(belief)
        self.believe(belief, self.ask(belief)["trade"])

    def cancelled(self, belief: Belief) -> str:
        return str(expect(200, self.caller.post("/terminal/trades/cancel", {"sequence": belief.sequence}))["result"])

    # --- Codes --------------------------------------------------------------------------------

    def pay_code(self, customer: Customer, **limits: Any) -> str:
        return str(expect(201, self.phones[id(customer)].post("/pay-codes", limits))["code"])

    def used_code(self, customer: Customer) -> str:
        """A code that has paid; "" where there is none yet."""
        with customer.lock:
            return next(iter(customer.old_codes), "")

    def expired_code(self, customer: Customer) -> str:
        """A code that nobody has shown and that has expired; "" where there is none yet."""
        code, made_at = self.spare.pop(id(customer), ("", 0.0))
        if code and time.monotonic() - made_at > CODE_LIFETIME_SECONDS:
            return code
        self.spare[id(customer)] = (code, made_at) if code else (self.pay_code(customer), time.monotonic())
        return ""

    def offline_code(self, customer: Customer) -> str:
        """A code of a phone whose clock is a little wrong; "" where it has shown all of its present ones."""
        with customer.lock:
            phone = customer.offline_phone()
            code = phone.code(fast_seconds=self.rng.uniform(-OFFLINE_SLOW_SECONDS_MAX, OFFLINE_FAST_SECONDS_MAX))
            if code in phone.made:
                return ""
            phone.made.add(code)
            return code

    def tried_offline_code(self, customer: Customer) -> str:
        """A phone's code that has paid; "" where there is none yet."""
        with customer.lock:
            return next(iter(customer.offline_phone().tried), "")

    def code_of_a_fast_clock(self, customer: Customer) -> str:
        """A code of a phone whose clock is minutes fast."""
        with customer.lock:
            return customer.offline_phone().code(fast_seconds=OFFLINE_WRONG_SECONDS)

    # --- How it does it -----------------------------------------------------------------------

    def both(self, *requests: Callable[[Caller], Answer]) -> list[Answer]:
        """Two requests at the same moment, each over a connection of its own."""
        running = [self.pool.submit(request, self.caller.twin()) for request in requests]
        return [future.result() for future in running]

    def believe(self, belief: Belief, trade: dict[str, Any]) -> None:
        """Take over what an answer says of a trade; what was paid after its limit is no belief."""
        belief.trade_no, belief.status, belief.refunded = trade["trade_no"], trade["status"], trade["refunded"]
        if not belief.ends_before:
            limit = datetime.fromisoformat(trade["closes_at"]) - datetime.fromisoformat(trade["placed_at"])
            belief.ends_before = time.monotonic() + limit.total_seconds()
        is_late = trade["paid_at"] is not None and trade["paid_at"] > trade["closes_at"]
        self.ensure(not is_late, "It was paid after its limit.")

    def ensure(self, holds: bool, otherwise: str) -> None:
        """:raises Unexpected: it does not hold."""
        if not holds:
            raise Unexpected(otherwise)


Deed = Callable[[Till, Belief], None]
