import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.models import QuerySet

from accounts.models import Account
from tests.money_facts import book
from tests.wallets import doubles
from tests.wallets.shop import fill
from wallets.providers.base import Succeeded


@pytest.fixture
def rich_buyer(buyer: Account) -> Account:
    """A buyer with 10,000.00 GBP, booked."""
    fill(buyer, 1_000_000)
    book()
    return buyer


@pytest.fixture
def provider(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[doubles.DoubleProvider]]:
    """The double, under the name `double`, and as the house's payout provider."""
    monkeypatch.setenv(doubles.LOG, str(tmp_path / "provider.log"))
    settings.PAYMENT_PROVIDERS = {**settings.PAYMENT_PROVIDERS, "double": doubles.PATH}
    settings.PAYOUT_PROVIDER = "double"
    double = doubles.DoubleProvider
    double.answers, double.in_transaction, double.targets = Succeeded("double-1"), [], []
    double.before_call = staticmethod(lambda: None)
    yield double
    double.before_call = staticmethod(lambda: None)


@pytest.fixture
def without_row_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """For controls: SELECT … FOR UPDATE locks nothing."""
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_: self.all())


@pytest.fixture
def meet(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A place where two wait for each other, or go on alone after half a second: the lock kept them apart."""
    barrier = threading.Barrier(2)

    def wait() -> None:
        try:
            barrier.wait(timeout=0.5)
        except threading.BrokenBarrierError:
            barrier.reset()

    return wait
