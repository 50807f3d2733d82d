"""
What holds of sharers' money whatever is offered, scanned, ordered, paid and refunded, in whatever order it is heard.

`SHARING_EXAMPLES` says how many histories are tried; 2,000 in a long run.
"""

import os
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from core.money import Money
from events.models import Delivery, EventRecord
from orders.models import Order, OrderLine
from sharing.consumers.charging import charge
from sharing.cutting import gone_of_charge
from sharing.models import Share, ShareBudget, WonLine
from tests.conftest import make_account
from tests.proofs.world import book
from tests.sharing.money import claim, faults, order, pay, proof, refund
from tests.sharing.programs import give, share
from tests.shop import offer
from wallets.models import Earning

EXAMPLES = int(os.environ.get("SHARING_EXAMPLES", "150"))
HISTORIES = max(EXAMPLES // 30, 1)

programs = st.fixed_dictionaries(
    {"window_days": st.just(30), "model": st.sampled_from(["last_touch", "first_touch"])},
    optional={"lock_days": st.integers(1, 90), "budget": st.integers(1, 300).map(lambda minor: Money(minor, "GBP"))},
).flatmap(
    lambda common: st.one_of(
        st.integers(1, 10_000).map(lambda bps: {**common, "rate_bps": bps}),
        st.integers(1, 2000).map(lambda minor: {**common, "amount": Money(minor, "GBP")}),
    )
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data(), st.integers(1, 10**9), st.lists(st.integers(1, 10**9), max_size=12))
def test_refunds_in_any_steps_never_give_anything_back_and_end_at_the_whole_charge(
    data: st.DataObject, net_minor: int, steps: list[int]
) -> None:
    charged_minor = data.draw(st.integers(0, net_minor))
    refunded_minor = gone_minor = 0
    for step in [*steps, net_minor]:
        refunded_minor = min(refunded_minor + step, net_minor)
        now_gone = gone_of_charge(refunded_minor, charged_minor=charged_minor, net_minor=net_minor)
        assert gone_minor <= now_gone <= charged_minor
        assert refunded_minor - now_gone <= net_minor - charged_minor
        gone_minor = now_gone
    assert gone_minor == charged_minor


@pytest.fixture
def sharers(db: None) -> list[Account]:
    return [make_account() for _ in range(2)]


@pytest.fixture
def operator(db: None) -> Account:
    return make_account(operator=True)


def shares_of(data: st.DataObject, sharers: list[Account]) -> list[Share]:
    """Items of one seller, each with a program of any kind, each shared by everybody."""
    seller = make_account(side="seller")
    items = [offer(seller, price_minor=data.draw(st.integers(1, 2000))) for _ in range(2)]
    for item in items:
        give(item, **data.draw(programs))
    return [share(sharer, item) for item in items for sharer in sharers]


def sale_of(data: st.DataObject, shares: list[Share], buyers: list[Account]) -> Order:
    """Somebody scans this and that, and buys this and that."""
    buyer = data.draw(st.sampled_from(buyers))
    for scanned in data.draw(st.lists(st.sampled_from(shares), max_size=3)):
        claim(scanned, buyer)
    items = sorted({one.item for one in shares}, key=lambda item: item.pk)
    wanted = data.draw(st.lists(st.tuples(st.sampled_from(items), st.integers(1, 3)), min_size=1, max_size=3))
    return pay(order(buyer, *wanted).orders[0])


def refund_some(data: st.DataObject, sale: Order) -> None:
    sale.refresh_from_db()
    if sale.refundable_minor:
        refund(sale, data.draw(st.integers(1, sale.refundable_minor)))


def unheard() -> list[EventRecord]:
    waiting = Delivery.objects.filter(consumer="sharing").values_list("event_id", flat=True)
    return list(EventRecord.objects.filter(id__in=list(waiting)).order_by("id"))


def amounts() -> list[Any]:
    lines = WonLine.objects.order_by("line").values_list("line", "charged_minor", "credited_minor", "reversed_minor")
    return [*lines, *Earning.objects.filter(kind="share").order_by("part").values_list("part", "original_minor")]


def outcome(events: list[EventRecord]) -> list[Any]:
    """What everybody has once these are heard together; afterwards nothing has happened."""
    with transaction.atomic():
        charge(events)
        found = amounts()
        transaction.set_rollback(True)
    return found


@settings(max_examples=HISTORIES, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_history_adds_up_and_ends_at_zero(data: st.DataObject, sharers: list[Account], operator: Account) -> None:
    with transaction.atomic():
        shares = shares_of(data, sharers)
        buyers = [make_account(), sharers[0]]
        sales = [sale_of(data, shares, buyers) for _ in range(data.draw(st.integers(1, 3)))]
        if data.draw(st.booleans()):
            refund_some(data, data.draw(st.sampled_from(sales)))
        events = unheard()
        assert outcome(data.draw(st.permutations(events))) == outcome(events)
        book()
        for _ in range(data.draw(st.integers(0, 2))):
            refund_some(data, data.draw(st.sampled_from(sales)))
        book()
        adds_up(sales, operator)
        for sale in sales:
            sale.refresh_from_db()
            if sale.refundable_minor:
                refund(sale, sale.refundable_minor)
        book()
        adds_up(sales, operator)
        assert all(line.amount_minor == 0 for sale in sales for line in proof(sale, operator).shares)
        assert set(ShareBudget.objects.values_list("spent_minor", flat=True)) <= {0}
        transaction.set_rollback(True)


def adds_up(sales: list[Order], operator: Account) -> None:
    for sale in sales:
        found = proof(sale, operator)
        kept_minor = sum(line.amount_minor for line in found.shares)
        assert found.balanced
        assert kept_minor + found.order.refunded_minor == found.order.paid_minor
        assert all(line.amount_minor >= 0 for line in found.shares)
    for budget in ShareBudget.objects.exclude(limit_minor=None):
        assert budget.limit_minor is not None
        assert budget.spent_minor <= budget.limit_minor
    own = {line.pk: line.share_terms for line in OrderLine.objects.filter(order__in=sales)}
    assert {key for key, terms in own.items() if terms} == set(WonLine.objects.values_list("line", flat=True))
    assert faults() == []
