from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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
    double.answers, double.in_transaction = Succeeded("double-1"), []
    double.before_call = staticmethod(lambda: None)
    yield double
    double.before_call = staticmethod(lambda: None)
