"""A repair beside an order that lives on: nobody emits money events of a subject that is being put right."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from accounts.actor import Actor
from billing.services import correcting
from billing.services.repairing import request_repair
from core.jobs import run_next_job
from core.models import Job
from orders.models import Order
from tests.billing.history import activated
from tests.billing.test_replaying import fees_elsewhere, refunds_from_elsewhere
from tests.money_facts import AT, balance, book
from tests.proofs.test_repaired_orders import SINCE, UNTIL, findings
from tests.proofs.world import paid_order, refund
from tests.wallets.shop import fill

PAUSE_SECONDS = 2.0


class Meeting:
    """The repair has looked and is about to write; the refund comes in between, if it can."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.repair_has_looked = threading.Event()
        self.refund_is_booked = threading.Event()
        self.came_between = False
        self._lock = correcting._lock_rooms
        monkeypatch.setattr(correcting, "_lock_rooms", self.pause)

    def pause(self, families: Any) -> Any:
        """Before the accounts are locked: from there on no batch could come in between either."""
        self.repair_has_looked.set()
        self.came_between = self.refund_is_booked.wait(PAUSE_SECONDS)
        return self._lock(families)

    def refund_in_between(self, order: Order, seller: Any) -> Callable[[], None]:
        def go() -> None:
            try:
                assert self.repair_has_looked.wait(20)
                refund(order, seller, 500, at=AT)
                book()
                self.refund_is_booked.set()
            finally:
                connections.close_all()

        return go


class TestARefundBesideARepair:
    @pytest.fixture
    def meet(self, committed_db, new_account, race, monkeypatch):
        """`meet()` lets a refund come while a repair of its payment is between looking and writing."""

        def run() -> Meeting:
            buyer, seller, operator = new_account(), new_account(side="seller"), new_account(operator=True)
            fill(buyer, 10_000)
            book()
            order = paid_order(buyer, seller, price=1000)
            book()
            version = activated(order_paid=fees_elsewhere(), order_refunded=refunds_from_elsewhere())
            job = request_repair(rule_set=version, since=SINCE, until=UNTIL, reason="x", actor=Actor.own(operator))
            meeting = Meeting(monkeypatch)
            race(run_next_job, meeting.refund_in_between(order, seller))
            assert Job.objects.get(pk=job.pk).status == "done"
            return meeting

        return run

    def test_it_waits_and_is_booked_by_the_version_of_the_repair(self, meet):
        meeting = meet()

        assert not meeting.came_between
        assert balance("platform:fees") == 0
        assert balance("platform:fees:new") > 0
        assert findings() == []

    def test_control_without_the_lock_it_is_booked_by_the_old_version(self, meet, monkeypatch):
        monkeypatch.setattr(correcting, "lock_subjects", lambda subjects: None)

        meeting = meet()

        assert meeting.came_between
        assert balance("platform:fees") < 0, "The fee was given back from where it was not any more."
