"""A small catalogue for the tests of this folder."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.shop import offer


@pytest.fixture
def item(seller: Any) -> Any:
    return offer(seller)


@pytest.fixture
def new_item(seller: Any) -> Callable[..., Any]:
    """`new_item(title="Tea", stock=3)` of the seller."""
    return lambda **fields: offer(seller, **fields)
