"""A store with a till, and a customer with money enough."""

from typing import Any

import pytest

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Store
from catalog.services import open_store
from core import clock
from tests.orders.counter.till import Till, make_till
from tests.shop import fund


@pytest.fixture
def store(seller: Account) -> Store:
    return open_store(name="Corner", actor=Actor.own(seller), now=clock.now())


@pytest.fixture
def till(store: Store) -> Till:
    return make_till(store)


@pytest.fixture
def customer(buyer: Account) -> Account:
    """The buyer, with 1,000.00 GBP."""
    fund(buyer, 100_000)
    return buyer


@pytest.fixture
def other_store(new_account: Any) -> Store:
    """Of another seller."""
    return open_store(name="Elsewhere", actor=Actor.own(new_account(side="seller")), now=clock.now())
