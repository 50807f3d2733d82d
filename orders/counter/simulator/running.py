"""A day at the tills, and the question at its end: do till, customer and server agree on every trade?"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from orders.counter.simulator import faults, identities
from orders.counter.simulator.tills import NOT_CREATED, PAID, Belief, Deed, Till
from orders.counter.simulator.world import FUNDS_MINOR, Customer, Trust, expect, make_customers, make_desks

T = TypeVar("T")
REFUNDS_WAIT_SECONDS_MAX = 120.0  # What goes back to a third party's server passes through the wallet.


@dataclass(frozen=True, slots=True)
class Day:
    """What is to be run. `to_the_end`: some trades are left to time, and their limit is waited for."""

    stores: int
    tills: int
    trades: int
    customers: int
    fault_rate: float
    seed: int
    to_the_end: bool = False
    trust: Trust | None = None


@dataclass
class Report:
    """What came of a run. `disagreements` has one sentence for each."""

    trades: int
    seconds: float
    done: Counter[str]
    states: Counter[str]
    paid_at_once_seconds: list[float]
    disagreements: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Of the ordinary trades, made and paid in one call; in seconds."""
        measured = sorted(self.paid_at_once_seconds)
        return measured[min(int(len(measured) * share), len(measured) - 1)] if measured else 0.0


def simulate(day: Day, *, url: str) -> Report:
    """Run `stores` × `tills` at once, `trades` each, over HTTP; then ask everybody about every trade."""
    desks = make_desks(url, stores=day.stores, tills=day.tills, trust=day.trust)
    buyers = make_customers(url, day.customers, trust=day.trust)
    ways, what_fails = repertoire(day, buyers)
    crew = [
        Till(desk, buyers, random.Random(day.seed + place), day.fault_rate, ways, what_fails)  # noqa: S311 - no secrets
        for place, desk in enumerate(desks)
    ]
    began = time.perf_counter()
    _at_once(crew, lambda till: till.run(day.trades))
    report = Report(
        trades=sum(len(till.beliefs) for till in crew),
        seconds=time.perf_counter() - began,
        done=sum((till.done for till in crew), Counter()),
        states=Counter(belief.status for till in crew for belief in till.beliefs),
        paid_at_once_seconds=[second for till in crew for second in till.seconds],
    )
    report.disagreements = [said for till in crew for said in till.surprises]
    report.disagreements += [said for found in _at_once(crew, disagreements_of) for said in found]
    report.disagreements += wallets_that_disagree(crew, buyers)
    return report


def repertoire(day: Day, customers: Sequence[Customer]) -> tuple[list[tuple[str, Deed]], Mapping[str, Deed]]:
    """Return the ways to pay, and the faults, that this day's customers and tills have."""
    ways, found = list(faults.WAYS), dict(faults.FAULTS)
    places = {identity.is_elsewhere for customer in customers for identity in customer.identities}
    if False in places:
        ways += identities.WALLET_WAYS
        found |= identities.WALLET_FAULTS
    if True in places:
        ways += identities.ELSEWHERE_WAYS
        found |= identities.ELSEWHERE_FAULTS
    return ways, {**found, **(faults.TO_THE_END if day.to_the_end else {})}


def _at_once(crew: Sequence[Till], work: Callable[[Till], T]) -> list[T]:
    with ThreadPoolExecutor(max_workers=len(crew)) as pool:
        return list(pool.map(work, crew))


def disagreements_of(till: Till) -> list[str]:
    """Ask the server, and the customer who paid, about everything that a till believes."""
    return [said for belief in till.beliefs for said in _against(till, belief)]


def _against(till: Till, belief: Belief) -> Iterator[str]:
    yield from _server_against(till, belief)
    if belief.status in PAID:
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


def wallets_that_disagree(tills: Sequence[Till], customers: Sequence[Customer]) -> Iterator[str]:
    """Each customer's wallet lacks exactly what the tills believe to have got: nothing doubled, nothing lost."""
    is_elsewhere = any(not belief.is_from_wallet for till in tills for belief in till.beliefs)
    spent: Counter[int] = Counter()
    for belief in _paid_from_wallets(tills):
        spent[id(belief.customer)] += belief.amount - belief.refunded
    patience_ends = time.monotonic() + (REFUNDS_WAIT_SECONDS_MAX if is_elsewhere else 0)
    for number, customer in enumerate(customers, 1):
        expected = spent[id(customer)]
        while (lacking := FUNDS_MINOR - customer.wealth()) != expected and time.monotonic() < patience_ends:
            time.sleep(1.0)
        if lacking != expected:
            yield f"customer {number}: the wallet lacks {lacking}, the tills have {expected}"


def _paid_from_wallets(tills: Sequence[Till]) -> Iterable[Belief]:
    return (b for till in tills for b in till.beliefs if b.status in PAID and b.is_from_wallet)
