"""The checks of the counter's rows find what no service can write, and nothing where all is right."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F

from accounts.models import Account, ExternalIdentity
from catalog.models import Store
from catalog.services import trust_providers
from core import clock
from core.registry import book_checks
from events.models import EventRecord
from orders.counter import book_check
from orders.counter.models import CounterTrade, TillRequest
from orders.models import Order, Refund
from tests.orders.counter.test_trades import refund
from tests.orders.counter.till import Till, cancelled, pay_code
from tests.shop import paid_order
from tests.wallets.bank import PATH, bank
from wallets.models import IdentityCharge, ProviderAttempt
from wallets.pay_codes.models import PayCode

ANA = {"provider": "demo-bank", "external_id": "ana"}
CHECKS = (book_check.check_trades, book_check.check_requests, book_check.check_codes, book_check.check_charges)

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def sold(till: Till, store: Store, customer: Account, settings: Any) -> Till:
    """Sequences: 1 paid by code, 2 a refund of it, 3 charged at a bank, 4 a tombstone, 5 waits."""
    settings.IDENTITY_SERVERS = {"demo-bank": PATH}
    bank.clear()
    trust_providers(store=store.public_id, providers=["demo-bank"])
    till.terminal.refresh_from_db()
    ExternalIdentity.objects.create(account=customer, **ANA, bound_at=clock.now())
    refund(till, till.sell(pay_code=pay_code(customer)).json(), 400)
    assert till.pay(till.sell(identity=ANA).json(), identity=ANA).json()["status"] == "paid"
    cancelled(till, sequence=next(till.sequences))
    till.sell()
    return till


def found() -> set[str]:
    return {finding.detail for check in CHECKS for finding in check()}


def behind_the_triggers(model: Any, where: dict[str, Any], change: dict[str, Any]) -> None:
    """Write as no service can; the caller rolls it back."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {model._meta.db_table} DISABLE TRIGGER USER")
    assert model.objects.filter(**where).update(**change)


PAYMENT = {"gross_minor": 900, "store": "sto_x", "terminal": "trm_x"}

# What is written where, and what must be said about it.
FAULTS: list[tuple[Any, dict[str, Any], dict[str, Any], str]] = [
    (Order, {"counter_trade__sequence": 5}, {"channel": "online"}, "has a trade, and was not sold at the counter"),
    (Order, {"channel": "online"}, {"channel": "store"}, "was sold at the counter, and has no trade"),
    (Order, {"counter_trade__sequence": 5}, {"terminal": "trm_x"}, "its trade is of another store or till"),
    (Order, {"counter_trade__sequence": 1}, {"status": "paid"}, "is paid and not completed, or the other way"),
    (
        EventRecord,
        {"type": "order.paid"},
        {"type": "x", "key": F("id")},
        "is paid and says so nowhere, or the other way",
    ),
    (EventRecord, {"type": "order.paid"}, {"payload": {"gross_minor": 1}}, "its payment was of another amount"),
    (EventRecord, {"type": "order.paid"}, {"payload": PAYMENT}, "its payment names another store or till"),
    (IdentityCharge, {}, {"to_wallet": True}, "was paid by a server that was charged nothing"),
    (CounterTrade, {"sequence": 5}, {"sequence": 99}, "its sequence was asked for by nobody"),
    (CounterTrade, {"sequence": 5}, {"sequence": 4}, "its sequence was cancelled before anything came of it"),
    (CounterTrade, {"sequence": 5}, {"sequence": 1}, "its sequence belongs to another trade"),
    (CounterTrade, {"sequence": 5}, {"sequence": 99}, "made a trade that is not there"),
    (TillRequest, {"sequence": 1}, {"answer": '{"amount": 1}'}, "was answered with another trade or amount"),
    (TillRequest, {"sequence": 2}, {"answer": '{"amount": 1}'}, "was answered with another refund or amount"),
    (TillRequest, {"sequence": 4}, {"answer": "{}"}, "was buried with another answer"),
    (PayCode, {}, {"used_for": "ord_x"}, "was tried for a trade that is not there"),
    (CounterTrade, {"sequence": 1}, {"paid_at_till_by": ""}, "paid a trade that was paid in another way"),
    (IdentityCharge, {}, {"trade_no": "X"}, "is for a trade that is not there"),
    (IdentityCharge, {}, {"amount_minor": F("amount_minor") + 1}, "is of another amount than its trade"),
    (IdentityCharge, {}, {"status": "failed"}, "was paid by a server that was charged nothing"),
    (IdentityCharge, {}, {"to_wallet": True}, "was to go into a wallet, and did not"),
    (ProviderAttempt, {}, {"answer": "in_progress"}, "has ended, and nobody has said so"),
]


class TestTheChecks:
    def test_find_nothing_where_all_is_right(self, sold: Till, buyer: Account, item: Any):
        paid_order(buyer, item)

        assert found() == set()
        assert {check.name for check in book_checks()} >= {
            "counter: every trade is its order",
            "counter: every sequence leads to what came of it",
            "counter: pay codes had one try",
            "counter: charges agree with their trades",
        }

    def test_find_everything_that_is_planted(self, sold: Till, buyer: Account, item: Any):
        paid_order(buyer, item)
        missed = []
        for model, where, change, detail in FAULTS:
            with transaction.atomic():
                behind_the_triggers(model, where, change)
                missed += [] if detail in found() else [(model.__name__, change, detail)]
                transaction.set_rollback(True)

        assert missed == []
        assert found() == set()

    def test_find_a_refund_of_another_trade(self, sold: Till):
        behind_the_triggers(Refund, {}, {"order": Order.objects.get(counter_trade__sequence=5)})

        assert "gave back what is not there, or another trade's" in found()

    def test_find_two_codes_that_have_paid_one_trade(self, sold: Till, customer: Account):
        pay_code(customer)
        first = PayCode.objects.earliest("id")
        PayCode.objects.exclude(pk=first.pk).update(used_at=first.used_at, used_for=first.used_for)

        assert "2 pay codes have paid it" in found()

    def test_find_a_code_that_paid_for_somebody_else(self, sold: Till, new_account: Callable[..., Account]):
        PayCode.objects.update(account=new_account())

        assert "paid a trade that is not paid by its owner" in found()

    def test_find_a_charge_whose_trade_somebody_else_paid(self, sold: Till, new_account: Callable[..., Account]):
        IdentityCharge.objects.update(owner=new_account())

        assert "has succeeded, and its trade is not paid by it" in found()

    def test_go_in_chunks(self, sold: Till, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(book_check, "KEYS_AT_ONCE", 1)
        Order.objects.update(terminal="trm_x")

        wrong = [finding for finding in book_check.check_trades() if finding.detail.startswith("its trade")]
        assert len(wrong) == 3
