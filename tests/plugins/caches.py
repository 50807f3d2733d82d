"""What a process remembers of its database must not outlive the database: each test may have another."""

from collections.abc import Iterator

import pytest

from billing.versions import compiled
from events.delivery import low_water


@pytest.fixture(autouse=True)
def forget_the_last_database() -> Iterator[None]:
    compiled.cache_clear()
    low_water.forget()
    yield
    compiled.cache_clear()
    low_water.forget()
