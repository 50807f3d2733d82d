"""Seller or customer closes while a till makes something: it is there to settle first, or it is not made."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from accounts import lifecycle
from accounts.errors import AccountNotSettled
from accounts.models import Account, ExternalIdentity
from catalog.models import Store
from core import clock
from core.prepared import Prepared
from orders.counter.models import Terminal
from orders.counter.services import sequences
from orders.models import Order
from tests.orders.counter.test_races import ROUNDS, Race, codes_of
from tests.orders.counter.till import Till, cancelled, make_till, pay_code, tea
from tests.orders.test_closing_sellers import closing
from tests.shop import fund
from tests.wallets.phone import Phone

DEMO_ID = {"provider": "demo-id", "external_id": "ada"}


@pytest.fixture
def store(committed_db: Any, store: Store) -> Store:
    return store


@pytest.fixture
def shopper(buyer: Account, store: Store) -> Account:
    """With nothing to settle, known to a provider that the store trusts, and asked before anything is debited."""
    ExternalIdentity.objects.create(account=buyer, bound_at=clock.now(), **DEMO_ID)
    store.trusted_providers = ["demo-id"]
    store.save()
    return buyer


def half_made(make: Callable[[], Any], close: Callable[[], None]) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """What commits a moment after an account has begun to close; the closing waits for it, or ends before."""
    is_made, is_closed = threading.Event(), threading.Event()

    def make_slowly() -> Any:
        with transaction.atomic():
            made = make()
            is_made.set()
            is_closed.wait(timeout=1)
        return made

    def close_meanwhile() -> None:
        is_made.wait(timeout=10)
        try:
            close()
        finally:
            is_closed.set()

    return make_slowly, close_meanwhile


class TestTheSeller:
    def test_has_a_trade_to_settle_or_none_is_made(self, till: Till, seller: Account, race: Race):
        for sequence in range(1, 1 + ROUNDS):
            made, closed = race(lambda: till.sell(sequence=sequence), closing(seller))  # noqa: B023
            if made.status_code == 201:
                assert isinstance(closed, AccountNotSettled)
                assert cancelled(till, sequence=sequence).json() == {"result": "closed"}
            else:
                assert (codes_of([made]), closed) == (["not_authenticated"], None)
                assert not Order.objects.filter(status="pending").exists()
                return

    def test_waits_for_what_its_tills_are_making_and_keeps_them(self, till: Till, seller: Account, race: Race):
        made, closed = race(*half_made(till.sell, closing(seller)))
        assert made.status_code == 201
        assert isinstance(closed, AccountNotSettled)
        assert till.ask(made.json()["sequence"])["outcome"] == "in_progress"

    def test_without_the_tills_lock_there_would_be_a_trade_of_nobody(
        self, till: Till, seller: Account, race: Race, monkeypatch: pytest.MonkeyPatch
    ):
        """The control: the closing sees no trade, ends, and then there is one."""
        unlocked = Prepared("begin_sequence_unlocked", sequences._BEGIN.sql.replace("FOR SHARE OF t", ""))
        monkeypatch.setattr(sequences, "_BEGIN", unlocked)
        made, closed = race(*half_made(till.sell, closing(seller)))
        assert (made.status_code, closed) == (201, None)
        assert Order.objects.get(status="pending").seller.is_active is False

    def test_takes_its_tills_out_of_service(self, till: Till, seller: Account, store: Store):
        elsewhere = make_till(store)
        closing(seller)()
        assert codes_of([till.sell(), elsewhere.sell()]) == ["not_authenticated"] * 2
        assert not Terminal.objects.filter(revoked_at=None).exists()

    def test_a_till_that_is_asked_while_it_closes_finds_itself_gone(
        self, till: Till, seller: Account, race: Race, monkeypatch: pytest.MonkeyPatch
    ):
        """It is past its log-in when the closing has locked it, and reads its own row anew after the wait."""
        closed = threading.Event()
        begin, close = sequences.begin, closing(seller)

        def begin_late(asked: sequences.Asked) -> str | None:
            closed.wait(timeout=10)
            return begin(asked)

        def close_first() -> None:
            close()
            closed.set()

        monkeypatch.setattr(sequences, "begin", begin_late)
        made, _ = race(till.sell, close_first)
        assert codes_of([made]) == ["not_authenticated"]
        assert not Order.objects.exists()

    def test_is_found_to_have_earned_whatever_is_looked_at_first(
        self, till: Till, seller: Account, buyer: Account, race: Race, monkeypatch: pytest.MonkeyPatch
    ):
        """A trade that is paid between two looks has left the orders under way, and is found in the wallet."""
        fund(buyer, 900)
        trade, code = till.sell().json(), pay_code(buyer)
        rooms = lifecycle._obstacles.copy()

        def then_it_is_paid(look: Callable[[Account], list[str]]) -> Callable[[Account], list[str]]:
            def look_and_pay(account: Account) -> list[str]:
                found = list(look(account))
                assert codes_of(race(lambda: till.pay(trade, pay_code=code))) == [200]
                return found

            return look_and_pay

        for room, look in rooms.items():
            monkeypatch.setitem(lifecycle._obstacles, room, then_it_is_paid(look))
        with pytest.raises(AccountNotSettled):
            closing(seller)()


class TestTheCustomer:
    @pytest.mark.parametrize("way", ["pay_code", "offline", "identity"])
    def test_waits_for_a_trade_that_is_being_made_in_its_name(self, till: Till, shopper: Account, race: Race, way: str):
        how = paid_by(shopper, way)
        made, closed = race(*half_made(lambda: till.sell(tea(unit_minor=500_001), **how), closing(shopper)))
        assert made.json()["status"] in ("confirming", "pending")
        assert isinstance(closed, AccountNotSettled)
        assert Order.objects.get().buyer == shopper

    def test_without_its_codes_lock_a_closed_account_would_have_a_trade(
        self, till: Till, shopper: Account, race: Race, monkeypatch: pytest.MonkeyPatch
    ):
        """The control: the closing does not touch the code that is being tried."""
        monkeypatch.setitem(lifecycle._closers, "pay_codes", lambda account, now: None)
        code = pay_code(shopper)
        made, closed = race(*half_made(lambda: till.sell(tea(unit_minor=500_001), pay_code=code), closing(shopper)))
        assert (made.json()["status"], closed) == ("confirming", None)
        assert Order.objects.get().buyer.is_active is False

    def test_has_no_code_left_once_it_is_closed(self, till: Till, shopper: Account):
        phone = Phone(shopper)
        codes = [pay_code(shopper), phone.code()]
        closing(shopper)()
        answers = [till.sell(pay_code=code).json()["refusal"]["code"] for code in codes]
        assert answers == ["pay_code_invalid"] * 2
        assert codes_of([till.sell(identity=DEMO_ID)]) == ["identity_unknown"]


def paid_by(customer: Account, way: str) -> dict[str, Any]:
    if way == "identity":
        return {"identity": DEMO_ID}
    return {"pay_code": pay_code(customer) if way == "pay_code" else Phone(customer).code()}


class TestTillsOfOneSeller:
    def test_do_not_wait_for_each_other(self, till: Till, store: Store, buyer: Account, race: Race):
        """One trade is half made; another till sells and is paid, and would be refused for any wait at all."""
        fund(buyer, 10_000)
        other, code = make_till(store), pay_code(buyer)

        def sell_at_once() -> Any:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '50ms'")
            return other.sell(pay_code=code)

        with transaction.atomic():
            assert till.sell().status_code == 201
            (made,) = race(sell_at_once)
        assert made.json()["status"] == "paid"
