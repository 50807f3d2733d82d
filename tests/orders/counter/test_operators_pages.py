"""Operators find one trade among many, read all that happened to it, and shut a till for a reason."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from accounts.models import Account, ExternalIdentity
from catalog.models import Store
from catalog.services import trust_providers
from core import clock
from orders.counter.keys import digest_key
from orders.counter.models import CounterTrade, Terminal, TillRequest
from tests.orders.counter.test_trades import refund
from tests.orders.counter.till import Till, cancelled, pay_code, tea

TRADES, REQUESTS, TERMINALS = (f"/admin/orders/{name}/" for name in ("countertrade", "tillrequest", "terminal"))
BEN = {"provider": "demo-id", "external_id": "ben"}

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def pages(operator: Account, browser: Callable[[Account], Client]) -> Client:
    return browser(operator)


@pytest.fixture
def till(till: Till, store: Store, customer: Account) -> Till:
    """Sequences: 1 waits, 2 paid by code, 3 refused, 4 paid and refunded (5), 6 paid by identity, 7 a tombstone."""
    trust_providers(store=store.public_id, providers=["demo-id"])
    ExternalIdentity.objects.create(account=customer, **BEN, bound_at=clock.now())
    till.terminal.refresh_from_db()
    till.sell()
    till.sell(pay_code=pay_code(customer))
    till.sell(tea(1, 1_000_000), pay_code=pay_code(customer))
    given_back = till.sell(pay_code=pay_code(customer)).json()
    refund(till, given_back, 900, sequence=5)
    next(till.sequences)
    assert till.pay(till.sell(identity=BEN).json(), identity=BEN).status_code == 200
    cancelled(till, sequence=7)
    return till


def sequences(pages: Client, **query: str) -> list[int]:
    return sorted(trade.sequence for trade in pages.get(TRADES, query).context["cl"].result_list)


def page_of(pages: Client, sequence: int) -> str:
    trade = CounterTrade.objects.get(sequence=sequence)
    return pages.get(f"{TRADES}{trade.pk}/change/").content.decode()


class TestTrades:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, [1, 2, 3, 4, 6]),
            ({"state": "pending"}, [1]),
            ({"state": "confirming"}, [3]),
            ({"state": "paid"}, [2, 6]),
            ({"state": "refunded"}, [4]),
            ({"state": "closed"}, []),
            ({"way": "pay code"}, [2, 4]),
            ({"way": "identity"}, [6]),
            ({"way": "phone"}, []),
            ({"way": "identity's server"}, []),
            ({"refused": "yes"}, [3]),
        ],
    )
    def test_are_found_by_state_way_and_refusal(self, pages: Client, till: Till, query: dict, found: list[int]):
        assert sequences(pages, **query) == found

    def test_are_found_by_till_sequence_store_order_and_number(self, pages: Client, till: Till):
        trade = CounterTrade.objects.select_related("order").get(sequence=4)
        name = till.terminal.public_id
        everything = [1, 2, 3, 4, 6]
        for term, found in (
            (name, everything),
            (f"{name}:4", [4]),
            (f"{name}:5", [4]),  # The refund's sequence leads to its trade.
            (f"{name}:7", []),
            (f"{name}:{9**40}", []),
            ("trm_nobody:1", []),
            (till.terminal.store.public_id, everything),
            (trade.order.public_id, [4]),
            (trade.order.trade_no, [4]),
        ):
            assert sequences(pages, q=term) == found, term

    def test_that_time_has_closed_are_closed_before_any_task_has_run(self, pages: Client, till: Till):
        CounterTrade.objects.update(closes_at=clock.now())

        assert sequences(pages, state="closed") == [1, 3]
        assert sequences(pages, state="pending") == []

    def test_take_as_many_statements_for_one_as_for_many(self, pages: Client, till: Till, statements: Any):
        counts = []
        for _ in range(2):
            for page in (TRADES, REQUESTS, TERMINALS):
                with statements() as seen:
                    assert pages.get(page).status_code == 200
                counts.append(len(seen))
            for _ in range(5):
                till.sell(sequence=next(till.sequences) + 10)

        assert counts[:3] == counts[3:]

    def test_have_their_history_on_one_page(self, pages: Client, till: Till, customer: Account):
        shown = page_of(pages, 4)

        told = [
            "made",
            "till asked for a trade",
            "sequence 4 of Till 1; answered paid",
            "pay code tried",
            f"of {customer.name}: paid",
            "till asked for a refund",
            "9.00 GBP: ",
        ]
        assert [part for part in told if part not in shown] == []
        assert "refused: confirmation_needed" in page_of(pages, 3)
        assert "UTC" in page_of(pages, 1)

    def test_take_a_constant_number_of_statements_each(self, pages: Client, till: Till, statements: Any):
        trade = CounterTrade.objects.get(sequence=2)
        counts = []
        for sequence in (50, 51, 52):
            document = {"trade_no": trade.order.trade_no}
            assert refund(till, document, 100, sequence=sequence).status_code == 201
            pages.get(f"{TRADES}{trade.pk}/change/")
            with statements() as seen:
                pages.get(f"{TRADES}{trade.pk}/change/")
            counts.append(len(seen))

        assert len(set(counts)) == 1


class TestWhatTillsAskedFor:
    def test_shows_tombstones_and_first_answers(self, pages: Client, till: Till):
        found = pages.get(REQUESTS, {"kind": "cancelled"}).context["cl"].result_list
        assert [request.sequence for request in found] == [7]

        buried = TillRequest.objects.get(sequence=7)
        assert "not_created" in pages.get(f"{REQUESTS}{buried.pk}/change/").content.decode()
        by_sequence = pages.get(REQUESTS, {"q": f"{till.terminal.public_id}:7"}).context["cl"].result_list
        assert list(by_sequence) == [buried]

    @pytest.mark.parametrize("model", [CounterTrade, TillRequest, Terminal])
    def test_is_edited_by_nobody(self, pages: Client, till: Till, model: Any):
        rights, request = admin.site._registry[model], pages.get(TRADES).wsgi_request
        assert rights.has_view_permission(request)
        assert not any(may(request) for may in (rights.has_add_permission, rights.has_change_permission))
        assert not rights.has_delete_permission(request)


class TestTills:
    def revoke(self, pages: Client, till: Till, **data: str) -> Any:
        return pages.post(f"{TERMINALS}{till.terminal.pk}/revoke/", {"_form_submitted": "on", **data})

    def test_are_shown_without_their_keys(self, pages: Client, till: Till):
        for page in (TERMINALS, f"{TERMINALS}{till.terminal.pk}/change/"):
            shown = pages.get(page).content.decode()
            assert till.terminal.name in shown
            assert till.key not in shown
            assert digest_key(till.key) not in shown

    def test_are_shut_for_a_reason_at_once(self, pages: Client, till: Till, operator: Account):
        self.revoke(pages, till)
        assert till.sell(sequence=100).status_code == 201

        self.revoke(pages, till, reason="Stolen on Friday.")

        assert till.sell(sequence=101).status_code == 401
        shut = Terminal.objects.get()
        assert (shut.revoked_by, shut.revoke_reason) == (operator, "Stolen on Friday.")
        self.revoke(pages, till, reason="Again.")
        assert Terminal.objects.get().revoke_reason == "Stolen on Friday."
        assert "Stolen on Friday." in pages.get(f"{TERMINALS}{shut.pk}/change/").content.decode()

    def test_are_not_shut_by_their_sellers_here(self, till: Till, seller: Account, browser: Any):
        assert self.revoke(browser(seller), till, reason="Mine.").status_code in (302, 403)
        assert Terminal.objects.get().revoked_at is None
