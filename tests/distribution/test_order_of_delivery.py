"""
In whatever order and batches sales and refunds are heard: everybody has the same.

Within one order the outbox keeps the order; between orders it promises nothing. And a worker that dies anywhere leaves
nothing behind: the next one does it all.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actor import Actor
from core import clock
from distribution.consumers.allocating import allocate
from distribution.models import Allocation
from distribution.services import settle_escrow
from events.models import Delivery, EventRecord
from orders.services import refund_order
from tests.distribution.money import CITY, World, place_store, plan, seat, world
from tests.shop import offer, paid_order
from wallets.models import Earning

EXAMPLES = int(os.environ.get("SHARING_EXAMPLES", "8"))
STEPS = ((), (50,), (33, 33, 34), (100,))  # What is given back of each order in turn, in parts of a hundred.

Amounts = list[tuple[Any, ...]]
Batch = Sequence[EventRecord]


@pytest.fixture
def behind(db: None) -> World:
    """Sales in two stores, each with its refunds, that nobody has heard of."""
    plan(vacancy="escrow")
    behind = world(agents=(1, 2))
    stores = [behind.store, place_store(behind.seller, behind.areas["N1"], behind.start)]
    for number, steps in enumerate(STEPS):
        item = offer(behind.seller, price_minor=99_973 + number, store=stores[number % 2].public_id)
        order = paid_order(behind.buyer, item)
        for step in steps:
            left_minor = order.total_minor * step // 100 if step < 100 else order.total_minor
            refund(order, left_minor)
    return behind


def refund(order: Any, minor: int) -> None:
    actor = Actor.own(order.seller)
    refund_order(order=order.public_id, amount_minor=minor, reason="Cold.", actor=actor, now=clock.now())


def unheard() -> list[EventRecord]:
    waiting = Delivery.objects.filter(consumer="distribution").values_list("event_id", flat=True)
    return list(EventRecord.objects.filter(id__in=list(waiting)).order_by("id"))


def amounts() -> Amounts:
    """What everybody has; keys of allocations depend on who came first, and are nobody's business."""
    allocations = Allocation.objects.order_by("line_id", "role", "level")
    earnings = Earning.objects.filter(kind="commission").order_by("order", "owner_id", "role", "part")
    return [
        *allocations.values_list("line_id", "role", "level", "account_id", "original_minor", "reversed_minor"),
        *earnings.values_list("order", "owner_id", "role", "part", "original_minor", "reversed_minor", "status"),
    ]


def outcome(batches: Sequence[Batch]) -> Amounts:
    """What everybody has after these batches; afterwards nothing has happened."""
    with transaction.atomic():
        for batch in batches:
            allocate(batch)
        found = amounts()
        transaction.set_rollback(True)
    return found


class TestAnyOrderOfDelivery:
    """Between orders there is none, and batches are cut anywhere."""

    @settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(data=st.data())
    def test_gives_everybody_the_same(self, behind: World, data: st.DataObject) -> None:
        events = unheard()
        in_turn = data.draw(st.permutations([event.subject for event in events]))
        cuts = data.draw(st.lists(st.integers(0, len(events)), max_size=4).map(sorted))
        of_subject: dict[str, list[EventRecord]] = defaultdict(list)
        for event in events:
            of_subject[event.subject].append(event)
        shuffled = [of_subject[subject].pop(0) for subject in in_turn]
        batches = [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True) if a < b]
        assert outcome(batches) == outcome([events])


class Died(Exception):
    """A worker that is gone before its statement."""


def dies_before(number: int) -> Callable[..., Any]:
    """Let every statement through but this one."""
    statements = count(1)

    def run(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if next(statements) == number:
            raise Died
        return execute(sql, params, many, context)

    return run


def killed_at_every_statement(work: Callable[[], Any]) -> int:
    """Have work die before each of its statements in turn, and then do it; return how often it died."""
    for number in count(1):
        try:
            with transaction.atomic(), connection.execute_wrapper(dies_before(number)):
                work()
        except Died:
            continue
        return number - 1
    raise AssertionError("A range has no end.")


class TestAWorkerThatDies:
    """Before whichever statement: what it had done is gone with it, and is done once."""

    def test_sharing_out_is_done_once(self, behind: World) -> None:
        expected = outcome([unheard()])
        assert killed_at_every_statement(lambda: allocate(unheard())) > 10
        assert amounts() == expected

    def test_what_waits_in_escrow_is_settled_once(self, behind: World) -> None:
        allocate(unheard())
        now = clock.now()
        seat(behind.areas[CITY], now)
        with transaction.atomic():
            settle_escrow(now)
            expected = amounts()
            transaction.set_rollback(True)
        assert killed_at_every_statement(lambda: settle_escrow(now)) > 5
        assert amounts() == expected
        assert settle_escrow(now) == 0
