"""What a till does trade by trade, and what it believes of each: every fault is one of its methods."""

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from orders.counter.simulator.calling import Answer, Caller, Unexpected
from orders.counter.simulator.world import CURRENCY, Customer, Desk, expect

AMOUNT_MINOR_MAX = 5_000
SKEW_SECONDS_MAX = 86_400
ASK_PAUSE_SECONDS = 0.05
ASKS_MAX = 200
CODE_LIFETIME_SECONDS = 61.0  # By then a code has expired, however fast the house's clock goes.
DEAD_CODES_MAX = 20  # Below the limit of refused codes per till.
OLD_CODES_MAX = 5
NOT_CREATED = "not_created"


@dataclass
class Belief:
    """What a till holds to be true of one of its sequences."""

    sequence: int
    customer: Customer
    amount: int
    status: str = NOT_CREATED
    refunded: int = 0
    trade_no: str = ""


@dataclass
class Till:
    """One till with a clock that goes wrong: its sequences are moments of that clock, and so come in any order."""

    desk: Desk
    customers: list[Customer]
    rng: random.Random
    fault_rate: float
    beliefs: list[Belief] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
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
        """Make so many trades; what is still open at the end of the day is cancelled."""
        for _ in range(trades):
            self.make_one()
        for belief in self.beliefs:
            if belief.status in ("pending", "confirming"):
                self.cancel(belief)
        self.pool.shutdown()

    def make_one(self) -> None:
        customer = self.rng.choice(self.customers)
        belief = Belief(self.next_sequence(), customer, self.rng.randint(1, AMOUNT_MINOR_MAX))
        self.beliefs.append(belief)
        name = self.draw_fault()
        self.faults[name] += 1
        try:
            FAULTS.get(name, Till.pay_at_once)(self, belief)
        except Unexpected as surprise:
            self.surprises.append(f"{belief.sequence}, {name}: {surprise}")

    def draw_fault(self) -> str:
        return self.rng.choice(sorted(FAULTS)) if self.rng.random() < self.fault_rate else "none"

    def next_sequence(self) -> int:
        """A moment of a clock that is wrong, differently each time."""
        while True:
            skewed = time.time() + self.rng.uniform(-SKEW_SECONDS_MAX, SKEW_SECONDS_MAX)
            sequence = int(skewed * 1_000_000)
            if sequence not in self.used:
                self.used.add(sequence)
                return sequence

    # --- What a till does ---------------------------------------------------------------------

    def pay_at_once(self, belief: Belief) -> None:
        """The ordinary trade: made and paid in one call."""
        code = self.pay_code(belief.customer)
        body = self.body(belief, pay_code=code)
        began = time.perf_counter()
        answer = self.caller.post("/terminal/trades", body)
        self.seconds.append(time.perf_counter() - began)
        self.believe(belief, expect(201, answer))
        with belief.customer.lock:
            belief.customer.old_codes = [code, *belief.customer.old_codes][:OLD_CODES_MAX]

    def lose_request(self, belief: Belief) -> None:
        """It never arrives: the till asks, hears that nobody knows, and sends it again."""
        self.resend_until_known(belief, self.body(belief, pay_code=self.pay_code(belief.customer)))

    def lose_answer(self, belief: Belief) -> None:
        """The money is taken, and the till never hears of it: it asks, and gets the original answer."""
        body = self.body(belief, pay_code=self.pay_code(belief.customer))
        first = expect(201, self.caller.post("/terminal/trades", body))
        asked = self.ask(belief)
        self.ensure(asked["answer"] == first, "The original answer is another one.")
        again = expect(201, self.caller.post("/terminal/trades", body))
        self.ensure(again == first, "The repeat got another answer.")
        self.believe(belief, asked["trade"])

    def repeat_at_once(self, belief: Belief) -> None:
        """A nervous network sends everything twice, at the same moment."""
        body = self.body(belief, pay_code=self.pay_code(belief.customer))
        answers = self.both(
            lambda one: one.post("/terminal/trades", body), lambda two: two.post("/terminal/trades", body)
        )
        for answer in answers:
            self.ensure(answer.status == 201 or answer.code == "sequence_in_use", f"A twin got {answer}.")
        self.believe(belief, self.ask(belief)["trade"])

    def scan_twice(self, belief: Belief) -> None:
        """The same code, held before the scanner twice."""
        trade = self.make_pending(belief)
        body = self.payment(belief, self.pay_code(belief.customer))
        path = f"/terminal/trades/{trade['trade_no']}/pay"
        for answer in self.both(lambda one: one.post(path, body), lambda two: two.post(path, body)):
            expect(200, answer)
        self.believe(belief, self.ask(belief)["trade"])

    def cancel_first(self, belief: Belief) -> None:
        """The cancel overtakes the create, which then comes late."""
        self.ensure(self.cancelled(belief) == NOT_CREATED, "Something was there to cancel.")
        late = self.caller.post("/terminal/trades", self.body(belief, pay_code=self.pay_code(belief.customer)))
        self.ensure(late.code == "sequence_cancelled", f"The late create got {late}.")

    def cancel_meanwhile(self, belief: Belief) -> None:
        """Create and cancel at the same moment, whoever comes first."""
        body = self.body(belief, pay_code=self.pay_code(belief.customer))
        named = {"sequence": belief.sequence}
        _made, ended = self.both(
            lambda one: one.post("/terminal/trades", body), lambda two: two.post("/terminal/trades/cancel", named)
        )
        if expect(200, ended)["result"] != NOT_CREATED:
            self.believe(belief, self.ask(belief)["trade"])
            self.ensure(belief.status == "refunded", f"Cancelled, and {belief.status}.")

    def cancel_late(self, belief: Belief) -> None:
        """The customer changes their mind; the cancel is sent twice."""
        self.pay_at_once(belief)
        for _ in range(2):
            self.cancel(belief)
        self.ensure(belief.status == "refunded", f"Cancelled, and {belief.status}.")

    def mistype(self, belief: Belief) -> None:
        """A wrong amount is refused, and then the right one is paid with the same code."""
        trade, code = self.make_pending(belief), self.pay_code(belief.customer)
        path = f"/terminal/trades/{trade['trade_no']}/pay"
        wrong = self.caller.post(path, {**self.payment(belief, code), "amount": belief.amount + 1})
        self.ensure(wrong.code == "amount_mismatch", f"The wrong amount got {wrong}.")
        self.believe(belief, expect(200, self.caller.post(path, self.payment(belief, code))))

    def show_dead_code(self, belief: Belief) -> None:
        """A code that has paid or expired is refused, with the trade kept; then the customer pays with a fresh one."""
        dead = self.dead_code(belief.customer) if self.dead_codes < DEAD_CODES_MAX else ""
        if not dead:
            return self.pay_at_once(belief)
        self.dead_codes += 1
        trade = expect(201, self.caller.post("/terminal/trades", self.body(belief, pay_code=dead)))
        refusal = trade["refusal"] or {"code": "no refusal"}
        self.ensure(refusal["code"] == "pay_code_invalid", f"A dead code got {refusal}.")
        path = f"/terminal/trades/{trade['trade_no']}/pay"
        return self.believe(
            belief, expect(200, self.caller.post(path, self.payment(belief, self.pay_code(belief.customer))))
        )

    def refund_a_part(self, belief: Belief) -> None:
        """A refund whose answer is lost is sent again under its sequence."""
        self.pay_at_once(belief)
        amount = self.rng.randint(1, belief.amount)
        body = {"sequence": self.next_sequence(), "amount": amount, "reason": "Returned."}
        path = f"/terminal/trades/{belief.trade_no}/refunds"
        first, second = (expect(201, self.caller.post(path, body)) for _ in range(2))
        self.ensure(first == second, "The repeated refund got another answer.")
        belief.refunded = amount
        belief.status = "refunded" if belief.refunded == belief.amount else "paid"

    def pay_by_phone(self, belief: Belief) -> None:
        """The customer pays with the phone while the till scans: one of them does."""
        trade = self.make_pending(belief)
        code, phone = self.pay_code(belief.customer), belief.customer.phone()
        paid = {"amount": belief.amount, "currency": CURRENCY}
        answers = self.both(
            lambda one: one.post(f"/terminal/trades/{trade['trade_no']}/pay", self.payment(belief, code)),
            lambda _two: phone.post(f"/trades/{trade['trade_no']}/pay", paid, key=trade["trade_no"]),
        )
        self.ensure(any(answer.status == 200 for answer in answers), f"Nobody paid: {answers}")
        self.believe(belief, self.ask(belief)["trade"])

    def walk_away(self, belief: Belief) -> None:
        """The customer goes without paying; the till cancels at the end of the day."""
        self.believe(belief, self.make_pending(belief))

    # --- How it does it -----------------------------------------------------------------------

    def body(self, belief: Belief, **how: Any) -> dict[str, Any]:
        line = {"description": "Tea", "quantity": 1, "unit_amount": belief.amount}
        sold = {"sequence": belief.sequence, "lines": [line], "amount": belief.amount, "currency": CURRENCY}
        return {**sold, **how}

    def payment(self, belief: Belief, code: str) -> dict[str, Any]:
        return {"pay_code": code, "amount": belief.amount, "currency": CURRENCY}

    def pay_code(self, customer: Customer) -> str:
        return expect(201, self.phones[id(customer)].post("/pay-codes", {}))["code"]

    def dead_code(self, customer: Customer) -> str:
        """A code that has expired, else one that was tried; "" where there is none yet."""
        code, made_at = self.spare.pop(id(customer), ("", 0.0))
        if code and time.monotonic() - made_at <= CODE_LIFETIME_SECONDS:
            self.spare[id(customer)] = code, made_at
            code = ""
        if id(customer) not in self.spare:
            fresh = expect(201, self.phones[id(customer)].post("/pay-codes", {}))["code"]
            self.spare[id(customer)] = fresh, time.monotonic()
        with customer.lock:
            return code or next(iter(customer.old_codes), "")

    def make_pending(self, belief: Belief) -> dict[str, Any]:
        trade = expect(201, self.caller.post("/terminal/trades", self.body(belief)))
        belief.trade_no = trade["trade_no"]
        return trade

    def resend_until_known(self, belief: Belief, body: dict[str, Any]) -> None:
        asked = self.ask(belief)
        self.ensure(asked["outcome"] == "not_known", f"What was never sent is {asked['outcome']}.")
        self.believe(belief, expect(201, self.caller.post("/terminal/trades", body)))

    def ask(self, belief: Belief) -> dict[str, Any]:
        """Ask until the request has ended; a trade that may still be paid has."""
        for _ in range(ASKS_MAX):
            asked = expect(200, self.caller.get(f"/terminal/trades?sequence={belief.sequence}"))
            if asked["outcome"] != "in_progress" or "trade" in asked:
                return asked
            time.sleep(ASK_PAUSE_SECONDS)
        raise Unexpected(f"Sequence {belief.sequence} never ends.")

    def cancel(self, belief: Belief) -> None:
        self.cancelled(belief)
        self.believe(belief, self.ask(belief)["trade"])

    def cancelled(self, belief: Belief) -> str:
        return expect(200, self.caller.post("/terminal/trades/cancel", {"sequence": belief.sequence}))["result"]

    def both(self, *requests: Callable[[Caller], Answer]) -> list[Answer]:
        """Two requests at the same moment, each over a connection of its own."""
        running = [self.pool.submit(request, self.caller.twin()) for request in requests]
        return [future.result() for future in running]

    def believe(self, belief: Belief, trade: dict[str, Any]) -> None:
        belief.trade_no, belief.status, belief.refunded = trade["trade_no"], trade["status"], trade["refunded"]

    def ensure(self, holds: bool, otherwise: str) -> None:
        """:raises Unexpected: it does not hold."""
        if not holds:
            raise Unexpected(otherwise)


FAULTS: dict[str, Callable[[Till, Belief], None]] = {
    "request lost": Till.lose_request,
    "answer lost": Till.lose_answer,
    "repeated at once": Till.repeat_at_once,
    "scanned twice": Till.scan_twice,
    "cancelled before": Till.cancel_first,
    "cancelled meanwhile": Till.cancel_meanwhile,
    "cancelled late": Till.cancel_late,
    "wrong amount": Till.mistype,
    "dead code": Till.show_dead_code,
    "refund repeated": Till.refund_a_part,
    "till and phone": Till.pay_by_phone,
    "customer gone": Till.walk_away,
}
