"""A seller with tea, and a buyer with money enough."""

from typing import Any

import pytest

from accounts.models import Account
from catalog.models import Item
from orders.models import Order
from tests.shop import fund, offer, paid_order, place
from tests.wallets.conftest import provider  # noqa: F401 - the double, a fixture here as well


@pytest.fixture
def item(seller: Account) -> Item:
    return offer(seller)


@pytest.fixture
def rich(buyer: Account) -> Account:
    """The buyer, with 10,000.00 GBP."""
    fund(buyer, 1_000_000)
    return buyer


@pytest.fixture
def pending(buyer: Account, item: Item) -> Order:
    """One of the item for 10.00 GBP, with 0.50 for the platform."""
    return place(buyer, item).orders[0]


@pytest.fixture
def paid(buyer: Account, item: Item) -> Order:
    return paid_order(buyer, item)


@pytest.fixture
def other_seller(new_account: Any) -> Account:
    return new_account(side="seller")
