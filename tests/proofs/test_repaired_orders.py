"""Real orders, repaired: the proof of each and the checks of the books hold, before, after, and later on."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.actor import Actor
from accounts.models import Account
from billing.models import RuleSet
from billing.services.reversing import approve_reversal, request_reversal
from core.registry import book_checks
from ledger.models import Journal
from orders.models import Order
from proofs.order_money import order_money
from tests.billing.history import NOW, activated
from tests.billing.test_repairing import repair, unreversed_per_event
from tests.billing.test_replaying import fees_elsewhere, refunds_from_elsewhere
from tests.conftest import make_account
from tests.money_facts import AT, balance, record
from tests.proofs.world import AFTER_HOLD_PERIOD, book, paid_order, refund, release
from tests.wallets.shop import fill
from wallets.models import Debt

SINCE, UNTIL = AT - timedelta(days=1), AFTER_HOLD_PERIOD + timedelta(days=60)
LATER = AFTER_HOLD_PERIOD + timedelta(hours=1)


def to_reserve() -> list[dict[str, Any]]:
    """Rules that release earnings to a reserve of the house, and not to the wallet."""
    return [
        {
            "name": "default",
            "match": {},
            "transfers": [
                {"debit": "pending:{owner}", "credit": "reserve:{owner}", "amount": {"rest_of": "amount"}},
                {"debit": "pending:{owner}", "credit": "debt:{owner}", "amount": "repaid"},
            ],
        }
    ]


def findings() -> list[Any]:
    return [finding for check in book_checks() if "seal" not in check.name for finding in check.run()]


@pytest.fixture
def proven(operator: Account) -> Callable[[Order], Any]:
    """`proven(order)`: its proof, which must add up, agree with the ledger, and be booked."""

    def prove(order: Order) -> Any:
        proof = order_money(order.public_id, visible_to=operator)
        kept = sum(line.amount_minor for line in proof.shares) + proof.order.refunded_minor
        assert kept == proof.order.paid_minor
        assert (proof.balanced, proof.booked) == (True, True)
        return proof

    return prove


class TestRepairedOrders:
    """After a repair the order's money is where the rows say, by way of the version's accounts."""

    @pytest.fixture
    def version(self, db: None) -> Callable[[], RuleSet]:
        return lambda: activated(order_paid=fees_elsewhere(), order_refunded=refunds_from_elsewhere())

    def test_paid_refunded_and_released_ones(self, rich_buyer, seller, operator, proven, version):
        paid, refunded, released = (paid_order(rich_buyer, seller, price=price) for price in (1000, 2000, 3000))
        book()
        refund(refunded, seller, 700, at=AT)
        book()
        release(released, rich_buyer, seller)
        book()
        fees = balance("platform:fees")

        result = repair(version(), operator, since=SINCE, until=UNTIL)

        assert result["repaired"] == 4
        assert result["skipped"] == []
        assert (balance("platform:fees"), balance("platform:fees:new")) == (0, fees)
        for order in (paid, refunded, released):
            proven(order)
        assert findings() == []
        assert repair(RuleSet.objects.latest("version"), operator, since=SINCE, until=UNTIL)["repaired"] == 0

    def test_life_goes_on_by_the_version_that_booked_last(self, rich_buyer, seller, operator, proven, version):
        order = paid_order(rich_buyer, seller, price=1000)
        book()
        repair(version(), operator, since=SINCE, until=UNTIL)

        release(order, rich_buyer, seller)
        book()
        proven(order)
        refund(order, seller, 400, at=LATER)
        book()
        proven(order)
        refund(order, seller, 600, at=LATER)
        book()

        proof = proven(order)
        assert proof.order.refunded_minor == 1000
        assert (balance("platform:fees"), balance("platform:fees:new")) == (0, 0)
        assert set(unreversed_per_event().values()) == {1}
        assert findings() == []

    def test_released_money_that_is_spent_is_owed(self, rich_buyer, seller, operator, proven):
        """The version would have kept the release in reserve: the wallet gives what it has, the rest is a debt."""
        order = paid_order(rich_buyer, seller, price=1000)
        book()
        release(order, rich_buyer, seller)
        book()
        earned = balance(f"wallet:{seller.public_id}")
        record("wallet.withdrawn", owner=seller.public_id, amount_minor=earned - 100, at=LATER)
        book()

        assert repair(activated(earnings_released=to_reserve()), operator, since=SINCE, until=UNTIL)["repaired"] == 1

        owner = seller.public_id
        assert (balance(f"wallet:{owner}"), balance(f"debt:{owner}")) == (0, -(earned - 100))
        assert balance(f"reserve:{owner}") == earned
        owed = Debt.objects.get(owner=seller)
        assert (owed.owed_minor, owed.subject) == (earned - 100, order.public_id)
        proven(order)
        assert findings() == []

    def test_a_refund_after_the_release_is_repaired_with_both(self, rich_buyer, seller, operator, proven, version):
        order = paid_order(rich_buyer, seller, price=1000)
        book()
        release(order, rich_buyer, seller)
        book()
        refund(order, seller, 500)
        book()

        repair(version(), operator, since=SINCE, until=UNTIL)

        proven(order)
        assert findings() == []


class TestReversedByHand:
    """What operators take back is shown with the order, and is no part of what the order did."""

    def test_the_proof_and_the_checks_hold(self, rich_buyer, seller, operator, proven):
        order = paid_order(rich_buyer, seller, price=1000)
        fill(seller, 1)
        book()
        paid = Journal.objects.get(event_id__in=[event.pk for event in proven(order).events])
        asking = Actor.own(make_account(operator=True))
        request_reversal(journal=paid.public_id, reason="A test order.", actor=asking, now=NOW)

        approve_reversal(journal=paid.public_id, actor=Actor.own(operator), now=NOW)

        assert balance(f"pending:{seller.public_id}") == 0
        proof = proven(order)
        assert [event.type for event in proof.events if event.type.startswith("journal.")] == ["journal.reversed"]
        assert findings() == []
