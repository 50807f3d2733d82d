"""
Who meets whom over one sale: each ends as if one had come after the other, and the controls show what else would be.

A worker that dies before any statement of a batch leaves nothing, and the next one does it once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from threading import Event
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.actor import Actor
from accounts.models import Account
from core import clock
from core.money import Money
from core.prepared import Prepared
from events.consumers import get_consumer
from events.delivery import deliver_batch
from events.models import Delivery, EventRecord
from orders.models import Order
from orders.services import placing
from sharing.consumers.charging import charge
from sharing.errors import ShareNotHeld
from sharing.models import Share, ShareBudget, WonLine
from sharing.services import charging, deciding, end_due_holds, end_program, matching, reject_share, reversing
from sharing.shares import ENDED, state_of
from tests.conftest import make_account
from tests.proofs.world import book
from tests.sharing.money import claim, complete, earned, faults, order, parts, pay, refund, sold, won
from tests.sharing.programs import give, share
from tests.shop import offer
from wallets.models import Earning
from wallets.services import release_due_earnings
from wallets.services import shares as wallet_shares


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


class Overtaken:
    """Somebody stops at a chosen place until somebody else, who waits for that, has gone by."""

    def __init__(self) -> None:
        self.there, self.gone_by = Event(), Event()

    def stop(self) -> None:
        self.there.set()
        assert self.gone_by.wait(timeout=20), "Nobody came by."

    def by(self, work: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> Any:
            assert self.there.wait(timeout=20), "Nobody stopped."
            try:
                return work()
            finally:
                self.gone_by.set()

        return run


class TestARefundAndARelease:
    """Of one sale, when its time has come."""

    LATER = timedelta(days=8)

    @pytest.fixture
    def sale(self, shared: Share) -> Order:
        sale = sold(shared)
        complete(sale)
        book()
        return sale

    def test_end_the_same_whichever_comes_first(self, sale: Order, race: Any) -> None:
        at = clock.now() + self.LATER
        outcomes = race(lambda: refund(sale, 1000, now=at), lambda: release_due_earnings(at))
        assert outcomes[0] is None
        assert not isinstance(outcomes[1], Exception)
        book()
        assert set(parts(sale, make_account(operator=True)).values()) == {0}
        assert faults() == []

    def test_leave_it_to_the_database_without_the_lock(
        self, sale: Order, shared: Share, race: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        at, refunding = clock.now() + self.LATER, Overtaken()

        def look(order: str, wanted: Any) -> list[Earning]:
            found = list(Earning.objects.select_related("owner").filter(order=order, pk__in=wanted))
            refunding.stop()
            return found

        monkeypatch.setattr(wallet_shares, "_lock_with_sale", look)
        refunded, released = race(
            lambda: refund(sale, 400, now=at),
            refunding.by(lambda: [release_due_earnings(at) for _of in ("the sale", "the sharer's part")]),
        )
        assert released == [1, 1]
        assert isinstance(refunded, IntegrityError)  # What it looked at was pending, and has gone to the wallet since.


class TestAnOperatorAndTheEndOfAHold:
    """What guards hold is decided once."""

    @pytest.fixture
    def held(self, shared: Share, settings: Any) -> Order:
        settings.SHARE_ORDER_AFTER_SCAN_MIN = timedelta(seconds=3)
        give(shared.item)
        return sold(shared)

    @staticmethod
    def both(sale: Order) -> tuple[Callable[[], Any], Callable[[], Any]]:
        line, until = won(sale).line, won(sale).held_until
        assert until is not None
        decides = {"reason": "Odd.", "actor": Actor.own(make_account(operator=True)), "now": until}
        return lambda: reject_share(line=line, **decides), lambda: end_due_holds(until)

    def test_decide_once(self, held: Order, shared: Share, race: Any) -> None:
        for sale in (held, sold(shared)):
            rejected, ended = race(*self.both(sale))
            assert (isinstance(rejected, ShareNotHeld), ended) in ((True, 1), (False, 0))
            assert won(sale).decision == ("expired" if ended else "rejected")
        book()
        assert faults() == []

    def test_leave_it_to_the_database_without_the_lock(
        self, held: Order, race: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        deciding_operator = Overtaken()

        def look(line: int) -> WonLine:
            found = WonLine.objects.select_related("share", "seller", "sharer", "earning").get(line=line)
            assert found.is_held
            deciding_operator.stop()
            return found

        monkeypatch.setattr(deciding, "_lock_held", look)
        reject, end = self.both(held)
        rejected, ended = race(reject, deciding_operator.by(end))
        assert ended == 1
        assert isinstance(rejected, IntegrityError)  # Not told that it is held no more: only the row is written once.


class TestAnOrderAndTheEndOfAProgram:
    """An order that has begun when its item's program ends, and looks for who brought it afterwards."""

    @pytest.fixture
    def at_once(self, shared: Share, race: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Order]:
        buyer, ordering = make_account(), Overtaken()
        claim(shared, buyer)

        def match(**given: Any) -> Any:
            ordering.stop()
            return matching.match_order(**given)

        def run() -> Order:
            monkeypatch.setattr(placing, "match_order", match)
            seller = Actor.own(shared.item.seller)
            placed, ended = race(
                lambda: order(buyer, shared.item).orders[0],
                ordering.by(lambda: end_program(item=shared.item.public_id, actor=seller, now=clock.now())),
            )
            assert ended is None
            return placed

        return run

    def test_keeps_what_was_claimed_before(self, at_once: Callable[[], Order], shared: Share) -> None:
        placed = at_once()
        assert state_of(Share.objects.get(pk=shared.pk)) == ENDED
        assert won(placed).promised_minor == 50

    def test_loses_it_where_what_is_offered_now_decides(
        self, at_once: Callable[[], Order], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        of_today = Prepared("candidates_of_today", f"{matching._CANDIDATES.sql} WHERE program.ended_at IS NULL")
        monkeypatch.setattr(matching, "_CANDIDATES", of_today)
        placed = at_once()
        assert not WonLine.objects.filter(order=placed.public_id).exists()


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
