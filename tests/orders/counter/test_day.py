"""A store's day, as its seller sees it."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from accounts.models import Account
from catalog.models import Store
from core import clock
from orders.counter.day import trades_of_day
from orders.counter.models import CounterTrade
from orders.counter.states import status_of
from orders.services import run_due_transitions
from tests.orders.counter.test_trades import advance, refund
from tests.orders.counter.till import Till, cancelled, make_till, pay_code, tea
from tests.shop import fund
from wallets.pay_codes.models import ConfirmationLimit


@pytest.fixture
def day(till: Till, customer: Account, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Trades in every state; their numbers by what became of them."""
    made = {"overdue": till.sell().json()}
    advance(monkeypatch, settings.COUNTER_PAYMENT_LIMIT)
    made["paid"] = till.sell(tea(2), pay_code=pay_code(customer)).json()
    made["partly"] = till.sell(pay_code=pay_code(customer)).json()
    refund(till, made["partly"], 300)
    made["refunded"] = till.sell(pay_code=pay_code(customer)).json()
    cancelled(till, trade_no=made["refunded"]["trade_no"])
    made["cancelled"] = till.sell().json()
    cancelled(till, trade_no=made["cancelled"]["trade_no"])
    made["pending"] = till.sell(tea(1, 50), pay_code="0" * 18).json()
    ConfirmationLimit.objects.create(account=customer, currency="GBP", amount_minor=0)
    made["confirming"] = till.sell(pay_code=pay_code(customer)).json()
    return {name: trade["trade_no"] for name, trade in made.items()}


class TestTheDay:
    def test_counts_trades_by_state_and_cashes_up_by_till(
        self, api: Any, day: dict[str, str], store: Store, till: Till, customer: Account
    ):
        other = make_till(store, "Till 2")
        fund(customer, 100_000)
        ConfirmationLimit.objects.all().delete()
        other.sell(pay_code=pay_code(customer))

        shown = api(store.seller).get(f"/stores/{store.public_id}/day").json()

        assert shown["date"] == clock.now().date().isoformat()
        assert {row["status"]: (row["count"], row["amount"], row["refunded"]) for row in shown["states"]} == {
            "paid": (3, 3600, 300),
            "refunded": (1, 900, 900),
            "closed": (2, 1800, 0),
            "pending": (1, 50, 0),
            "confirming": (1, 900, 0),
        }
        sums = [[row[name] for name in ("name", "count", "paid", "refunded", "net")] for row in shown["terminals"]]
        assert sums == [["Till 1", 3, 3600, 1200, 2400], ["Till 2", 1, 900, 0, 900]]
        assert [row["trade_no"] for row in shown["in_progress"]] == [day["pending"], day["confirming"]]
        assert shown["in_progress"][0]["refusal"] == "pay_code_invalid"
        assert shown["in_progress"][0]["closes_at"]

    def test_is_empty_on_another_day(self, api: Any, day: dict[str, str], store: Store):
        tomorrow = (clock.now() + timedelta(days=1)).date()
        shown = api(store.seller).get(f"/stores/{store.public_id}/day", {"date": tomorrow.isoformat()}).json()
        assert shown == {"date": tomorrow.isoformat(), "states": [], "terminals": [], "in_progress": []}
        wrong = api(store.seller).get(f"/stores/{store.public_id}/day", {"date": "yesterday"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid")

    def test_is_the_sellers_own_business(self, api: Any, store: Store, other_store: Store, buyer: Account):
        for path in ("day", "trades"):
            assert api(other_store.seller).get(f"/stores/{store.public_id}/{path}").status_code == 404
            assert api(buyer).get(f"/stores/{store.public_id}/{path}").status_code == 403

    def test_lists_its_trades_by_state_and_as_csv(self, api: Any, day: dict[str, str], store: Store):
        seller, path = api(store.seller), f"/stores/{store.public_id}/trades"
        listed = seller.get(path).json()["results"]
        assert [row["trade_no"] for row in listed] == list(reversed(day.values()))
        closed = seller.get(path, {"status": "closed", "date": clock.now().date().isoformat()}).json()["results"]
        assert [row["trade_no"] for row in closed] == [day["cancelled"], day["overdue"]]
        text = b"".join(seller.get(path, accept="text/csv")).decode()
        assert len(text.splitlines()) == 1 + len(day)
        assert day["paid"] in text

    def test_tells_every_state_as_the_till_hears_it(self, day: dict[str, str], store: Store):
        for ran in (False, True):
            now = clock.now()
            if ran:
                run_due_transitions(now)
            for trade in trades_of_day(store, None, now=now):
                assert trade.state == status_of(CounterTrade.objects.select_related("order").get(pk=trade.pk), now)
