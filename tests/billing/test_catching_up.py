"""A command has everything booked that waits, at once, with or without workers beside it."""

import time
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from django.db import transaction

from billing import booking
from billing.services import catching_up
from billing.services.catching_up import NobodyBooks, catch_up
from events.consumers import get_consumer
from events.delivery import claim
from events.models import Delivery
from tests.money_facts import account_id, balance, pay, record, top_up

HELD_SECONDS = 0.5  # Long enough to be met, whatever else the machine does.


@pytest.mark.django_db
class TestCatchingUp:
    """It returns when nothing waits that could be booked."""

    def test_books_what_has_just_happened_without_waiting_for_a_period(self) -> None:
        payer = account_id()
        top_up(payer, 5000)

        catch_up()

        assert balance(f"wallet:{payer}") == 5000
        assert not Delivery.objects.exists()

    def test_with_nothing_to_do_does_nothing(self, statements: Callable[[], Any]) -> None:
        with statements() as seen:
            catch_up()

        assert len(seen) == 1, str(seen)

    def test_leaves_what_is_parked_and_what_stands_behind_it(self) -> None:
        payer, seller = account_id(), account_id()
        record("earnings.released", owner=seller, order="ord_1", amount_minor=1, repaid_minor=2, subject="ord_1")
        record("wallet.topped_up", owner=payer, amount_minor=300, provider="local", subject="ord_1")
        top_up(payer, 500)

        catch_up()

        assert balance(f"wallet:{payer}") == 500
        assert Delivery.objects.filter(parked_at__isnull=False).count() == 1
        catch_up()

    def test_gives_up_when_nobody_books(self, monkeypatch: pytest.MonkeyPatch) -> None:
        top_up(account_id(), 500)
        monkeypatch.setattr(catching_up, "_deliver_once", lambda: False)
        monkeypatch.setattr(catching_up, "STANDSTILL_SECONDS_MAX", 0)

        with pytest.raises(NobodyBooks, match="deliveries have not moved"):
            catch_up()


class TestBesideAWorker:
    """What a worker has in hand is waited for, whether it books it or dies."""

    def test_waits_until_the_worker_lets_go(self, committed_db: Any, race: Callable[..., list[Any]]) -> None:
        payer, seller = account_id(), account_id()
        top_up(payer, 5000)
        catch_up()
        pay(payer, seller, 3000)
        is_held = Event()

        def worker() -> None:
            with transaction.atomic():
                assert claim(get_consumer(booking.BILLING), 100)
                is_held.set()
                time.sleep(HELD_SECONDS)
                transaction.set_rollback(True)

        def command() -> int:
            assert is_held.wait(timeout=10)
            assert not booking.book_batch(trigger=booking.MANUAL)  # The control: nothing can be had now.
            catch_up()
            return balance(f"wallet:{payer}")

        assert race(worker, command) == [None, 2000]
