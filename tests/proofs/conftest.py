import pytest

from accounts.models import Account
from tests.money_facts import book
from tests.wallets.shop import fill


@pytest.fixture
def rich_buyer(buyer: Account) -> Account:
    """A buyer with 10,000.00 GBP, booked."""
    fill(buyer, 1_000_000)
    book()
    return buyer
