"""A day at the tills, and the question at its end: do till, customer and server agree on every trade?"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from orders.counter.simulator.tills import NOT_CREATED, Belief, Till
from orders.counter.simulator.world import FUNDS_MINOR, Customer, expect, make_customers, make_desks


@dataclass
class Report:
    """What came of a run. `disagreements` has one sentence for each."""

    trades: int
    seconds: float
    faults: Counter[str]
    states: Counter[str]
    paid_at_once_seconds: list[float]
    disagreements: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Of the ordinary trades, made and paid in one call; in seconds."""
        measured = sorted(self.paid_at_once_seconds)
        return measured[min(int(len(measured) * share), len(measured) - 1)] if measured else 0.0


def simulate(*, url: str, stores: int, tills: int, trades: int, customers: int, fault_rate: float, seed: int) -> Report:
    """Run `stores` × `tills` at once, `trades` each, over HTTP; then ask everybody about every trade."""
    desks, buyers = make_desks(url, stores=stores, tills=tills), make_customers(url, customers)
    crew = [
        Till(desk, buyers, random.Random(seed + place), fault_rate)  # noqa: S311 - faults, no secrets
        for place, desk in enumerate(desks)
    ]
    began = time.perf_counter()
    with ThreadPoolExecutor(max_workers=len(crew)) as pool:
        for running in [pool.submit(till.run, trades) for till in crew]:
            running.result()
    report = Report(
        trades=sum(len(till.beliefs) for till in crew),
        seconds=time.perf_counter() - began,
        faults=sum((till.faults for till in crew), Counter()),
        states=Counter(belief.status for till in crew for belief in till.beliefs),
        paid_at_once_seconds=[second for till in crew for second in till.seconds],
    )
    report.disagreements = [said for till in crew for said in (*till.surprises, *disagreements_of(till))]
    report.disagreements += wallets_that_disagree(crew, buyers)
    return report


def disagreements_of(till: Till) -> Iterator[str]:
    """Ask the server, and the customer who paid, about everything that a till believes."""
    for belief in till.beliefs:
        yield from _server_against(till, belief)
        if belief.status in ("paid", "refunded"):
            yield from _customer_against(belief)


def _server_against(till: Till, belief: Belief) -> Iterator[str]:
    asked = expect(200, till.caller.get(f"/terminal/trades?sequence={belief.sequence}"))
    if asked["outcome"] != "final":
        yield f"{belief.sequence}: not final, but {asked['outcome']}"
    elif "trade" not in asked:
        if belief.status != NOT_CREATED:
            yield f"{belief.sequence}: the till believes {belief.status}, the server has nothing"
    else:
        yield from _compare("server", belief, asked["trade"]["status"], asked["trade"]["refunded"])


def _customer_against(belief: Belief) -> Iterator[str]:
    answer = belief.customer.phone().get(f"/trades/{belief.trade_no}")
    if answer.status != 200:
        yield f"{belief.sequence}: the customer does not see it ({answer.status})"
    else:
        yield from _compare("customer", belief, answer.body["status"], answer.body["refunded"])


def _compare(who: str, belief: Belief, status: str, refunded: int) -> Iterator[str]:
    if (status, refunded) != (belief.status, belief.refunded):
        till = f"the till {belief.status}, {belief.refunded} refunded"
        yield f"{belief.sequence}: {who} has {status}, {refunded} refunded; {till}"


def wallets_that_disagree(tills: list[Till], customers: list[Customer]) -> Iterator[str]:
    """Each customer's wallet lacks exactly what the tills believe to have got: nothing doubled, nothing lost."""
    spent: Counter[int] = Counter()
    for till in tills:
        for belief in till.beliefs:
            if belief.status in ("paid", "refunded"):
                spent[id(belief.customer)] += belief.amount - belief.refunded
    for number, customer in enumerate(customers, 1):
        lacking = FUNDS_MINOR - customer.wealth()
        if lacking != spent[id(customer)]:
            yield f"customer {number}: the wallet lacks {lacking}, the tills have {spent[id(customer)]}"
