"""
Who meets whom over one sale: each ends as if one had come after the other, and the controls show what else would be.

A worker that dies before any statement of a batch leaves nothing, and the next one does it once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.actor import Actor
from accounts.models import Account
from core import clock
from core.money import Money
from events.consumers import get_consumer
from events.delivery import deliver_batch
from events.models import Delivery, EventRecord
from orders.models import Order
from sharing.consumers.charging import charge
from sharing.errors import ShareNotHeld
from sharing.models import Share, ShareBudget, WonLine
from sharing.services import charging, end_due_holds, end_program, reject_share, reversing
from tests.conftest import make_account
from tests.proofs.world import book
from tests.sharing.money import claim, complete, earned, faults, order, parts, pay, refund, sold, won
from tests.sharing.programs import give, share
from tests.shop import offer
from wallets.models import Earning
from wallets.services import release_due_earnings


@pytest.fixture
def seller(committed_db: Any) -> Account:
    return make_account(side="seller")


@pytest.fixture
def shared(seller: Account) -> Share:
    item = offer(seller)
    give(item, budget=Money(70, "GBP"))
    return share(make_account(), item)


def bought(shared: Share) -> Order:
    """Paid, and nobody has heard of it."""
    buyer = make_account()
    claim(shared, buyer)
    return pay(order(buyer, shared.item).orders[0])


def charge_one(sale: Order) -> Callable[[], Any]:
    """A worker of its own, with this sale in hand."""
    event = EventRecord.objects.get(type="order.paid", subject=sale.public_id)

    def run() -> None:
        with transaction.atomic():
            Delivery.objects.filter(consumer="sharing", event_id=event.pk).delete()
            charge([event])

    return run


class TestTheLastOfABudget:
    """Two sales for what one of them would use up."""

    @pytest.fixture
    def sales(self, shared: Share, monkeypatch: pytest.MonkeyPatch) -> list[Order]:
        sales = [bought(shared), bought(shared)]
        slow_down(monkeypatch, charging, "suspicions")
        return sales

    def test_charges_no_more_than_is_left(self, sales: list[Order], shared: Share, race: Any) -> None:
        assert race(*map(charge_one, sales)) == [None, None]
        assert sorted(won(sale).charged_minor or 0 for sale in sales) == [20, 50]
        assert ShareBudget.objects.get().spent_minor == 70
        book()
        assert faults() == []

    def test_without_the_lock_charges_more(
        self, sales: list[Order], race: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            charging, "lock_budgets", lambda items: {row.item_id: row for row in ShareBudget.objects.all()}
        )
        assert race(*map(charge_one, sales)) == [None, None]
        assert sum(won(sale).charged_minor or 0 for sale in sales) == 100


class TestARefundAndTheCharge:
    """Of one sale, at the same moment."""

    def test_end_the_same_whichever_comes_first(self, shared: Share, race: Any) -> None:
        operator = make_account(operator=True)
        for _ in range(3):
            sale = bought(shared)
            give(shared.item)
            assert race(charge_one(sale), lambda sale=sale: refund(sale, 400)) == [None, None]
            book()
            assert parts(sale, operator) == {"platform": 30, "seller": 540, "share_charge": 30}
        assert faults() == []

    def test_miss_each_other_without_the_lock(self, shared: Share, race: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        sale = bought(shared)

        def look(order: str, wanted: Any) -> list[WonLine]:
            found = list(WonLine.objects.select_related("share", "seller").filter(order=order, line__in=wanted))
            wait()
            return found

        monkeypatch.setattr(reversing, "_lock_lines", look)
        race(charge_one(sale), lambda: refund(sale, 400))
        assert earned(shared.sharer) == {"pending": 50}
        assert {finding.check for finding in faults()} >= {"won lines"}


def test_a_refund_and_a_release_end_the_same_whichever_comes_first(shared: Share, race: Any) -> None:
    sale = sold(shared)
    complete(sale)
    book()
    at = clock.now() + timedelta(days=8)
    outcomes = race(lambda: refund(sale, 1000, now=at), lambda: release_due_earnings(at))
    assert outcomes[0] is None
    assert not isinstance(outcomes[1], Exception)
    book()
    assert set(parts(sale, make_account(operator=True)).values()) == {0}
    assert faults() == []


def test_an_operators_word_and_the_end_of_the_hold_decide_once(shared: Share, race: Any, settings: Any) -> None:
    settings.SHARE_ORDER_AFTER_SCAN_MIN = timedelta(seconds=3)
    operator = make_account(operator=True)
    for _ in range(2):
        give(shared.item)
        sale = sold(shared)
        line, until = won(sale).line, won(sale).held_until
        assert until is not None
        reject = {"line": line, "reason": "Odd.", "actor": Actor.own(operator), "now": until}
        rejected, ended = race(lambda: reject_share(**reject), lambda: end_due_holds(until))  # noqa: B023
        assert (isinstance(rejected, ShareNotHeld), ended) in ((True, 1), (False, 0))
        assert won(sale).decision == ("expired" if ended else "rejected")
    book()
    assert faults() == []


def test_an_order_keeps_what_was_claimed_while_the_program_ends(shared: Share, seller: Account, race: Any) -> None:
    buyer = make_account()
    claim(shared, buyer)
    placed, ended = race(
        lambda: order(buyer, shared.item).orders[0],
        lambda: end_program(item=shared.item.public_id, actor=Actor.own(seller), now=clock.now()),
    )
    assert ended is None
    assert won(placed).promised_minor == 50


class Died(Exception):
    """A worker that is gone before its statement."""


@contextmanager
def dying_before(number: int) -> Iterator[None]:
    statements = count(1)

    def run(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if next(statements) == number:
            raise Died
        return execute(sql, params, many, context)

    with connection.execute_wrapper(run):
        yield


class TestAWorkerThatDies:
    """Before whichever statement: what it had done is gone with it, and is done once."""

    @pytest.fixture
    def unheard(self, shared: Share, settings: Any) -> list[EventRecord]:
        """Two sales, one refunded in part before anybody heard of it, one held, and both completed."""
        settings.SHARE_ORDER_AFTER_SCAN_MIN = timedelta(seconds=3)
        sales = [bought(shared), bought(shared)]
        refund(sales[0], 400)
        for sale in sales:
            complete(sale)
        waiting = Delivery.objects.filter(consumer="sharing").values_list("event_id", flat=True)
        return list(EventRecord.objects.filter(id__in=list(waiting)).order_by("id"))

    @staticmethod
    def amounts() -> list[Any]:
        lines = WonLine.objects.order_by("line").values_list("line", "charged_minor", "reversed_minor", "held_until")
        shares = Earning.objects.filter(kind="share").order_by("part")
        return [*lines, *shares.values_list("part", "original_minor", "status", "releases_at")]

    def test_charging_is_done_once_and_the_same(self, unheard: list[EventRecord]) -> None:
        with transaction.atomic():
            charge(unheard[::-1])
            expected = self.amounts()
            transaction.set_rollback(True)
        for number in count(1):
            try:
                with transaction.atomic(), dying_before(number):
                    charge(unheard)
            except Died:
                assert not Earning.objects.filter(kind="share").exists()
                continue
            break
        assert number > 10
        assert self.amounts() == expected

    def test_a_batch_that_a_worker_takes_is_charged_and_heard_together(self, unheard: list[EventRecord]) -> None:
        assert deliver_batch(get_consumer("sharing")) == len(unheard)
        assert not Delivery.objects.filter(consumer="sharing").exists()
        book()
        assert faults() == []


def slow_down(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """Let whoever calls it be overtaken there."""
    inner = getattr(module, name)

    def slow(*given: Any) -> Any:
        wait()
        return inner(*given)

    monkeypatch.setattr(module, name, slow)


def wait() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.5)")
